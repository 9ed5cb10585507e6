// The fold alone, in memory: decode, fold, and read the episodes of every key that was touched, in batches of 1,000. Its base is
// JSON.parse of the same records. Then its growth with detectors and windows, and what its state takes, in the process and
// in the stores.
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { episodesOf, type Foldable, fold } from '../src/detectors/fold.ts';
import { finishRestore, restoreRows } from '../src/detectors/restore.ts';
import { createState, type FoldState, statsOf } from '../src/detectors/state.ts';
import { createMemoryStore } from '../src/detectors/stores/memory.ts';
import { openRedisStore } from '../src/detectors/stores/redis.ts';
import { openSqliteStore } from '../src/detectors/stores/sqlite.ts';
import type { WindowStore } from '../src/detectors/window-store.ts';
import { decodeFor } from '../src/detectors/worker-decode.ts';
import { openDatabase } from '../src/log/database.ts';
import { systemClock } from '../src/model/clock.ts';
import { type DetectorPlan, detectorsUpTo, rulesOf, THREE } from './detectors.ts';
import { type Bench, cpuMicros, type Figures, heldBytes, type JobParams, type Jobs, type Suite } from './measure.ts';
import { recordStream, STREAM, STREAM_SPAN_S, type StreamOptions, writeLines } from './streams.ts';

const BATCH = 1_000;
const PER_MILLION = 1_000_000;
const MEGA = 1_048_576;

function batchesOf(file: string): readonly (readonly string[])[] {
  const lines = readFileSync(file, 'latin1').split('\n').slice(0, -1);
  const batches: string[][] = [];
  for (let i = 0; i < lines.length; i += BATCH) batches.push(lines.slice(i, i + BATCH));
  return batches;
}

/** Microseconds of processor an attempt over the second half, when everything is warm. */
function warmHalf(batches: readonly (readonly string[])[], work: (batch: readonly string[]) => void): number {
  const half = Math.floor(batches.length / 2);
  for (const batch of batches.slice(0, half)) work(batch);
  const before = cpuMicros();
  for (const batch of batches.slice(half)) work(batch);
  return (cpuMicros() - before) / ((batches.length - half) * BATCH);
}

/** Kept, so that nothing is found to be without effect and left out. */
let kept: unknown;

async function parseJob({ file }: JobParams): Promise<Figures> {
  const micros = warmHalf(batchesOf(String(file)), (batch) => {
    for (const line of batch) kept = JSON.parse(line);
  });
  return { micros, kept: kept === undefined ? 0 : 1 };
}

async function foldJob({ file, plans }: JobParams): Promise<Figures> {
  const state = begin(plans as readonly DetectorPlan[]);
  let episodes = 0;
  const spent = { decode: 0, fold: 0, read: 0 };
  const micros = warmHalf(batchesOf(String(file)), (batch) => {
    const startedAt = performance.now();
    const records = read(state, batch);
    const decodedAt = performance.now();
    const { touched } = fold(state, records);
    const foldedAt = performance.now();
    for (const key of touched.values()) episodes += episodesOf(state, key).length;
    spent.decode += decodedAt - startedAt;
    spent.fold += foldedAt - decodedAt;
    spent.read += performance.now() - foldedAt;
  });
  const all = spent.decode + spent.fold + spent.read;
  return {
    micros,
    episodes,
    decodeShare: spent.decode / all,
    foldShare: spent.fold / all,
    readShare: spent.read / all,
  };
}

const NO_LETTERS = { nowMs: 0, poisoned: new Set<number>(), deadLettered: () => undefined };

/** As the worker reads them from the log. */
function read(state: FoldState, batch: readonly string[]): readonly Foldable[] {
  const stored = batch.map((value, offset) => ({ partition: 0, offset, key: null, value, timeMs: 0 }));
  return decodeFor(state, stored, NO_LETTERS).records;
}

function begin(plans: readonly DetectorPlan[]): FoldState {
  const state = createState({ lane: 'live' });
  fold(state, rulesOf(plans));
  return state;
}

async function* batchesFrom(file: string): AsyncGenerator<readonly string[]> {
  let batch: string[] = [];
  for await (const line of createInterface({ input: createReadStream(file, 'latin1') })) {
    if (batch.push(line) < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Megabytes that the state takes, for a million attempts. */
async function memoryJob({ file }: JobParams): Promise<Figures> {
  const state = begin(THREE);
  const before = heldBytes();
  for await (const batch of batchesFrom(String(file))) fold(state, read(state, batch));
  const bytes = heldBytes() - before;
  const { attempts, keys } = statsOf(state);
  return { megabytes: ((bytes / attempts) * PER_MILLION) / MEGA, attempts, keys };
}

type Stored = {
  readonly store: WindowStore;
  readonly bytes: () => Promise<number>;
  readonly close: () => Promise<void>;
};

/** What a store takes, and how long it takes to have the state back from it: for a million attempts. */
async function storeJob({ file, kind, folder, redisUrl }: JobParams): Promise<Figures> {
  const stored = await openStore(String(kind), { folder: String(folder), redisUrl: String(redisUrl) });
  const { store } = stored;
  const bytesBefore = await stored.bytes();
  const attempts = await fill(store, String(file));
  const bytes = (await stored.bytes()) - bytesBefore;
  const before = cpuMicros();
  const state = createState({ lane: 'live' });
  const { pages } = await store.load(0);
  for await (const rows of pages) restoreRows(state, rows);
  finishRestore(state);
  const seconds = (cpuMicros() - before) / 1_000_000;
  if (statsOf(state).attempts !== attempts) throw new Error('what came back is not what was stored');
  await stored.close();
  const perMillion = PER_MILLION / attempts;
  return { megabytes: (bytes / MEGA) * perMillion, seconds: seconds * perMillion };
}

async function fill(store: WindowStore, file: string): Promise<number> {
  const state = createState({ lane: 'live' });
  const { rows } = fold(state, rulesOf(THREE));
  await store.append(0, { expectedNext: null, next: 1, rows });
  let next = 1;
  for await (const batch of batchesFrom(file)) {
    const changed = fold(state, read(state, batch)).rows;
    const result = await store.append(0, { expectedNext: next, next: next + batch.length, rows: changed });
    if (result === 'refused') throw new Error('the store refused');
    next += batch.length;
  }
  return statsOf(state).attempts;
}

async function openStore(kind: string, { folder, redisUrl }: { folder: string; redisUrl: string }): Promise<Stored> {
  const silent = pino({ level: 'silent' });
  if (kind === 'memory') return { store: createMemoryStore(), bytes: async () => 0, close: async () => undefined };
  if (kind === 'sqlite') {
    const path = join(folder, `store-${process.pid}.db`);
    const database = await openDatabase({ file: path, owner: 'bench' });
    const pages = async (): Promise<number> => {
      const [row] = await database.all(
        'SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()',
      );
      return Number(row?.bytes ?? statSync(path).size);
    };
    return { store: await openSqliteStore({ database }), bytes: pages, close: async () => await database.close() };
  }
  const prefix = `bench-${process.pid}.`;
  const store = await openRedisStore({ url: redisUrl, prefix, logger: silent, clock: systemClock });
  const redis = new Redis(redisUrl);
  const bytes = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  const close = async (): Promise<void> => {
    await store.clear(0);
    await store.close();
    redis.disconnect();
  };
  return { store, bytes, close };
}

const jobs: Jobs = { parse: parseJob, fold: foldJob, memory: memoryJob, store: storeJob };

export const COLUMNS = [
  { id: 'ten-uniform', title: '10 % declined, uniform', declined: 0.1, hot: false },
  { id: 'ten-hot', title: '10 % declined, hot key', declined: 0.1, hot: true },
  { id: 'all-uniform', title: 'all declined, uniform', declined: 1, hot: false },
  { id: 'all-hot', title: 'all declined, hot key', declined: 1, hot: true },
] as const;

type StreamPlan = Partial<StreamOptions> & Pick<StreamOptions, 'count'>;

async function streamFile(bench: Bench, name: string, options: StreamPlan): Promise<string> {
  const file = join(bench.folder, `${name}.jsonl`);
  bench.progress(`writing the stream ${name}`);
  await writeLines(file, recordStream({ ...STREAM, ratePerS: options.count / STREAM_SPAN_S, ...options }));
  return file;
}

const MICROS = { unit: 'µs', better: 'lower' } as const;
const RATIO = { unit: '×', better: 'lower' } as const;

async function run(bench: Bench): Promise<void> {
  const count = bench.sizes.quick ? 100_000 : 300_000;
  await runColumns(bench, count);
  await runDetectors(bench, count);
  await runWindows(bench, count);
  await runMemory(bench, bench.sizes.quick ? count : PER_MILLION);
}

async function runColumns(bench: Bench, count: number): Promise<void> {
  const files = new Map<string, string>();
  for (const { id, declined, hot } of COLUMNS) files.set(id, await streamFile(bench, id, { count, declined, hot }));
  for (let round = 0; round < bench.sizes.rounds; round++) {
    const micros = new Map<string, number>();
    for (const { id, title, declined } of COLUMNS) {
      bench.progress(`round ${round + 1}: ${title}`);
      const base = await bench.job('parse', { file: files.get(id) });
      const here = await bench.job('fold', { file: files.get(id), plans: THREE });
      const [parse = 0, own = 0] = [base.micros, here.micros];
      micros.set(id, own);
      const target = declined === 1 ? 5 : null;
      bench.record({ ...MICROS, id: `fold.${id}.micros`, title: `fold, ${title}: processor an attempt`, target }, own);
      bench.record(
        { ...RATIO, id: `fold.${id}.ratio`, title: `fold, ${title}: to JSON.parse of the same records`, target: null },
        own / parse,
      );
      for (const part of ['decode', 'fold', 'read'] as const) {
        const share = here[`${part}Share`] ?? 0;
        const spec = { ...MICROS, id: `fold.${id}.${part}`, title: `  of it ${PARTS[part]}`, target: null };
        bench.record(spec, share * own);
      }
    }
    for (const share of ['ten', 'all'] as const) {
      const hot = (micros.get(`${share}-hot`) ?? 0) / (micros.get(`${share}-uniform`) ?? 1);
      const title = `fold, ${share === 'ten' ? '10 %' : 'all'} declined: hot key to uniform`;
      bench.record({ ...RATIO, id: `fold.${share}.hot`, title, target: 1.5 }, hot);
    }
  }
}

const PARTS = { decode: 'decoding', fold: 'folding', read: 'reading episodes' } as const;

async function runDetectors(bench: Bench, count: number): Promise<void> {
  const file = await streamFile(bench, 'detectors', { count, declined: 1 });
  const numbers = bench.sizes.quick ? [1, 12] : [1, 2, 3, 6, 12];
  for (let round = 0; round < bench.sizes.rounds; round++) {
    let one = 0;
    for (const number of numbers) {
      bench.progress(`round ${round + 1}: ${number} detectors`);
      const { micros = 0 } = await bench.job('fold', { file, plans: detectorsUpTo(number) });
      if (number === 1) one = micros;
      const title = `fold, all declined, ${number} detectors: processor an attempt`;
      bench.record({ ...MICROS, id: `fold.detectors-${number}.micros`, title, target: null }, micros);
      if (number === 12) {
        const spec = { ...RATIO, id: 'fold.detectors.growth', title: 'fold: 12 detectors to one', target: null };
        bench.record(spec, micros / one);
      }
    }
  }
}

const WINDOWS = [
  { name: '10 min', windowS: 600 },
  { name: '1 h', windowS: 3_600 },
  { name: '24 h', windowS: 86_400 },
];

/** Slow enough that 24 hours of it differ from ten minutes. */
async function runWindows(bench: Bench, count: number): Promise<void> {
  const file = await streamFile(bench, 'windows', { count, declined: 1, hot: true, ratePerS: count / 86_400 });
  for (let round = 0; round < bench.sizes.rounds; round++) {
    let shortest = 0;
    for (const { name, windowS } of WINDOWS) {
      bench.progress(`round ${round + 1}: window of ${name}`);
      const { micros = 0 } = await bench.job('fold', { file, plans: THREE.map((plan) => ({ ...plan, windowS })) });
      if (windowS === 600) shortest = micros;
      const title = `fold, hot key, windows of ${name}: processor an attempt`;
      bench.record({ ...MICROS, id: `fold.window-${windowS}.micros`, title, target: null }, micros);
      const spec = {
        ...RATIO,
        id: 'fold.window.growth',
        title: 'fold, hot key: windows of 24 h to 10 min',
        target: 1.3,
      };
      if (windowS === 86_400) bench.record(spec, micros / shortest);
    }
  }
}

async function runMemory(bench: Bench, count: number): Promise<void> {
  const file = await streamFile(bench, 'memory', { count, declined: 1 });
  const redisUrl = await bench.services.redis();
  for (let round = 0; round < bench.sizes.rounds; round++) {
    bench.progress(`round ${round + 1}: memory and stores`);
    const { megabytes = 0 } = await bench.job('memory', { file });
    const unit = 'MB';
    const spec = { unit, better: 'lower', target: 200 } as const;
    bench.record(
      { ...spec, id: 'fold.memory', title: 'state of a million attempts, all declined: process' },
      megabytes,
    );
    for (const kind of ['memory', 'sqlite', 'redis']) {
      const stored = await bench.job('store', { file, kind, folder: bench.folder, redisUrl });
      if (kind !== 'memory')
        bench.record(
          { ...spec, id: `fold.store-${kind}`, title: `state of a million attempts: ${kind}` },
          stored.megabytes ?? 0,
        );
      const title = `state of a million attempts, loaded again from ${kind}: processor`;
      bench.record({ id: `fold.reload-${kind}`, title, unit: 's', better: 'lower', target: 2 }, stored.seconds ?? 0);
    }
  }
}

export const foldSuite: Suite = { name: 'fold', title: 'The fold, in memory', jobs, run };
