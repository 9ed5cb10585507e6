// What is found late is told in one message after an outage, and not at all after a backfill: the whole program over a local
// Stripe and a local Slack, where posts are counted.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submitCommand } from '../../src/feed/submit.ts';
import type { Clock } from '../../src/model/clock.ts';
import { tokenOf } from '../../src/model/mask-erased.ts';
import { erasedName } from '../../src/model/mask-names.ts';
import { ENGINE, episode, report } from '../support/decider.ts';
import { type Embedded, startEmbedded } from '../support/embedded-app.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import {
  failedCharge,
  LOCAL_KEY,
  type LocalEvent,
  type LocalStripe,
  startLocalStripe,
} from '../support/local-stripe.ts';
import { quickClock } from '../support/quick-clock.ts';
import { type SlackFlow, startSlackFlow } from '../support/slack-flow.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const until = { timeout: 60_000, interval: 50 };
const HOUR_S = 3_600;
const DETECTORS = `
detectors:
  - name: card-declines
    title: Declines on one card
    why: A test of late news.
    count: attempts
    where: outcome == "declined"
    per: card
    window: 10m
    quietFor: 20m
    thresholds: { warning: 3 }
`;

let slack: LocalSlack;
let clock: Clock;
const closing: { close(): Promise<unknown> }[] = [];

beforeEach(async () => {
  slack = await startLocalSlack();
  clock = quickClock({ speed: 20, behindMs: 6 * HOUR_S * 1000 });
});

afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close();
  await slack.close();
});

const posts = () => slack.calls('chat.postMessage');
const texts = async () => (await slack.messages(slack.channels.alerts)).map(({ text }) => text);

describe('the whole program', { timeout: 180_000 }, () => {
  let stripe: LocalStripe;
  let embedded: Embedded;

  beforeEach(async () => {
    stripe = await startLocalStripe({ now: clock.now });
    closing.push({ close: async () => await stripe.close() });
    embedded = await startEmbedded({
      detectors: DETECTORS,
      clock,
      env: {
        STRIPE_API_KEY: LOCAL_KEY,
        STRIPE_API_URL: stripe.url,
        SLACK_BOT_TOKEN: slack.botToken(),
        SLACK_APP_TOKEN: slack.appToken,
        SLACK_CHANNEL: slack.channels.alerts,
        SLACK_API_URL: slack.apiUrl,
      },
    });
    closing.push(embedded);
  });

  /** Five declines of one card within five minutes, the last one so long ago. */
  const attack = (card: string, agoS: number): readonly LocalEvent[] => {
    const lastS = Math.floor(clock.now() / 1000) - agoS;
    const details = { type: 'card', card: { fingerprint: `fp_${card}`, brand: 'visa', last4: '0002' } };
    return Array.from(
      { length: 5 },
      (_, n) => failedCharge(`${card}_${n}`, lastS - (4 - n) * 60, { payment_method_details: details }).event,
    );
  };
  const incidents = async (): Promise<readonly { entity: { value: string }; late: boolean }[]> =>
    (await embedded.get('/api/incidents')).body.incidents as never;
  const found = async (count: number) => await expect.poll(async () => (await incidents()).length, until).toBe(count);

  it('tells what came late by webhook, and nothing of what a backfill of 30 days brought', async () => {
    stripe.addEvents([
      ...attack('old', 240 * HOUR_S),
      ...attack('recent', 30 * HOUR_S),
      ...attack('today', 3 * HOUR_S),
    ]);
    expect(await embedded.ask('/api/backfill', { since: '30d' })).toMatchObject({ status: 202 });
    await found(3);
    for (const event of attack('outage', 2 * HOUR_S)) expect(await embedded.post(event)).toBe(200);
    await found(4);
    expect((await incidents()).map(({ late }) => late)).toEqual([true, true, true, true]);
    await expect.poll(async () => (await texts()).length, until).toBe(1);
    const [text] = await texts();
    expect(text).toContain('TEST · 1 incident found late');
    expect(text).toContain('WARNING · 5 declines on visa •••• 0002');
    const [{ id }] = (await incidents()).filter(({ entity }) => entity.value === 'fp_outage') as never as [
      { id: string },
    ];
    expect(text).toContain(`${id} · TEST`);
    const records = (await embedded.records('stripe-events')).map(({ value }) => JSON.parse(value) as { via?: string });
    expect(records.filter(({ via }) => via === 'backfill')).toHaveLength(15);
    expect(posts()).toHaveLength(1);
  });
});

describe('the message', { timeout: 90_000 }, () => {
  let temp: TempLog;
  beforeEach(async () => {
    temp = await openTempLog();
    closing.push(temp);
  });

  async function start(): Promise<SlackFlow> {
    const flow = await startSlackFlow(slack, temp, { mode: 'socket', clock });
    closing.push(flow);
    return flow;
  }

  /** Found now, over since two hours. */
  async function late(flow: SlackFlow, card: string, offset: number): Promise<void> {
    const nowS = Math.floor(clock.now() / 1000);
    const lastS = nowS - 2 * HOUR_S;
    const times = { firstAttemptAt: lastS - 60, firstBreachAt: lastS - 30, lastBreachAt: lastS, lastAttemptAt: lastS };
    const entity = { kind: 'card', value: card, label: `visa •••• ${card}` } as const;
    const asked = report(offset, [episode(0, 0, times)], {
      entity,
      range: { fromS: 0, toS: null },
      receivedAt: clock.now(),
    });
    await flow.ask(asked);
  }

  it('is posted once, after a lost answer and a restart, by one of two processes; what is fresh speaks by itself', async () => {
    slack.fault({ method: 'chat.postMessage', kind: 'lost', times: 1 });
    const flow = await start();
    for (const [n, card] of ['4242', '1881', '0005'].entries()) await late(flow, card, n + 1);
    expect([...flow.feed.all()].map((incident) => incident.late)).toEqual([true, true, true]);
    await expect.poll(async () => (await texts()).length, until).toBe(1);
    expect((await texts())[0]).toMatch(/^3 incidents found late\n(.*\n)*INC-3 · WARNING(.*\n)*INC-2 · (.*\n)*INC-1 · /);
    await flow.close();
    closing.pop();
    await start();
    const last = await start();
    await expect.poll(() => last.slack.status().inbound.state, until).toBe('running');
    // The attack on the first card goes on: that speaks.
    const nowS = Math.floor(clock.now() / 1000);
    const before = last.feed.get('INC-1');
    const seconds = (ms: number | undefined): number => (ms ?? 0) / 1000;
    const times = {
      firstAttemptAt: seconds(before?.firstAttemptAt),
      firstBreachAt: seconds(before?.firstBreachAt),
      lastBreachAt: nowS,
      lastAttemptAt: nowS,
      attemptCount: 9,
      peak: 9,
    };
    const entity = { kind: 'card', value: '4242', label: 'visa •••• 4242' } as const;
    const goesOn = report(50, [episode(0, 0, times)], { entity, range: { fromS: 0, toS: null } });
    const { log } = temp;
    await submitCommand({ log, clock }, { actor: ENGINE, body: goesOn });
    await expect.poll(() => last.feed.get('INC-1')?.late, until).toBe(false);
    await expect.poll(async () => await last.alertOf('INC-1'), until).toContain('9 declines on visa');
    expect(posts()).toHaveLength(2);
  });

  it('names nobody any more once one of its incidents is erased', async () => {
    const flow = await start();
    await late(flow, '4242', 1);
    await expect.poll(async () => (await texts()).length, until).toBe(1);
    expect((await texts())[0]).toContain('4242');
    const card = { kind: 'card', value: '4242' } as const;
    const subject = {
      kind: 'card',
      token: tokenOf(card),
      as: erasedName(card, { piiKey: 'a key', nonce: 'n' }),
    } as const;
    await flow.ask({ type: 'erase', subjects: [subject], attempts: [], incidents: [], closed: [] });
    await expect.poll(async () => (await texts())[0], until).toContain('Somebody of whom this told was erased');
    expect(JSON.stringify(await slack.messages(slack.channels.alerts))).not.toContain('4242');
    expect(posts()).toHaveLength(1);
  });
});
