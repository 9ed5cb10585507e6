// Runs the engine the way the world does: records in any order, twice, cut into batches, with restarts from the store and a
// store that goes back to an older prefix. What comes out is brought into the oracle's form.
import {
  createState,
  detailsOf,
  episodesOf,
  expire,
  type FoldRecord,
  type FoldState,
  finishRestore,
  fold,
  keysOf,
  readFromLog,
  restoreRows,
} from './engine.ts';
import { keyText, type OracleEpisode } from './oracle.ts';

type Row = ReturnType<typeof fold>['rows'][number];
type Key = Parameters<typeof episodesOf>[1];

/** Numbers in [0, 1) from a seed: the same in every run. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

/** Every key's episodes, in the oracle's form; keys without any are left out. */
export function engineEpisodes(state: FoldState): Map<string, OracleEpisode[]> {
  const found = new Map<string, OracleEpisode[]>();
  for (const key of keysOf(state)) {
    const episodes = episodesOf(state, key).map((episode): OracleEpisode => {
      const details = detailsOf(state, key, episode.firstBreachAt);
      if (details === null) throw new Error('an episode has details');
      const { members, values, trigger } = details;
      return { episode, members: members.map(({ id }) => id), instants: values, trigger: trigger?.id ?? null };
    });
    if (episodes.length > 0) found.set(textOf(key), episodes);
  }
  return found;
}

const textOf = (key: Key): string => keyText(key.detector, key.scope, key.entity);

export type RunOptions = {
  readonly lane: 'live' | 'all';
  readonly random: () => number;
  /** Chance after each batch. */
  readonly restarts: number;
  readonly expires: boolean;
  /** Records come as the worker reads them from the log: most views packed. */
  readonly isFromLog?: boolean;
  /** Called after each batch with how many of the records have been folded. */
  readonly onBatch?: (state: FoldState, folded: number) => void;
};

/** Throws if a key's episodes changed without the fold having said so. */
export function runEngine(records: readonly FoldRecord[], options: RunOptions): FoldState {
  const { lane, random, restarts, expires, isFromLog = false, onBatch } = options;
  let state = createState({ lane });
  let at = 0;
  let stored: { readonly end: number; readonly rows: readonly Row[] }[] = [];
  while (at < records.length) {
    const before = episodesByKey(state);
    const end = Math.min(records.length, at + 1 + Math.floor(random() * random() * 24));
    const batch = records.slice(at, end);
    const { rows, touched } = fold(state, isFromLog ? readFromLog(state, batch) : batch);
    checkTouched(before, episodesByKey(state), new Set([...touched.values()].map(textOf)));
    stored.push({ end, rows: [...rows, ...(expires ? expire(state) : [])] });
    at = end;
    onBatch?.(state, at);
    if (random() >= restarts) continue;
    if (random() < 0.3) stored = stored.slice(0, Math.floor(random() * (stored.length + 1)));
    at = stored.at(-1)?.end ?? 0;
    state = restored(
      lane,
      stored.flatMap(({ rows: kept }) => kept),
      random,
    );
  }
  return state;
}

function checkTouched(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  touched: ReadonlySet<string>,
): void {
  for (const key of new Set([...before.keys(), ...after.keys()]))
    if (!touched.has(key) && before.get(key) !== after.get(key)) throw new Error(`${key} changed untouched`);
}

function episodesByKey(state: FoldState): Map<string, string> {
  const found = new Map<string, string>();
  for (const key of keysOf(state)) {
    const episodes = episodesOf(state, key);
    if (episodes.length > 0) found.set(textOf(key), JSON.stringify(episodes));
  }
  return found;
}

/** As a store gives them back: what is kept by id first, then the log of attempts, in pages. */
function restored(lane: 'live' | 'all', rows: readonly Row[], random: () => number): FoldState {
  const state = createState({ lane });
  const kept = new Map<string, Row>();
  for (const row of rows) {
    if (row.kind === 'attempts') continue;
    if (row.value === null) kept.delete(`${row.kind}/${row.id}`);
    else kept.set(`${row.kind}/${row.id}`, row);
  }
  const all = [...kept.values(), ...rows.filter(({ kind }) => kind === 'attempts')];
  for (let at = 0; at < all.length; ) {
    const end = at + 1 + Math.floor(random() * 20);
    restoreRows(state, all.slice(at, end));
    at = end;
  }
  finishRestore(state);
  return state;
}
