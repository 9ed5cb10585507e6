// Webhooks accepted per second and processor time of one, over the embedded log and over Kafka, against a bare HTTP server that
// checks the signature and answers. The client is the parent process. Then the time to an answer while the recorded attempts
// are read and folded again in the same process, as the history lane and a verification do.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { Pool } from 'undici';
import { fold } from '../src/detectors/fold.ts';
import { replay } from '../src/detectors/replay.ts';
import { createState } from '../src/detectors/state.ts';
import { startWebhookServer } from '../src/ingest/webhook.ts';
import { openDatabase } from '../src/log/database.ts';
import type { EventLog } from '../src/log/event-log.ts';
import { openKafkaLog } from '../src/log/kafka.ts';
import { openSqliteLog } from '../src/log/sqlite.ts';
import { systemClock } from '../src/model/clock.ts';
import { rulesOf, THREE } from './detectors.ts';
import { eventStream } from './events.ts';
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
import { recordStream, STREAM } from './streams.ts';

const SECRET = 'whsec_bench';
const silent = pino({ level: 'silent' });

/** Processor microseconds a request between the half and the end of so many. */
function createMeter(count: number) {
  let seen = 0;
  let micros = 0;
  return {
    answered: (): void => {
      seen += 1;
      if (seen === Math.floor(count / 2)) micros = -cpuMicros();
      if (seen === count) micros += cpuMicros();
    },
    figures: (): Figures => ({ micros: micros / (count - Math.floor(count / 2)), seen }),
  };
}

async function bareJob({ count }: JobParams, link: Link): Promise<Figures> {
  const meter = createMeter(Number(count));
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const isGood = isSigned(String(req.headers['stripe-signature']), Buffer.concat(chunks));
      res.writeHead(isGood ? 200 : 400, { 'content-type': 'application/json' }).end('{"received":true}');
      meter.answered();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  link.ready(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await link.stopped;
  server.closeAllConnections();
  return meter.figures();
}

function isSigned(header: string, body: Buffer): boolean {
  const [, timestamp = '', given = ''] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(header) ?? [];
  const expected = createHmac('sha256', SECRET).update(`${timestamp}.`).update(body).digest();
  const signature = Buffer.from(given, 'hex');
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

async function serveJob(params: JobParams, link: Link): Promise<Figures> {
  const { log, close } = await openLog(params);
  const meter = createMeter(Number(params.count));
  const again = params.replays === true ? await startReplays(log) : null;
  const server = await startWebhookServer({
    log,
    clock: systemClock,
    logger: silent,
    host: '127.0.0.1',
    port: 0,
    secrets: [SECRET],
    context: () => ({ metadata: { ip: null, keys: [] } }),
    latenessMs: () => 72 * 3_600_000,
    metrics: { answered: meter.answered, deadLettered: () => undefined },
  });
  link.ready(server.url);
  await link.stopped;
  const replays = (await again?.stop()) ?? 0;
  await server.close();
  await close();
  return { ...meter.figures(), replays };
}

async function openLog(params: JobParams): Promise<{ log: EventLog; close: () => Promise<void> }> {
  if (params.kind === 'kafka') {
    const brokers = params.brokers as readonly string[];
    const topicPrefix = `bench-${process.pid}-${Date.now()}.`;
    const log = await openKafkaLog({ brokers, clientId: 'declinewatch-bench', logger: silent, topicPrefix });
    await log.ensureTopics();
    return { log, close: async () => await log.close() };
  }
  const file = join(String(params.folder), `log-${process.pid}`, 'declinewatch.db');
  const database = await openDatabase({ file, owner: 'bench' });
  const log = await openSqliteLog({ database, logger: silent });
  const close = async (): Promise<void> => {
    await log.close();
    await database.close();
  };
  return { log, close };
}

const REPLAYED = 100_000;

/** Reads and folds what is recorded, again and again. */
async function startReplays(log: EventLog): Promise<{ stop(): Promise<number> }> {
  const startMs = Date.now() - (REPLAYED / STREAM.ratePerS) * 1_000;
  let records: { key: string; value: string; timeMs: number }[] = [];
  for (const value of recordStream({ ...STREAM, count: REPLAYED, startMs })) {
    if (records.push({ key: 'self/live', value, timeMs: startMs }) < 1_000) continue;
    await log.append('attempts', records);
    records = [];
  }
  const stop = new AbortController();
  let rounds = 0;
  const running = (async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const state = createState({ lane: 'all' });
      fold(state, rulesOf(THREE));
      await replay(state, { log, partition: 0, ranges: [{ from: 0, to: REPLAYED }], signal: stop.signal });
      rounds += 1;
    }
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return {
    stop: async () => {
      stop.abort();
      await running;
      return rounds;
    },
  };
}

const jobs: Jobs = { bare: bareJob, serve: serveJob };

type Signed = { readonly body: string; readonly signature: string };

function signedEvents(count: number): readonly Signed[] {
  const startMs = Date.now() - 60_000;
  const timestamp = Math.floor(Date.now() / 1_000);
  const stream = eventStream({ ...STREAM, count, startMs, ratePerS: count / 60 });
  return [...stream].map((body) => {
    const signature = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex');
    return { body, signature: `t=${timestamp},v1=${signature}` };
  });
}

type Sending = { readonly seconds: number; readonly millis: readonly number[] };

/** Each connection sends its next when the last is answered. */
async function sendAll(url: string, events: readonly Signed[], connections: number): Promise<Sending> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const millis: number[] = [];
  let next = 0;
  const send = async (): Promise<void> => {
    for (let event = events[next++]; event !== undefined; event = events[next++]) {
      const at = performance.now();
      const headers = { 'content-type': 'application/json', 'stripe-signature': event.signature };
      const { statusCode, body } = await pool.request({
        path: '/webhooks/stripe',
        method: 'POST',
        headers,
        body: event.body,
      });
      await body.dump();
      if (statusCode !== 200) throw new Error(`a webhook was answered ${statusCode}`);
      millis.push(performance.now() - at);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, send));
  const seconds = (performance.now() - startedAt) / 1_000;
  await pool.close();
  return { seconds, millis };
}

/** At a steady rate, whatever the answers take. */
async function sendSteadily(url: string, events: readonly Signed[], ratePerS: number): Promise<readonly number[]> {
  const pool = new Pool(url, { connections: 64, pipelining: 1 });
  const millis: number[] = [];
  const pending: Promise<void>[] = [];
  const startedAt = performance.now();
  for (const [index, event] of events.entries()) {
    const dueAt = startedAt + (index * 1_000) / ratePerS;
    if (dueAt > performance.now()) await new Promise((resolve) => setTimeout(resolve, dueAt - performance.now()));
    pending.push(
      (async () => {
        const headers = { 'content-type': 'application/json', 'stripe-signature': event.signature };
        const { statusCode, body } = await pool.request({
          path: '/webhooks/stripe',
          method: 'POST',
          headers,
          body: event.body,
        });
        await body.dump();
        if (statusCode !== 200) throw new Error(`a webhook was answered ${statusCode}`);
        millis.push(performance.now() - dueAt);
      })(),
    );
  }
  await Promise.all(pending);
  await pool.close();
  return millis;
}

const CONNECTIONS = 32;
const STEADY_PER_S = 200;

type Measured = { readonly perSecond: number; readonly micros: number; readonly p99: number };

async function run(bench: Bench): Promise<void> {
  const brokers = await bench.services.kafka();
  const count = bench.sizes.quick ? 6_000 : 12_000;
  const kinds = [
    { id: 'bare', job: 'bare', params: {}, title: 'bare server' },
    { id: 'embedded', job: 'serve', params: { kind: 'embedded', folder: bench.folder }, title: 'embedded' },
    { id: 'kafka', job: 'serve', params: { kind: 'kafka', brokers }, title: 'Kafka' },
  ];
  for (let round = 0; round < bench.sizes.rounds; round++) {
    const found = new Map<string, Measured>();
    for (const { id, job, params, title } of kinds) {
      bench.progress(`round ${round + 1}: ${title}`);
      const server = bench.start(job, { ...params, count });
      const { seconds, millis } = await sendAll(await server.ready, signedEvents(count), CONNECTIONS);
      const { micros = 0 } = await server.stop();
      found.set(id, { perSecond: count / seconds, micros, p99: quantile(millis, 0.99) });
    }
    recordRound(bench, kinds, found);
    await runReplays(bench);
  }
}

function recordRound(
  bench: Bench,
  kinds: readonly { readonly id: string; readonly title: string }[],
  found: ReadonlyMap<string, Measured>,
): void {
  const bare = found.get('bare');
  for (const { id, title } of kinds) {
    const own = found.get(id);
    if (own === undefined || bare === undefined) continue;
    const rate = { unit: '/s', better: 'higher', target: null } as const;
    bench.record({ ...rate, id: `webhooks.${id}.rate`, title: `webhooks accepted, ${title}` }, own.perSecond);
    const micros = { unit: 'µs', better: 'lower', target: null } as const;
    bench.record({ ...micros, id: `webhooks.${id}.micros`, title: '  processor a webhook' }, own.micros);
    const millis = { unit: 'ms', better: 'lower', target: null } as const;
    bench.record({ ...millis, id: `webhooks.${id}.p99`, title: `  ${CONNECTIONS} at a time: p99` }, own.p99);
    if (id === 'bare') continue;
    const cost = { unit: '×', better: 'lower', target: null } as const;
    const title_ = '  processor a webhook, to the bare server';
    bench.record({ ...cost, id: `webhooks.${id}.ratio`, title: title_ }, own.micros / bare.micros);
    const speed = { unit: '×', better: 'higher', target: null } as const;
    const share = '  accepted a second, to the bare server';
    bench.record({ ...speed, id: `webhooks.${id}.speed`, title: share }, own.perSecond / bare.perSecond);
  }
}

async function runReplays(bench: Bench): Promise<void> {
  const events = signedEvents(STEADY_PER_S * (bench.sizes.quick ? 4 : 10));
  const p99: number[] = [];
  for (const replays of [false, true]) {
    bench.progress(replays ? 'while attempts are folded again' : 'at a steady rate');
    const server = bench.start('serve', { kind: 'embedded', folder: bench.folder, replays, count: events.length });
    const millis = await sendSteadily(await server.ready, signedEvents(events.length), STEADY_PER_S);
    await server.stop();
    p99.push(quantile(millis, 0.99));
    const what = replays ? 'while the log is folded again in the same process' : 'nothing else';
    const title = `200 webhooks/s, embedded, ${what}: p99`;
    const id = `webhooks.steady-${replays ? 'replay' : 'alone'}.p99`;
    bench.record({ id, title, unit: 'ms', better: 'lower', target: null }, quantile(millis, 0.99));
  }
  const spec = { id: 'webhooks.replay.ratio', title: '  to nothing else', unit: '×', better: 'lower' } as const;
  bench.record({ ...spec, target: null }, (p99[1] ?? 0) / (p99[0] ?? 1));
}

export const webhooksSuite: Suite = { name: 'webhooks', title: 'Webhooks', jobs, run };
