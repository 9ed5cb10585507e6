// Fields that a detector asks for and the attempts in the log lack, because their metadata key was not kept from the
// beginning: named, and read again from Stripe's events, which hold every key.
import { decodeAttemptsRecord } from '../attempts/wire.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { recordsOf } from '../ingest/records.ts';
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { View } from '../model/attempt.ts';
import { comparePositions } from '../model/commands.ts';
import type { DetectorSettings, GeneralSettings } from '../model/detector.ts';
import { AppError } from '../model/errors.ts';
import type { LackingField } from '../model/what-if.ts';

export type SettingsPast = Pick<IncidentFeed, 'detectorNames' | 'settingsHistory'>;

/** Of what these detectors ask for, what was kept only from after `fromMs` on. */
export function lackingFields(
  feed: SettingsPast,
  detectors: readonly DetectorSettings[],
  fromMs: number,
): readonly LackingField[] {
  const fields = new Set(detectors.flatMap(keptFieldsOf));
  if (fields.size === 0) return [];
  const past = feed
    .detectorNames()
    .flatMap((name) => feed.settingsHistory(name))
    .sort((a, b) => comparePositions(a.position, b.position));
  return [...fields].flatMap((field) => {
    const keptSince = keptSinceOf(field, past);
    return keptSince > fromMs ? [{ field, keptSince }] : [];
  });
}

/** Which of a detector's fields come from metadata: `ip`, `metadata.plan`. */
function keptFieldsOf({ where, of, at, per, count }: DetectorSettings): readonly string[] {
  // What stands in quotes is a value, unless it is a key of the map.
  const texts = [where, of ?? '', at ?? ''];
  const keys = texts.flatMap((text) => [
    ...[...text.matchAll(/\bmetadata\.([A-Za-z_]\w*)/g)].map(([, key]) => key),
    ...[...text.matchAll(/\bmetadata\s*\[\s*(["'])(.*?)\1\s*\]/g)].map(([, , key]) => key),
    ...[...text.matchAll(/(["'])([^"']+)\1\s+in\s+metadata\b/g)].map(([, , key]) => key),
  ]);
  const isOnIp =
    per === 'ip' || count === 'distinct(ip)' || texts.some((text) => /\bip\b/.test(text.replace(/(["']).*?\1/g, '')));
  return [
    ...(isOnIp ? ['ip'] : []),
    ...(per.startsWith('metadata.') ? [per] : []),
    ...keys.map((key) => `metadata.${key}`),
  ];
}

type Past = readonly { readonly general: GeneralSettings; readonly at: number }[];

/** Milliseconds; 0: since the beginning. */
function keptSinceOf(field: string, past: Past): number {
  const now = past.at(-1)?.general;
  const isKept = ({ metadata }: GeneralSettings): boolean =>
    field === 'ip'
      ? metadata.ip !== null && metadata.ip === now?.metadata.ip
      : metadata.keys.includes(field.slice('metadata.'.length));
  const lastWithout = past.findLastIndex(({ general }) => !isKept(general));
  return lastWithout === -1 ? 0 : (past[lastWithout + 1]?.at ?? Number.POSITIVE_INFINITY);
}

export type ReadAgain = {
  readonly log: Pick<EventLog, 'read' | 'ends' | 'offsetsAt'>;
  readonly general: GeneralSettings;
  readonly lacking: readonly LackingField[];
  /** Milliseconds of record time. */
  readonly fromMs: number;
  readonly signal?: AbortSignal | undefined;
};

/** Views as they would have been with today's metadata keys, in slices. Rejects with `field_not_kept`. */
export async function* viewsReadAgain({ log, general, lacking, fromMs, signal }: ReadAgain): AsyncGenerator<View[]> {
  const untilMs = Math.max(...lacking.map(({ keptSince }) => keptSince));
  const starts = await log.offsetsAt('stripe-events', Math.max(0, fromMs));
  const options = { context: general, latenessMs: general.latenessMs };
  for (const { partition, first, next } of await log.ends('stripe-events')) {
    const from = starts.find((start) => start.partition === partition)?.offset ?? 0;
    if (first > 0 && from <= first) throw notKept(lacking);
    if (from >= next) continue;
    for await (const page of log.read('stripe-events', partition, from, next)) {
      signal?.throwIfAborted();
      const due = page.filter(({ timeMs }) => timeMs < untilMs);
      yield due.flatMap(({ value, timeMs }) => viewsOf(value, { ...options, receivedAt: timeMs }));
      if (due.length === 0) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function viewsOf(value: string, options: Parameters<typeof recordsOf>[1]): View[] {
  const { event } = decode<{ readonly event?: unknown }>('stripe-events', value);
  const { attempts } = recordsOf(event, options);
  const record = attempts === null ? null : decodeAttemptsRecord(attempts.value);
  return record?.record === 'view' ? [record] : [];
}

function notKept(lacking: readonly LackingField[]): AppError {
  const names = lacking.map(({ field, keptSince }) => `${field} (kept since ${new Date(keptSince).toISOString()})`);
  return new AppError('field_not_kept', `The log lacks for a part of that time: ${names.join(', ')}.`, {
    help: 'Ask for a shorter time, from when the field was kept; Stripe’s events of before are not in the log any more.',
  });
}
