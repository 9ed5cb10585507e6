// The detect worker over a real Kafka and a real Redis: processor time of Node and Redis an attempt, over the warm second half
// of a stream, against a bare kafkajs consumer that parses the same records; and from attempt appended to report appended at
// a steady rate, against a bare consumer that passes the same attempts on to another topic.
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import type { EachBatchPayload } from 'kafkajs';
import { pino } from 'pino';
import { encodeAttemptsRecord } from '../src/attempts/wire.ts';
import { fold } from '../src/detectors/fold.ts';
import { horizonMs } from '../src/detectors/retain.ts';
import { createState } from '../src/detectors/state.ts';
import { openRedisStore } from '../src/detectors/stores/redis.ts';
import type { WindowStore } from '../src/detectors/window-store.ts';
import { startDetectWorker } from '../src/detectors/worker.ts';
import { originRow } from '../src/detectors/worker-live.ts';
import { decode } from '../src/log/codec.ts';
import type { EventLog, NewRecord } from '../src/log/event-log.ts';
import { openKafkaLog } from '../src/log/kafka.ts';
import { Kafka, logLevel } from '../src/log/kafkajs.ts';
import { systemClock } from '../src/model/clock.ts';
import type { Command } from '../src/model/commands.ts';
import { rulesOf, THREE } from './detectors.ts';
import { COLUMNS } from './fold.ts';
import {
  type Bench,
  cpuMicros,
  type Figures,
  type JobParams,
  type Jobs,
  type Link,
  quantile,
  type Suite,
} from './measure.ts';
import { redisCpu } from './services.ts';
import { attemptStream, recordStream, STREAM, STREAM_SPAN_S, writeTopic } from './streams.ts';

const silent = pino({ level: 'silent' });
const PARTITION = 0;
const PII_KEY = '11'.repeat(32);

type Place = { readonly brokers: readonly string[]; readonly redisUrl: string; readonly topicPrefix: string };

const placeOf = (params: JobParams): Place => params as unknown as Place;

/** Processor microseconds between half and all of so many records. */
function createHalves(count: number, redis: Redis | null) {
  const half = Math.floor(count / 2);
  let seen = 0;
  let micros = 0;
  let redisAtHalf: Promise<number> | null = null;
  let redisAtEnd: Promise<number> | null = null;
  const ended = Promise.withResolvers<void>();
  return {
    add: (records: number): void => {
      const before = seen;
      seen += records;
      if (before < half && seen >= half) {
        micros = -cpuMicros();
        redisAtHalf = redis === null ? null : redisCpu(redis);
      }
      if (before < count && seen >= count) {
        micros += cpuMicros();
        redisAtEnd = redis === null ? null : redisCpu(redis);
        ended.resolve();
      }
    },
    figures: async (): Promise<Figures> => {
      await ended.promise;
      const redisSeconds = ((await redisAtEnd) ?? 0) - ((await redisAtHalf) ?? 0);
      return { node: micros / (count - half), redis: (redisSeconds * 1_000_000) / (count - half) };
    },
  };
}

/** kafkajs as it comes: a copy without what src/log changes in it. */
function bareKafkajs(): typeof import('kafkajs') {
  const load = createRequire(import.meta.url);
  const home = dirname(load.resolve('kafkajs'));
  for (const path of Object.keys(load.cache)) if (path.startsWith(home)) delete load.cache[path];
  return load('kafkajs') as typeof import('kafkajs');
}

function bareConsumer({ brokers }: Place) {
  const bare = bareKafkajs();
  const kafka = new bare.Kafka({ clientId: 'declinewatch-bench', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const groupId = `bench-${randomUUID()}`;
  return { kafka, consumer: kafka.consumer({ groupId, maxWaitTimeInMs: 100 }) };
}

async function bareJob(params: JobParams): Promise<Figures> {
  const place = placeOf(params);
  const halves = createHalves(Number(params.count), null);
  const { consumer } = bareConsumer(place);
  let kept: unknown;
  await consumer.connect();
  await consumer.subscribe({ topics: [`${place.topicPrefix}attempts`], fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) kept = JSON.parse(value?.toString() ?? 'null');
      halves.add(batch.messages.length);
    },
  });
  const figures = await halves.figures();
  await consumer.disconnect();
  return { ...figures, kept: kept === undefined ? 0 : 1 };
}

type Detecting = { readonly log: EventLog; readonly redis: Redis; close(): Promise<void> };

/** A worker as the program starts it, on a state that begins at the first offset with the rules in force. */
async function startDetecting(
  { brokers, redisUrl, topicPrefix }: Place,
  options: { folded?: (records: number) => void; appended?: (records: readonly NewRecord[]) => void },
): Promise<Detecting> {
  const real = await openKafkaLog({ brokers, clientId: 'declinewatch-bench', logger: silent, topicPrefix });
  const log: EventLog = {
    ...real,
    append: async (topic, records) => {
      const positions = await real.append(topic, records);
      if (topic === 'commands') options.appended?.(records);
      return positions;
    },
  };
  const prefix = `bench-${randomUUID()}.`;
  const store = await openRedisStore({ url: redisUrl, prefix, logger: silent, clock: systemClock });
  await prime(store);
  const group = randomUUID();
  const none = (): void => undefined;
  const metrics = { folded: options.folded ?? none, reported: none, deadLettered: none, refused: none };
  const worker = await startDetectWorker({
    log,
    store,
    clock: systemClock,
    logger: silent,
    piiKey: PII_KEY,
    group,
    metrics,
  });
  const redis = new Redis(redisUrl);
  return {
    log,
    redis,
    close: async () => {
      await worker.close();
      await store.clear(PARTITION);
      await store.close();
      await log.close();
      redis.disconnect();
    },
  };
}

/** Else the worker would take the stream for the past, and rebuild from it without a report. */
async function prime(store: WindowStore): Promise<void> {
  const state = createState({ lane: 'live' });
  const { rows } = fold(state, rulesOf(THREE));
  const origin = originRow({ from: 0, rebuildUntil: null, exactFromS: null, horizonMs: horizonMs(state) });
  await store.append(PARTITION, { expectedNext: null, next: 0, rows: [...rows, origin] });
}

async function detectJob(params: JobParams): Promise<Figures> {
  const place = placeOf(params);
  const redis = new Redis(place.redisUrl);
  await redis.ping();
  const halves = createHalves(Number(params.count), redis);
  let reports = 0;
  const detecting = await startDetecting(place, {
    folded: (records) => halves.add(records),
    appended: (records) => {
      reports += records.length;
    },
  });
  const figures = await halves.figures();
  await detecting.close();
  redis.disconnect();
  await forgetReports(place);
  return { ...figures, reports };
}

/** Or the next round would find in the log what this one has told, and not tell it again. */
async function forgetReports({ brokers, topicPrefix }: Place): Promise<void> {
  const kafka = new Kafka({ clientId: 'declinewatch-bench', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const topic = `${topicPrefix}commands`;
  // Asked first, or it would not know the topic.
  const [end] = await admin.fetchTopicOffsets(topic);
  const partitions = [{ partition: 0, offset: end?.high ?? '0' }];
  if (end !== undefined && end.high !== end.low) await admin.deleteTopicRecords({ topic, partitions });
  await admin.disconnect();
}

/** Milliseconds, the same clock in every process of the machine. */
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

type Times = Record<string, number>;

/** Every so many attempts one more on the same card as two before it: the third opens an episode. */
const EVERY = 20;
const SEND_EVERY_MS = 5;
const WARM_MS = 3_000;

async function sendJob(params: JobParams): Promise<Figures> {
  const { brokers, topicPrefix } = placeOf(params);
  const { seconds, ratePerS, file } = params as { seconds: number; ratePerS: number; file: string };
  const log = await openKafkaLog({ brokers, clientId: 'declinewatch-bench', logger: silent, topicPrefix });
  const count = seconds * ratePerS;
  const stream = attemptStream({ ...STREAM, count: count * 2, declined: 1, seed: 7 });
  const sent: Times = {};
  const startedAt = nowMs();
  const pending: Promise<unknown>[] = [];
  for (let index = 0; index < count; ) {
    const due = Math.min(count, Math.floor(((nowMs() - startedAt) * ratePerS) / 1_000));
    const records: NewRecord[] = [];
    for (const at = nowMs(); index < due; index++) {
      const victim = `fp-victim-${Math.floor(index / EVERY)}`;
      const part = index % EVERY;
      const isVictim = part === 0 || part === 7 || part === 14;
      const view = stream.next().value;
      if (view === undefined) throw new Error('the stream is too short');
      const now = Date.now();
      const time = Math.floor(now / 1_000);
      const own = { attempt: `ch_${index}`, event: `evt_${index}`, time, created: time, receivedAt: now };
      const fields = isVictim ? { ...view.fields, card: victim } : view.fields;
      const value = encodeAttemptsRecord({ ...view, ...own, fields });
      records.push({ key: 'self/live', value, timeMs: now, partition: PARTITION });
      if (part === 14 && at - startedAt > WARM_MS) sent[victim] = at;
    }
    if (records.length > 0) pending.push(log.append('attempts', records));
    await new Promise((resolve) => setTimeout(resolve, SEND_EVERY_MS));
  }
  await Promise.all(pending);
  await log.close();
  writeFileSync(file, JSON.stringify(sent));
  return { count };
}

/** When the report of each card was appended. */
async function watchJob(params: JobParams, link: Link): Promise<Figures> {
  const told: Times = {};
  const detecting = await startDetecting(placeOf(params), {
    appended: (records) => {
      const at = nowMs();
      for (const { value } of records) {
        const { body } = decode<Command>('commands', value);
        if (body.type === 'report') told[body.entity.value] ??= at;
      }
    },
  });
  link.ready('');
  await link.stopped;
  await detecting.close();
  writeFileSync(String(params.file), JSON.stringify(told));
  return { reports: Object.keys(told).length };
}

/** The least that any at-least-once stage does: parse, look, and pass on what matters. */
async function relayJob(params: JobParams, link: Link): Promise<Figures> {
  const place = placeOf(params);
  const { kafka, consumer } = bareConsumer(place);
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  const seen = new Map<string, number>();
  const told: Times = {};
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topics: [`${place.topicPrefix}attempts`], fromBeginning: true });
  const relay = async ({ batch }: EachBatchPayload): Promise<void> => {
    const cards: string[] = [];
    for (const { value } of batch.messages) {
      const card = cardIn(value?.toString() ?? '');
      if (card === null) continue;
      const count = (seen.get(card) ?? 0) + 1;
      seen.set(card, count);
      if (count === 3) cards.push(card);
    }
    if (cards.length === 0) return;
    await producer.send({
      topic: `${place.topicPrefix}commands`,
      acks: -1,
      messages: cards.map((value) => ({ value })),
    });
    for (const card of cards) told[card] = nowMs();
  };
  await consumer.run({ eachBatch: relay });
  link.ready('');
  await link.stopped;
  await consumer.disconnect();
  await producer.disconnect();
  writeFileSync(String(params.file), JSON.stringify(told));
  return { reports: Object.keys(told).length };
}

function cardIn(text: string): string | null {
  const values = JSON.parse(text) as unknown[];
  const card = values.find((value) => typeof value === 'string' && value.startsWith('fp-victim-'));
  return typeof card === 'string' ? card : null;
}

const jobs: Jobs = { bare: bareJob, detect: detectJob, send: sendJob, watch: watchJob, relay: relayJob };

async function run(bench: Bench): Promise<void> {
  const brokers = await bench.services.kafka();
  const redisUrl = await bench.services.redis();
  await runColumns(bench, { brokers, redisUrl });
  await runLatency(bench, { brokers, redisUrl });
}

type Servers = Pick<Place, 'brokers' | 'redisUrl'>;

async function newTopics({ brokers }: Servers): Promise<string> {
  const topicPrefix = `bench-${randomUUID().slice(0, 8)}.`;
  const log = await openKafkaLog({ brokers, clientId: 'declinewatch-bench', logger: silent, topicPrefix });
  await log.ensureTopics();
  await log.close();
  return topicPrefix;
}

const MICROS = { unit: 'µs', better: 'lower', target: null } as const;
const RATIO = { unit: '×', better: 'lower' } as const;
const MILLIS = { unit: 'ms', better: 'lower' } as const;

async function runColumns(bench: Bench, servers: Servers): Promise<void> {
  const count = bench.sizes.quick ? 100_000 : 200_000;
  const prefixes = new Map<string, string>();
  for (const { id, title, declined, hot } of COLUMNS) {
    bench.progress(`filling the topic: ${title}`);
    const topicPrefix = await newTopics(servers);
    prefixes.set(id, topicPrefix);
    const ratePerS = count / STREAM_SPAN_S;
    const startMs = Date.now() - STREAM_SPAN_S * 1_000 - 60_000;
    const lines = recordStream({ ...STREAM, count, declined, hot, ratePerS, startMs });
    await writeTopic({ brokers: servers.brokers, topic: `${topicPrefix}attempts`, partition: PARTITION }, lines);
  }
  for (let round = 0; round < bench.sizes.rounds; round++) {
    for (const { id, title, declined } of COLUMNS) {
      bench.progress(`round ${round + 1}: ${title}`);
      const params = { ...servers, topicPrefix: prefixes.get(id), count };
      const { node: bare = 0 } = await bench.job('bare', params);
      const { node = 0, redis = 0, reports = 0 } = await bench.job('detect', params);
      const target = declined === 1 ? 3 : 2;
      const about = `detect, ${title}`;
      bench.record(
        { ...RATIO, id: `detect.${id}.ratio`, title: `${about}: to a bare consumer`, target },
        (node + redis) / bare,
      );
      bench.record({ ...MICROS, id: `detect.${id}.node`, title: '  Node, an attempt' }, node);
      bench.record({ ...MICROS, id: `detect.${id}.redis`, title: '  Redis, an attempt' }, redis);
      bench.record({ ...MICROS, id: `detect.${id}.bare`, title: '  the bare consumer, an attempt' }, bare);
      const perThousand = { id: `detect.${id}.reports`, title: '  reports for a thousand attempts', unit: '' } as const;
      bench.record({ ...perThousand, better: 'lower', target: null }, (reports / count) * 1_000);
    }
  }
}

const RATE_PER_S = 2_000;

async function runLatency(bench: Bench, servers: Servers): Promise<void> {
  const seconds = bench.sizes.quick ? 8 : 15;
  for (let round = 0; round < bench.sizes.rounds; round++) {
    const p99: Record<string, number> = {};
    for (const kind of ['relay', 'watch'] as const) {
      bench.progress(`round ${round + 1}: latency, ${kind === 'relay' ? 'bare relay' : 'detect'}`);
      const topicPrefix = await newTopics(servers);
      const [sentFile, toldFile] = [join(bench.folder, 'sent.json'), join(bench.folder, 'told.json')];
      const watching = bench.start(kind, { ...servers, topicPrefix, file: toldFile });
      await watching.ready;
      await bench.job('send', { ...servers, topicPrefix, file: sentFile, seconds, ratePerS: RATE_PER_S });
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      await watching.stop();
      const took = durations(readTimes(sentFile), readTimes(toldFile));
      p99[kind] = quantile(took, 0.99);
      const what = kind === 'relay' ? 'bare relay' : 'attempt appended → report appended';
      const spec = { ...MILLIS, target: null };
      bench.record({ ...spec, id: `detect.latency-${kind}.p50`, title: `2,000/s, ${what}: p50` }, quantile(took, 0.5));
      const target = kind === 'watch' ? 30 : null;
      bench.record({ ...spec, target, id: `detect.latency-${kind}.p99`, title: `2,000/s, ${what}: p99` }, p99[kind]);
    }
    const spec = { ...RATIO, id: 'detect.latency.ratio', title: '2,000/s: p99 to the bare relay', target: null };
    bench.record(spec, (p99.watch ?? 0) / (p99.relay ?? 1));
  }
}

const readTimes = (file: string): Times => JSON.parse(readFileSync(file, 'utf8')) as Times;

/** Throws if one was not told of. */
function durations(sent: Times, told: Times): readonly number[] {
  return Object.entries(sent).map(([card, at]) => {
    const toldAt = told[card];
    if (toldAt === undefined) throw new Error(`nothing was reported of ${card}`);
    return toldAt - at;
  });
}

export const detectSuite: Suite = { name: 'detect', title: 'The detect stage, over Kafka and Redis', jobs, run };
