// What an analyst writes into the sheet, until it stands in Slack, and what is done in the console, until it stands in the sheet: the
// whole program against a local Slack and a local Google, which keep their rates.
import Stripe from 'stripe';
import {
  createInstallation,
  type Installation,
  type RunningProcess,
  WEBHOOK_SECRET,
} from '../test/support/installation.ts';
import { type LocalSheets, startLocalSheets } from '../test/support/local-sheets.ts';
import { type LocalSlack, startLocalSlack } from '../test/support/local-slack.ts';
import { fileOf, THREE } from './detectors.ts';
import { eventOf, failedSample } from './events.ts';
import { type Bench, quantile, type Suite, until } from './measure.ts';
import { attemptStream, STREAM } from './streams.ts';

const DECLINES = 3;
/** Between two edits, so that they fall anywhere between two readings of the sheet. */
const EVERY_MS = 4_700;
const PATIENCE_MS = 120_000;

async function run(bench: Bench): Promise<void> {
  const count = bench.sizes.quick ? 12 : 24;
  for (let round = 0; round < bench.sizes.rounds; round++) {
    bench.progress(`round ${round + 1}`);
    const { toSlack, toSheet } = await measure(count);
    const spec = { unit: 's', better: 'lower' } as const;
    const title = 'a verdict written into the sheet → the message in Slack';
    bench.record({ ...spec, id: 'edits.slack.p50', title: `${title}: p50`, target: null }, quantile(toSlack, 0.5));
    bench.record({ ...spec, id: 'edits.slack.p95', title: `${title}: p95`, target: 15 }, quantile(toSlack, 0.95));
    const back = 'acknowledged in the console → the row in the sheet';
    bench.record({ ...spec, id: 'edits.sheet.p95', title: `${back}: p95`, target: 15 }, quantile(toSheet, 0.95));
  }
}

type Took = { readonly toSlack: readonly number[]; readonly toSheet: readonly number[] };

/** Seconds, of half of so many incidents each. */
async function measure(count: number): Promise<Took> {
  const slack = await startLocalSlack();
  const google = await startLocalSheets();
  const installation = createInstallation({
    detectors: fileOf(THREE, 'settle: 0s\nstormAfter: 10000\n'),
    env: {
      SLACK_BOT_TOKEN: slack.botToken(),
      SLACK_CHANNEL: slack.channels.alerts,
      SLACK_API_URL: slack.apiUrl,
      SLACK_SIGNING_SECRET: slack.signingSecret,
      ...google.env,
    },
  });
  try {
    return await edited(installation, { slack, google, count });
  } finally {
    await installation.close();
    await google.close();
    await slack.close();
  }
}

type Parts = { readonly slack: LocalSlack; readonly google: LocalSheets; readonly count: number };

async function edited(installation: Installation, { slack, google, count }: Parts): Promise<Took> {
  const running = await installation.start();
  await openIncidents(running, count);
  const ids = Array.from({ length: count }, (_, i) => `INC-${i + 1}`);
  const has = (id: string, status: string): boolean =>
    google.hands.incidentIds().includes(id) && google.hands.row('Incidents', id).Status === status;
  await until('every incident has its row', () => ids.every((id) => has(id, 'open')), PATIENCE_MS);
  await until('every incident is posted', () => slack.calls('chat.postMessage').length >= count, PATIENCE_MS);
  const toSheet: Promise<number>[] = [];
  const toSlack: Promise<number>[] = [];
  for (const [index, id] of ids.entries()) {
    const at = Date.now();
    if (index % 2 === 0) {
      await acknowledge(running, id);
      toSheet.push(
        since(
          at,
          until(`the row of ${id}`, () => has(id, 'acknowledged'), PATIENCE_MS),
        ),
      );
    } else {
      google.hands.type('Incidents', id, 'Verdict', 'fraud');
      toSlack.push(
        since(
          at,
          until(`the message of ${id}`, () => isTold(slack, id), PATIENCE_MS),
        ),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  const took = { toSlack: await Promise.all(toSlack), toSheet: await Promise.all(toSheet) };
  await running.stop();
  return took;
}

const since = async (at: number, done: Promise<void>): Promise<number> => {
  await done;
  return (Date.now() - at) / 1_000;
};

const isTold = (slack: LocalSlack, id: string): boolean =>
  slack.calls('chat.update').some(({ body }) => {
    const text = JSON.stringify(body);
    return text.includes(`"${id}"`) && text.includes('Resolved as fraud');
  });

async function openIncidents({ webhookUrl }: RunningProcess, count: number): Promise<void> {
  const template = failedSample();
  const stream = attemptStream({ ...STREAM, seed: 13, declined: 1 });
  for (let i = 0; i < count * DECLINES; i++) {
    const view = stream.next().value;
    if (view === undefined) throw new Error('the stream is too short');
    const time = Math.floor(Date.now() / 1_000);
    const own = { card: `fpedit${Math.floor(i / DECLINES)}`, customer: `cus_${i}`, email: `payer${i}@example.com` };
    const facts = { attempt: `ch_edit${i}`, event: `evt_edit${i}`, time, created: time };
    await post(webhookUrl, eventOf(template, { ...view, ...facts, fields: { ...view.fields, ...own } }));
  }
}

async function post(url: string, event: object): Promise<void> {
  const payload = JSON.stringify(event);
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET });
  const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
  const { status } = await fetch(url, { method: 'POST', headers, body: payload });
  if (status !== 200) throw new Error(`a webhook was answered ${status}`);
}

async function acknowledge({ consoleUrl }: RunningProcess, id: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${consoleUrl}/api/incidents/${id}/acknowledge`, { method: 'POST', headers, body: '{}' });
  if (!answer.ok) throw new Error(`${id} could not be acknowledged: ${answer.status}`);
}

export const editsSuite: Suite = { name: 'edits', title: 'The sheet and Slack', jobs: {}, run };
