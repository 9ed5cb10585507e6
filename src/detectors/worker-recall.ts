// What was told, recalled from the log itself when the window store has lost it: else a withdrawal that comes after the
// loss would never be said, and an episode that is still open would seem to begin where the rebuild does.
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Command } from '../model/commands.ts';
import { type Key, keyId, type LabelledEntity } from '../model/entity.ts';
import type { Report } from '../model/episode.ts';
import { AppError } from '../model/errors.ts';
import { maskEntity } from '../model/mask.ts';
import type { ReportMark } from './reports.ts';

export type RecalledKey = {
  readonly detector: string;
  readonly scope: Key['scope'];
  /** As it travels: masked. */
  readonly entity: LabelledEntity;
  readonly mark: ReportMark;
  /** What its last report was as of. */
  readonly offset: number;
};

/** By masked key; only keys whose last report had an episode. */
export type Recalled = Map<string, RecalledKey>;

/** Most keys recalled: the newest. */
const MAX_KEYS = 200_000;

/** Reports of the live lane of one partition, since `sinceMs`; the newest of each key counts. */
export async function recall(
  { log, partition }: { readonly log: EventLog; readonly partition: number },
  sinceMs: number,
): Promise<Recalled> {
  const newest = new Map<string, { readonly offset: number; readonly atMs: number }>();
  const recalled: Recalled = new Map();
  const [start] = await log.offsetsAt('commands', Math.max(0, sinceMs));
  for await (const page of log.read('commands', 0, start?.offset ?? 0)) {
    for (const { value } of page) {
      const report = reportIn(value, partition);
      if (report === null) continue;
      const id = keyId(report.body);
      const { offset, atMs = 0 } = report.body.asOf;
      const known = newest.get(id);
      if (known !== undefined && (known.offset > offset || (known.offset === offset && known.atMs > atMs))) continue;
      newest.set(id, { offset, atMs });
      recalled.delete(id);
      if (report.body.episodes.length > 0) recalled.set(id, keyOf(report));
      const [eldest] = recalled.keys();
      if (recalled.size > MAX_KEYS && eldest !== undefined) recalled.delete(eldest);
    }
  }
  return recalled;
}

/** The mark of a key of the windows, if it was told of. */
export function recalledMark(recalled: Recalled, key: Key, piiKey: string): ReportMark | null {
  if (recalled.size === 0) return null;
  const { value } = maskEntity(key.entity, null, piiKey);
  const id = keyId({ ...key, entity: { kind: key.entity.kind, value } });
  const mark = recalled.get(id)?.mark ?? null;
  recalled.delete(id);
  return mark;
}

/** Seconds: the first breach of the eldest episode that was still open when last told; null if none was. */
export function eldestOpenS(recalled: Recalled): number | null {
  let eldest = Number.POSITIVE_INFINITY;
  for (const { mark } of recalled.values())
    for (const { over, firstBreachAt } of mark.episodes) if (!over && firstBreachAt < eldest) eldest = firstBreachAt;
  return Number.isFinite(eldest) ? eldest : null;
}

type Asked = { readonly atMs: number; readonly body: Report };

function reportIn(value: string, partition: number): Asked | null {
  // Most commands are reports; of the others nothing is wanted, and looking is cheaper than parsing.
  if (!value.includes('"report"')) return null;
  try {
    const { at, body } = decode<Command>('commands', value);
    const isMine =
      body.type === 'report' &&
      body.asOf.lane === 'live' &&
      body.asOf.topic === 'attempts' &&
      body.asOf.partition === partition;
    return isMine ? { atMs: at, body } : null;
  } catch (error) {
    if (error instanceof AppError && error.code === 'newer_schema') throw error;
    return null;
  }
}

function keyOf({ atMs, body }: Asked): RecalledKey {
  const { detector, scope, entity, episodes } = body;
  const mark: ReportMark = {
    openedAtMs: atMs,
    toldAtMs: atMs,
    episodes: episodes.map(
      ({ severity, firstBreachAt, lastBreachAt, peak, attemptCount, settingsVersion, exact, over }) => ({
        severity,
        firstBreachAt,
        lastBreachAt,
        peak,
        attemptCount,
        settingsVersion,
        exact,
        over,
      }),
    ),
  };
  return { detector, scope, entity, mark, offset: body.asOf.offset };
}
