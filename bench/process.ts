// The whole program as its operator runs it: from the command to ready, what the process takes idle and with a million attempts,
// and from a webhook to the call of Slack at a steady rate, alone and while a backfill of 30 days comes in beside it.
import { join } from 'node:path';
import { pino } from 'pino';
import Stripe from 'stripe';
import { Pool } from 'undici';
import { openDatabase } from '../src/log/database.ts';
import { openSqliteLog } from '../src/log/sqlite.ts';
import type { View } from '../src/model/attempt.ts';
import {
  createInstallation,
  type Installation,
  type RunningProcess,
  WEBHOOK_SECRET,
} from '../test/support/installation.ts';
import { type LocalSlack, startLocalSlack } from '../test/support/local-slack.ts';
import { LOCAL_KEY, type LocalEvent, type LocalStripe, startLocalStripe } from '../test/support/local-stripe.ts';
import { fileOf, THREE } from './detectors.ts';
import { eventOf, failedSample } from './events.ts';
import { type Bench, type Figures, type JobParams, type Jobs, quantile, type Suite, until } from './measure.ts';
import { attemptStream, recordStream, STREAM } from './streams.ts';

const MEGA = 1_048_576;

/** Appends a stream to the log of an installation that does not run. */
async function fillJob({ file, count }: JobParams): Promise<Figures> {
  const database = await openDatabase({ file: String(file), owner: 'bench' });
  const log = await openSqliteLog({ database, logger: pino({ level: 'silent' }) });
  const startMs = Date.now() - (Number(count) / STREAM.ratePerS) * 1_000 - 1_000;
  let records: { key: string; value: string; timeMs: number }[] = [];
  const flush = async (): Promise<void> => {
    if (records.length > 0) await log.append('attempts', records);
    records = [];
  };
  for (const value of recordStream({ ...STREAM, count: Number(count), startMs }))
    if (records.push({ key: 'self/live', value, timeMs: startMs }) >= 2_000) await flush();
  await flush();
  await log.close();
  await database.close();
  return { count: Number(count) };
}

const jobs: Jobs = { fill: fillJob };

async function readMetric({ consoleUrl }: RunningProcess, name: string): Promise<number> {
  const text = await (await fetch(`${consoleUrl}/metrics`)).text();
  const [, value] = new RegExp(`^declinewatch_${name} (\\S+)$`, 'm').exec(text) ?? [];
  if (value === undefined) throw new Error(`there is no metric ${name}`);
  return Number(value);
}

const residentMb = async (running: RunningProcess): Promise<number> =>
  (await readMetric(running, 'process_resident_memory_bytes')) / MEGA;

async function run(bench: Bench): Promise<void> {
  for (let round = 0; round < bench.sizes.rounds; round++) {
    bench.progress(`round ${round + 1}`);
    await runMemory(bench, round === 0);
    await runLatency(bench);
  }
}

const SETTLED_MS = 3_000;

/** A million attempts once in a run: what they take is not what varies. */
async function runMemory(bench: Bench, isFilled: boolean): Promise<void> {
  const count = bench.sizes.quick ? 100_000 : 1_000_000;
  const installation = createInstallation({ detectors: fileOf(THREE) });
  try {
    const startedAt = performance.now();
    const first = await installation.start();
    const readyMs = performance.now() - startedAt;
    const spec = { better: 'lower', target: null } as const;
    bench.record({ ...spec, id: 'process.ready', title: 'start to ready, embedded', unit: 'ms' }, readyMs);
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    bench.record({ ...spec, id: 'process.idle', title: 'resident memory, idle', unit: 'MB' }, await residentMb(first));
    await first.stop();
    if (!isFilled) return;
    await bench.job('fill', { file: join(installation.folder, 'data', 'declinewatch.db'), count });
    const second = await installation.start();
    const isThere = async (): Promise<boolean> =>
      (await readMetric(second, 'lag_records\\{stage="detect"\\}')) === 0 &&
      (await readMetric(second, 'window_attempts')) > count * 0.9;
    await until('the attempts are folded', isThere);
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    const title = `resident memory with ${count === 1_000_000 ? 'a million' : count.toLocaleString('en')} attempts`;
    bench.record({ ...spec, id: 'process.million', title, unit: 'MB' }, await residentMb(second));
    await second.stop();
  } finally {
    await installation.close();
  }
}

const EVENTS_PER_S = 200;
/** Slack takes one message a second in a channel. */
const VICTIM_EVERY_MS = 1_500;
const WARM_MS = 3_000;

async function runLatency(bench: Bench): Promise<void> {
  const seconds = bench.sizes.quick ? 15 : 30;
  const title = 'webhook → call of Slack at 200 events/s';
  const alone = await measureLatency(seconds, false);
  const spec = { unit: 'ms', better: 'lower' } as const;
  bench.record({ ...spec, id: 'process.slack.p50', title: `${title}: p50`, target: 30 }, quantile(alone, 0.5));
  bench.record({ ...spec, id: 'process.slack.p99', title: `${title}: p99`, target: 150 }, quantile(alone, 0.99));
  const beside = await measureLatency(seconds, true);
  const besideTitle = `${title}, a backfill of 30 days beside it`;
  const besideSpec = { ...spec, id: 'process.slack-backfill.p99', title: `${besideTitle}: p99`, target: null };
  bench.record(besideSpec, quantile(beside, 0.99));
  const ratio = { unit: '×', better: 'lower', target: 2 } as const;
  bench.record(
    { ...ratio, id: 'process.slack-backfill.ratio', title: '  to nothing beside it' },
    quantile(beside, 0.99) / quantile(alone, 0.99),
  );
}

async function measureLatency(seconds: number, isBackfilled: boolean): Promise<readonly number[]> {
  const slack = await startLocalSlack();
  const stripe = isBackfilled ? await startStripeWithPast(seconds) : null;
  const installation = createInstallation({
    detectors: fileOf(THREE, 'settle: 0s\nstormAfter: 10000\n'),
    env: {
      SLACK_BOT_TOKEN: slack.botToken(),
      SLACK_CHANNEL: slack.channels.alerts,
      SLACK_API_URL: slack.apiUrl,
      SLACK_SIGNING_SECRET: slack.signingSecret,
      ...(stripe === null ? {} : { STRIPE_API_KEY: LOCAL_KEY, STRIPE_API_URL: stripe.url }),
    },
  });
  try {
    return await latencies(installation, slack, { seconds, isBackfilled });
  } finally {
    await installation.close();
    await stripe?.close();
    await slack.close();
  }
}

/** At the five requests a second that a backfill takes; the rest of the time is the history lane's. */
const BACKFILLED_PER_S = 500;
const BACKFILLED_SHARE = 0.7;
const PAST_S = 29 * 86_400;

/** Of so many declines the first five are on one card, within a quarter of an hour. */
const ATTACK_EVERY = 50;
const ATTACK_DECLINES = 5;

/** Declines of 29 days, some of them attacks. */
async function startStripeWithPast(seconds: number): Promise<LocalStripe> {
  const stripe = await startLocalStripe();
  const count = Math.floor(seconds * BACKFILLED_SHARE * BACKFILLED_PER_S);
  const startMs = Date.now() - PAST_S * 1_000;
  const template = failedSample();
  const views = attemptStream({ ...STREAM, seed: 11, count, declined: 1, startMs, ratePerS: count / PAST_S });
  const withAttacks = [...views].map((view, index) => {
    const isAttack = index % ATTACK_EVERY < ATTACK_DECLINES;
    const card = isAttack ? `fpold${Math.floor(index / ATTACK_EVERY)}` : (view.fields.card ?? '');
    return { ...view, fields: { ...view.fields, card } };
  });
  stripe.addEvents(withAttacks.map((view) => eventOf(template, view) as LocalEvent));
  return stripe;
}

async function backfill({ consoleUrl }: RunningProcess): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${consoleUrl}/api/backfill`, { method: 'POST', headers, body: '{"since":"30d"}' });
  if (answer.status !== 202) throw new Error(`the backfill was answered ${answer.status}`);
}

/** Milliseconds from the webhook that makes an incident to the call that posts it. */
async function latencies(
  installation: Installation,
  slack: LocalSlack,
  { seconds, isBackfilled }: { readonly seconds: number; readonly isBackfilled: boolean },
): Promise<readonly number[]> {
  const running = await installation.start();
  if (isBackfilled) await backfill(running);
  const sent = await sendEvents(running.webhookUrl, seconds);
  const posts = () => slack.calls('chat.postMessage');
  await until('every incident is posted', () => posts().length >= sent.size, 60_000);
  const postedAt = new Map(posts().map(({ body, at }) => [incidentOf(body), at]));
  const cards = await cardsOfIncidents(running);
  await running.stop();
  return [...sent].flatMap(([card, { at, isWarm }]) => {
    const posted = postedAt.get(cards.get(card) ?? '');
    if (posted === undefined) throw new Error(`no message was posted of ${card}`);
    return isWarm ? [posted - at] : [];
  });
}

function incidentOf(body: Readonly<Record<string, unknown>>): string {
  const { event_payload } = body.metadata as { event_payload: { incident: string } };
  return event_payload.incident;
}

async function cardsOfIncidents({ consoleUrl }: RunningProcess): Promise<ReadonlyMap<string, string>> {
  const cards = new Map<string, string>();
  for (let after: string | null = ''; after !== null; ) {
    const answer = await fetch(`${consoleUrl}/api/incidents?limit=200${after === '' ? '' : `&after=${after}`}`);
    const page = (await answer.json()) as {
      incidents: { id: string; entity: { value: string } }[];
      next: string | null;
    };
    for (const { id, entity } of page.incidents) cards.set(entity.value, id);
    after = page.next;
  }
  return cards;
}

type Sent = ReadonlyMap<string, { readonly at: number; readonly isWarm: boolean }>;

/** Ordinary traffic, and now and then three declines on one card: when the third was sent. */
async function sendEvents(webhookUrl: string, seconds: number): Promise<Sent> {
  const url = new URL(webhookUrl);
  const pool = new Pool(url.origin, { connections: 32, pipelining: 1 });
  const stream = attemptStream({ ...STREAM, seed: 9 });
  const template = failedSample();
  const sent = new Map<string, { at: number; isWarm: boolean }>();
  const pending: Promise<void>[] = [];
  const startedAt = Date.now();
  const victimEvery = Math.round((VICTIM_EVERY_MS / 1_000) * EVENTS_PER_S);
  for (let index = 0; index < seconds * EVENTS_PER_S; index++) {
    const dueAt = startedAt + (index * 1_000) / EVENTS_PER_S;
    if (dueAt > Date.now()) await new Promise((resolve) => setTimeout(resolve, dueAt - Date.now()));
    const view = stream.next().value;
    if (view === undefined) throw new Error('the stream is too short');
    const part = index % victimEvery;
    const isVictim = part === 0 || part === 20 || part === 40;
    const card = isVictim ? `fpvictim${Math.floor(index / victimEvery)}` : (view.fields.card ?? '');
    const at = Date.now();
    if (part === 40) sent.set(card, { at, isWarm: at - startedAt > WARM_MS });
    pending.push(post(pool, url.pathname, eventOf(template, viewNow(view, { index, card, at }))));
  }
  await Promise.all(pending);
  await pool.close();
  return sent;
}

/** Nothing but the victims is on one card, customer or e-mail often. */
function viewNow(view: View, { index, card, at }: { index: number; card: string; at: number }): View {
  const time = Math.floor(at / 1_000);
  const fields = { ...view.fields, card, customer: `cus_${index}`, email: `payer${index}@example.com` };
  return { ...view, attempt: `ch_bench${index}`, event: `evt_bench${index}`, time, created: time, fields };
}

async function post(pool: Pool, path: string, event: object): Promise<void> {
  const payload = JSON.stringify(event);
  const timestamp = Math.floor(Date.now() / 1_000);
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET, timestamp });
  const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
  const { statusCode, body } = await pool.request({ path, method: 'POST', headers, body: payload });
  await body.dump();
  if (statusCode !== 200) throw new Error(`a webhook was answered ${statusCode}`);
}

export const processSuite: Suite = { name: 'process', title: 'The whole program', jobs, run };
