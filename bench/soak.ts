// A soak: the whole program takes signed webhooks at a steady rate for a long time, and what it takes itself is watched:
// memory, file handles, lag, latency. A chart and the numbers go to bench/results/soak.
//
//   node bench/soak.ts [--minutes 10] [--rate 1000] [--log embedded|kafka|both] [--check]
//   node bench/soak.ts --short        one minute at 200/s, embedded, nothing published, with --check
//
// What is held is dropped in steps of an hour, so it grows for the first hour or two: what an attempt may take is allowed for
// when growth is judged, and after that it levels off (windows and lateness are a minute). Kafka and Redis are brought as the
// tests bring them.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Stripe from 'stripe';
import { Pool } from 'undici';
import { type Card, eventsOf, someCard, type Try } from '../src/simulate/events.ts';
import { somePerson } from '../src/simulate/people.ts';
import { type Random, seededRandom } from '../src/simulate/random.ts';
import { createInstallation, type RunningProcess, WEBHOOK_SECRET } from '../test/support/installation.ts';
import { quantile } from './measure.ts';
import { createServices } from './services.ts';
import { chartOf, heapGrowthOf, percentiles, problemsOf, type Sample, type Summary, slopeOf } from './soak-figures.ts';

const DETECTORS = `
lateness: 1m
settle: 0s
stormAfter: 10000
metadata: { ip: client_ip }
detectors:
${(['card', 'customer', 'email', 'ip'] as const)
  .map(
    (per) => `  - { name: ${per}-declines, title: Declines per ${per}, why: A soak., count: attempts, per: ${per},
      where: 'outcome == "declined"', window: 1m, quietFor: 1m, thresholds: { warning: ${per === 'card' ? 3 : 6} } }`,
  )
  .join('\n')}
`;

const SAMPLE_EVERY_MS = 5_000;
const VICTIM_EVERY_S = 5;
const CONNECTIONS = 64;
/** Most requests on their way; beyond it the sender waits, and the rate that was reached says so. */
const MAX_IN_FLIGHT = 512;
const SETTLES_WITHIN_MS = 60_000;

type Soak = { readonly log: 'embedded' | 'kafka'; readonly minutes: number; readonly ratePerS: number };

export async function soak(
  plan: Soak,
  env: Readonly<Record<string, string>>,
): Promise<{ summary: Summary; samples: readonly Sample[] }> {
  const installation = createInstallation({ detectors: DETECTORS, env });
  try {
    const running = await installation.start();
    const sent = await send(running, plan);
    const lagAtEnd = await settledLag(running);
    const opened = await openedAt(running, sent.victims);
    await running.stop();
    return { summary: summaryOf(plan, { ...sent, lagAtEnd, opened }), samples: sent.samples };
  } finally {
    await installation.close();
  }
}

type Sent = {
  readonly samples: readonly Sample[];
  readonly events: number;
  readonly refused: number;
  readonly tookMs: number;
  readonly answers: readonly number[];
  /** By the card's fingerprint: when its third decline was sent, milliseconds. */
  readonly victims: ReadonlyMap<string, number>;
};

async function send(running: RunningProcess, { minutes, ratePerS }: Soak): Promise<Sent> {
  const url = new URL(running.webhookUrl);
  const pool = new Pool(url.origin, { connections: CONNECTIONS, pipelining: 1 });
  const traffic = createTraffic(seededRandom(1));
  const [answers, samples] = [[] as number[], [] as Sample[]];
  let [events, refused, sampled, inFlight] = [0, 0, 0, 0];
  let answered = Promise.withResolvers<void>();
  const startedAt = Date.now();
  const endsAt = startedAt + minutes * 60_000;
  let nextSampleAt = startedAt + SAMPLE_EVERY_MS;
  while (Date.now() < endsAt) {
    const dueAt = startedAt + (events * 1_000) / ratePerS;
    if (dueAt > Date.now()) await new Promise((resolve) => setTimeout(resolve, Math.min(50, dueAt - Date.now())));
    for (let now = Date.now(); startedAt + (events * 1_000) / ratePerS <= now && inFlight < MAX_IN_FLIGHT; ) {
      inFlight += 1;
      events += 1;
      void post(pool, url.pathname, traffic.next(now)).then((ms) => {
        if (ms === null) refused += 1;
        else answers.push(ms);
        inFlight -= 1;
        answered.resolve();
        answered = Promise.withResolvers<void>();
      });
    }
    if (inFlight >= MAX_IN_FLIGHT) await answered.promise;
    if (Date.now() < nextSampleAt) continue;
    nextSampleAt += SAMPLE_EVERY_MS;
    samples.push(await sampleOf(running, { atS: (Date.now() - startedAt) / 1_000, answers: answers.slice(sampled) }));
    sampled = answers.length;
  }
  while (inFlight > 0) await answered.promise;
  const tookMs = Date.now() - startedAt;
  await pool.close();
  return { samples, events, refused, tookMs, answers, victims: traffic.victims };
}

/** Ever new people, a tenth of whom are declined; every five seconds three declines on one card. */
function createTraffic(random: Random) {
  const victims = new Map<string, number>();
  const waiting: object[] = [];
  let victimAt = 0;
  let card: Card | null = null;
  let left = 0;
  const eventOf = (more: Partial<Try>, nowMs: number): object => {
    const at = Math.floor(nowMs / 1_000);
    const plain: Try = {
      at,
      kind: 'payment',
      ...somePerson(random),
      amount: 1_000,
      currency: 'usd',
      result: 'approved',
    };
    const [first = {}, ...rest] = eventsOf({ ...plain, ...more }, random);
    waiting.push(...rest);
    return first;
  };
  return {
    victims,
    next: (nowMs: number): string => {
      const other = waiting.shift();
      if (other !== undefined) return JSON.stringify(other);
      if (left === 0 && nowMs - victimAt >= VICTIM_EVERY_S * 1_000) {
        victimAt = nowMs;
        card = someCard(random);
        left = 3;
      }
      if (left === 0 || card === null) {
        const result = random.next() < 0.1 ? 'insufficient_funds' : 'approved';
        return JSON.stringify(eventOf({ result }, nowMs));
      }
      left -= 1;
      if (left === 0) victims.set(card.fingerprint, nowMs);
      return JSON.stringify(eventOf({ card, result: 'do_not_honor' }, nowMs));
    },
  };
}

/** Milliseconds until the answer; null: not 200. */
async function post(pool: Pool, path: string, payload: string): Promise<number | null> {
  const began = performance.now();
  const timestamp = Math.floor(Date.now() / 1_000);
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET, timestamp });
  const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
  try {
    const { statusCode, body } = await pool.request({ path, method: 'POST', headers, body: payload });
    await body.dump();
    return statusCode === 200 ? performance.now() - began : null;
  } catch {
    return null;
  }
}

type Reading = { readonly atS: number; readonly answers: readonly number[] };

async function sampleOf(running: RunningProcess, { atS, answers }: Reading): Promise<Sample> {
  const read = await metricsOf(running);
  return {
    atS: Math.round(atS),
    residentMb: read('process_resident_memory_bytes') / 1_048_576,
    heapMb: read('nodejs_heap_size_used_bytes') / 1_048_576,
    handles: read('process_open_fds'),
    lag: read('lag_records{stage="detect"}'),
    heldAttempts: read('window_attempts'),
    answerP50: answers.length === 0 ? null : quantile(answers, 0.5),
    answerP99: answers.length === 0 ? null : quantile(answers, 0.99),
  };
}

async function metricsOf({ consoleUrl }: RunningProcess): Promise<(name: string) => number> {
  const text = await (await fetch(`${consoleUrl}/metrics`)).text();
  const values = new Map(
    text.split('\n').flatMap((line) => {
      const at = line.lastIndexOf(' ');
      return line.startsWith('declinewatch_') ? [[line.slice(13, at), Number(line.slice(at + 1))] as const] : [];
    }),
  );
  return (name) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`there is no metric ${name}`);
    return value;
  };
}

async function settledLag(running: RunningProcess): Promise<number> {
  const until = Date.now() + SETTLES_WITHIN_MS;
  for (;;) {
    const lag = (await metricsOf(running))('lag_records{stage="detect"}');
    if (lag === 0 || Date.now() > until) return lag;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Milliseconds from the third decline to the incident, of each victim that has one. */
async function openedAt({ consoleUrl }: RunningProcess, victims: Sent['victims']): Promise<readonly number[]> {
  const took = new Map<string, number>();
  const until = Date.now() + SETTLES_WITHIN_MS;
  while (took.size < victims.size && Date.now() < until) {
    for (let after = ''; ; ) {
      const answer = await fetch(`${consoleUrl}/api/incidents?detector=card-declines&limit=200${after}`);
      type Page = { incidents: { entity: { value: string }; openedAt: string }[]; next: string | null };
      const { incidents, next } = (await answer.json()) as Page;
      for (const { entity, openedAt: at } of incidents) {
        const sentAt = victims.get(entity.value);
        if (sentAt !== undefined) took.set(entity.value, Date.parse(at) - sentAt);
      }
      if (next === null) break;
      after = `&after=${next}`;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return [...took.values()];
}

type Facts = Sent & { readonly lagAtEnd: number; readonly opened: readonly number[] };

function summaryOf(
  plan: Soak,
  { samples, events, refused, tookMs, answers, victims, lagAtEnd, opened }: Facts,
): Summary {
  const half = samples.slice(Math.floor(samples.length / 2));
  const handles = half.map((sample) => sample.handles);
  return {
    log: plan.log,
    minutes: plan.minutes,
    askedPerS: plan.ratePerS,
    sentPerS: Math.round((events / tookMs) * 1_000),
    events,
    refused,
    residentMbPerHour: slopeOf(half) * 3_600,
    heap: heapGrowthOf(half),
    handlesGrowth: Math.max(0, (handles.at(-1) ?? 0) - (handles[0] ?? 0)),
    lagAtEnd,
    lagMost: Math.max(0, ...samples.map(({ lag }) => lag)),
    answerMs: percentiles(answers),
    incidentMs: percentiles(opened),
    incidents: { expected: victims.size, opened: opened.length },
  };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      rate: { type: 'string' },
      log: { type: 'string', default: 'embedded' },
      short: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
    },
  });
  const minutes = Number(values.minutes ?? (values.short ? 1 : 10));
  const ratePerS = Number(values.rate ?? (values.short ? 200 : 1_000));
  const logs = values.log === 'both' ? (['embedded', 'kafka'] as const) : ([values.log] as const);
  const known = logs.every((log) => log === 'embedded' || log === 'kafka');
  if (!known || !(minutes > 0) || !(ratePerS > 0)) {
    process.stderr.write(
      'usage: node bench/soak.ts [--minutes 10] [--rate 1000] [--log embedded|kafka|both] [--short] [--check]\n',
    );
    return 2;
  }
  const services = createServices();
  let problems = 0;
  try {
    for (const log of logs as readonly ('embedded' | 'kafka')[]) {
      const env: Record<string, string> = log === 'embedded' ? {} : await kafkaEnv(services);
      const { summary, samples } = await soak({ log, minutes, ratePerS }, env);
      process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
      if (!values.short) publish(summary, samples);
      for (const problem of problemsOf(summary)) {
        process.stderr.write(`${log}: ${problem}\n`);
        problems += 1;
      }
    }
  } finally {
    await services.stop();
  }
  return problems > 0 && (values.check || values.short) ? 1 : 0;
}

async function kafkaEnv(services: ReturnType<typeof createServices>): Promise<Record<string, string>> {
  return {
    KAFKA_BROKERS: (await services.kafka()).join(','),
    REDIS_URL: await services.redis(),
    TOPIC_PREFIX: `soak-${randomBytes(4).toString('hex')}-`,
  };
}

function publish(summary: Summary, samples: readonly Sample[]): void {
  const folder = join(import.meta.dirname, 'results', 'soak');
  mkdirSync(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const name = join(folder, `${date}-${summary.log}-${summary.minutes}m-${summary.askedPerS}`);
  writeFileSync(`${name}.json`, `${JSON.stringify({ date, summary, samples }, null, 2)}\n`);
  const title = `declinewatch, ${summary.log}: ${summary.minutes} min at ${summary.sentPerS} events/s, ${date}`;
  writeFileSync(`${name}.svg`, chartOf(title, samples));
  process.stdout.write(`published: ${name}.svg\n`);
}

if (import.meta.main) process.exitCode = await main();
