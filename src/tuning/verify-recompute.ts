// The episodes of a stretch of the log, in its own order or in a shuffled one with other cuts, over all views and over the
// live ones alone.
import { episodesOf, type FoldRecord, fold } from '../detectors/fold.ts';
import { SLACK_S } from '../detectors/history-plan.ts';
import { createChargesOfSignals } from '../detectors/history-signals.ts';
import { keysWithEpisodes, longestOf, recordsIn, replay } from '../detectors/replay.ts';
import { liveFromS } from '../detectors/retain.ts';
import { createState, idInScope } from '../detectors/state.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Rule } from '../model/detector.ts';
import type { Key } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';

/** Of one partition: of a longer stretch the newest are read. Two states of their attempts are held at once. */
const MAX_RECORDS = 5_000_000;
/** Records between two places of a shuffled round. */
const CUT = 2_000;
const DISORDER_MS = 600_000;

export type Stretch = {
  readonly partition: number;
  /** Offset of the oldest record kept. */
  readonly first: number;
  readonly from: number;
  readonly to: number;
  /** Seconds: first breach instants before it are not known for certain; 0: all are. */
  readonly sinceS: number;
};

/** What must be read so that episodes that begin at `sinceMs` or later are exact, or as far back as the log is whole. */
export async function findStretches(
  log: EventLog,
  sinceMs: number,
  rules: readonly Rule[],
): Promise<readonly Stretch[]> {
  const state = createState({ lane: 'all' });
  fold(state, rules);
  const { windowS, quietForS } = longestOf(state);
  const reachMs = (windowS + quietForS + SLACK_S) * 1000 + DISORDER_MS;
  const positions = await log.offsetsAt('attempts', Math.max(0, sinceMs - reachMs));
  const stretches: Stretch[] = [];
  for (const { partition, first, next } of await log.ends('attempts')) {
    const wanted = positions.find((position) => position.partition === partition)?.offset ?? 0;
    const from = Math.max(first, wanted, next - MAX_RECORDS);
    // If the oldest record kept is itself wanted, an older one may have been wanted too.
    const isCut = from > wanted || (first > 0 && from === first);
    const oldestMs = isCut && from < next ? await timeAt(log, partition, from) : null;
    const sinceS = oldestMs === null ? 0 : Math.ceil((oldestMs + reachMs) / 1000);
    stretches.push({ partition, first, from, to: next, sinceS });
  }
  return stretches;
}

async function timeAt(log: EventLog, partition: number, offset: number): Promise<number | null> {
  for await (const page of log.read('attempts', partition, offset, offset + 1)) return page[0]?.timeMs ?? null;
  return null;
}

/** Of one key: over all views, and over the live ones alone; seconds: where the one ends to count and the other begins. */
export type Recomputed = {
  readonly key: Key;
  readonly episodes: {
    readonly all: readonly Episode[];
    readonly live: readonly Episode[];
    readonly boundaryS: number;
  };
};

type Recompute = {
  readonly log: EventLog;
  readonly signal: AbortSignal | undefined;
  readonly rules: readonly Rule[];
  readonly stretch: Stretch;
  readonly onProgress: (records: number) => void;
  /** null: in the log's order. */
  readonly random: (() => number) | null;
};

export async function recompute(parts: Recompute): Promise<Map<string, Recomputed>> {
  const { log, signal, rules, stretch, onProgress, random } = parts;
  const { partition, from, to } = stretch;
  const all = createState({ lane: 'all' });
  const live = createState({ lane: 'live' });
  fold(all, rules);
  fold(live, rules);
  const ranges = random === null ? [{ from, to }] : shuffled(cuts(from, to), random);
  const input = { log, partition, ranges, onProgress, ...(signal === undefined ? {} : { signal }) };
  const charges = createChargesOfSignals(all);
  for await (const slice of recordsIn(input)) {
    const records = slice.map(({ record }) => record);
    for (const record of records) charges.see(record);
    for (const part of random === null ? [records] : randomCuts(shuffled(records, random), random)) {
      fold(all, part);
      fold(live, part);
    }
  }
  // The charge of a signal may be far from it.
  const missing = charges.missing();
  if (missing.size > 0) {
    const wants = (record: FoldRecord): boolean =>
      record.record === 'view' && missing.has(idInScope(record, record.attempt));
    const ranges = [{ from: stretch.first, to: from }];
    const everywhere = { ...input, ranges, onProgress: () => undefined, wants };
    await replay(all, everywhere);
    await replay(live, everywhere);
  }
  // Seen by the live lane or not, it is the same instant.
  const boundaryS = liveFromS(all);
  const found = new Map<string, Recomputed>();
  const keys = new Map<string, Key>();
  for (const state of [all, live]) for (const [id, key] of await keysWithEpisodes(state)) keys.set(id, key);
  for (const [id, key] of keys)
    found.set(id, { key, episodes: { all: episodesOf(all, key), live: episodesOf(live, key), boundaryS } });
  return found;
}

function cuts(from: number, to: number): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (let at = from; at < to; at += CUT) ranges.push({ from: at, to: Math.min(to, at + CUT) });
  return ranges;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [all[i], all[j]];
    if (a !== undefined && b !== undefined) [all[i], all[j]] = [b, a];
  }
  return all;
}

function* randomCuts<T>(items: readonly T[], random: () => number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; ) {
    const length = 1 + Math.floor(random() * 200);
    yield items.slice(at, at + length);
    at += length;
  }
}

/** A small generator of its own, so that a seed gives the same orders everywhere. */
export function randomFrom(seed: number): () => number {
  let state = (Math.imul(seed, 2_654_435_761) + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
