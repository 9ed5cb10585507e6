// Ten simulated minutes of fifty declines a second over five thousand cards, with the real manager, feed, delivery loop
// and Bolt, against a Slack that keeps its rates. The clock is moved by hand: what happens in a second takes as long as it
// takes.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startSlack } from '../../src/alerts/slack.ts';
import { openIncidentFeed } from '../../src/feed/incident-feed.ts';
import { startIncidentManager } from '../../src/incidents/manager.ts';
import { encode } from '../../src/log/codec.ts';
import type { Command } from '../../src/model/commands.ts';
import type { Incident } from '../../src/model/incident.ts';
import { detectorSettings, ENGINE, episode, evidence, report, settingsCommand } from '../support/decider.ts';
import { handClock } from '../support/hand-clock.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const logger = pino({ level: 'silent' });
const until = { timeout: 60_000, interval: 2 };
const SECONDS = 600;
const A_SECOND = 50;
const CARDS = 5_000;
const OTHER_AT = 200;
/** A signed request may be 300 s off this clock at most. */
const ACKNOWLEDGED_AT = 240;

let slack: LocalSlack;
let temp: TempLog;
const teardown: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  slack = await startLocalSlack();
  temp = await openTempLog();
});

afterEach(async () => {
  for (const close of teardown.splice(0).reverse()) await close();
  await temp.close();
  await slack.close();
});

async function startFlow() {
  const clock = handClock(Math.floor(Date.now() / 1000) * 1000);
  const { log } = temp;
  const manager = await startIncidentManager({ log, clock, logger });
  teardown.push(manager.close);
  const feed = await openIncidentFeed({ log, logger });
  teardown.push(feed.close);
  const started = await startSlack({
    settings: {
      botToken: slack.botToken(),
      appToken: null,
      signingSecret: slack.signingSecret,
      channel: slack.channels.alerts,
      testChannel: null,
      responders: [],
      apiUrl: slack.apiUrl,
    },
    log,
    feed,
    consoleUrl: 'http://127.0.0.1:4243',
    clock,
    logger,
  });
  teardown.push(started.close);
  const server = createServer((req, res) => void started.handleHttp(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  teardown.push(async () => await new Promise((resolve) => server.close(resolve)));
  slack.setRequestUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`);
  await expect.poll(() => started.status().inbound.state, until).toBe('running');
  let sent = 0;
  let decided = 0;
  feed.subscribe(({ command }) => {
    if (command.startsWith('ask-')) decided = Number(command.slice('ask-'.length));
  });
  const ask = async (bodies: readonly Command['body'][]): Promise<void> => {
    if (bodies.length === 0) return;
    const records = bodies.map((body) => {
      sent += 1;
      const command: Command = { id: `ask-${sent}`, at: clock.now(), actor: ENGINE, body };
      return { key: null, value: encode('commands', command), timeMs: command.at };
    });
    await log.append('commands', records);
  };
  /** Everything that can be done now has been done. */
  const settled = async (): Promise<void> => {
    await expect.poll(() => decided, until).toBe(sent);
    await feed.caughtUp();
    // What waits for its turn does so until the clock is moved: then nothing is called any more.
    let seen = '';
    let unchanged = 0;
    const isStill = (): boolean => {
      const { pending } = started.status().deliveries;
      const now = `${pending} ${slack.calls('chat.update').length} ${slack.calls('chat.postMessage').length}`;
      unchanged = now === seen ? unchanged + 1 : 0;
      seen = now;
      return pending === 0 || unchanged >= 20;
    };
    await expect.poll(isStill, until).toBe(true);
  };
  return { clock, feed, ask, settled, started };
}

/** Declines by card; what a second adds is reported as the detectors do: at once when it opens, then now and then. */
function createAttack() {
  const counts = new Map<number, number>();
  const reported = new Map<number, number>();
  const firstS = new Map<number, number>();
  let seed = 42;
  let offset = 0;
  const next = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * CARDS);
  };
  const reportOf = (card: number, nowS: number) => {
    const count = counts.get(card) ?? 0;
    offset += 1;
    reported.set(card, count);
    if (!firstS.has(card)) firstS.set(card, nowS);
    const breach = firstS.get(card) ?? nowS;
    const times = { firstAttemptAt: breach - 5, firstBreachAt: breach, lastBreachAt: nowS, lastAttemptAt: nowS };
    const told = evidence([], {
      outcomes: { declined: count },
      codes: [{ code: card % 3 === 0 ? 'incorrect_cvc' : 'generic_decline', count }],
      amounts: [{ currency: 'eur', amount: count * 100, count }],
    });
    const severity = { severity: 'warning', threshold: 3 } as const;
    return report(
      offset,
      [episode(0, 0, { ...times, ...severity, peak: count, attemptCount: count, evidence: told })],
      {
        entity: { kind: 'card', value: `fp_${card}`, label: `visa •••• ${card}` },
        range: { fromS: nowS - 259_200, toS: null },
        receivedAt: null,
      },
    );
  };
  return {
    second: (nowS: number) => {
      const changed = new Set<number>();
      for (let i = 0; i < A_SECOND; i += 1) {
        const card = next();
        counts.set(card, (counts.get(card) ?? 0) + 1);
        changed.add(card);
      }
      const isDue = (card: number): boolean => {
        const count = counts.get(card) ?? 0;
        return count >= 3 && (!reported.has(card) || count >= (reported.get(card) ?? 0) + 3);
      };
      return [...changed].filter(isDue).map((card) => reportOf(card, nowS));
    },
    rest: (nowS: number) =>
      [...reported].filter(([card, told]) => told !== counts.get(card)).map(([card]) => reportOf(card, nowS)),
    breached: () => [...reported.keys()],
    attempts: () => [...reported.keys()].reduce((sum, card) => sum + (counts.get(card) ?? 0), 0),
  };
}

it('one living message tells it all, within Slack’s rates, and holds up nothing else', {
  timeout: 240_000,
}, async () => {
  const { clock, feed, ask, settled, started } = await startFlow();
  const rates = slack.keepRates(clock.now);
  const others = detectorSettings({ name: 'ratio', title: 'Another', per: 'customer', settleMs: 0 });
  await ask([settingsCommand(detectorSettings({ settleMs: 0 })), settingsCommand(others)]);
  await settled();
  const attack = createAttack();
  const nowS = (): number => Math.floor(clock.now() / 1000);
  const stormOf = (): Incident | undefined => [...feed.all()].find(({ kind }) => kind === 'storm');
  const editsOf = (ts: string) => slack.calls('chat.update').filter(({ body }) => body.ts === ts);
  let otherAt = 0;
  for (let second = 0; second < SECONDS; second += 1) {
    await ask(attack.second(nowS()));
    if (second === OTHER_AT) {
      const at = nowS();
      const times = { firstAttemptAt: at - 5, firstBreachAt: at, lastBreachAt: at, lastAttemptAt: at };
      const entity = { kind: 'customer', value: 'cus_9Other', label: 'cus_9Other' } as const;
      await ask([report(1_000_000, [episode(0, 0, times)], { detector: 'ratio', entity, receivedAt: null })]);
      otherAt = clock.now();
    }
    await settled();
    if (second === ACKNOWLEDGED_AT) {
      const incident = stormOf()?.id ?? '';
      await slack.press({ channel: slack.channels.alerts, incident, action: 'acknowledge', user: slack.users.ana });
      await expect.poll(() => stormOf()?.status, until).toBe('acknowledged');
    }
    clock.advance(1_000);
  }
  await ask(attack.rest(nowS()));
  await settled();

  const storm = stormOf();
  expect([...feed.all()].filter(({ kind }) => kind === 'storm')).toHaveLength(1);
  expect(storm?.peak).toBe(attack.breached().length);
  expect(storm?.peak).toBeGreaterThan(4_000);
  expect(storm?.attemptCount).toBe(attack.attempts());
  expect(storm?.evidence.outcomes).toEqual({ declined: attack.attempts() });
  expect(storm?.evidence.distinct.cards).toBe(attack.breached().length);
  expect(storm?.evidence.amounts).toEqual([
    { currency: 'eur', amount: attack.attempts() * 100, count: attack.attempts() },
  ]);

  // Every child is acknowledged by reference, those that joined afterwards too.
  const open = () => [...feed.all()].filter((one) => one.storm === storm?.id && one.status === 'open').length;
  for (let tries = 0; tries < 200 && open() > 0; tries += 1) {
    clock.advance(10_000);
    await settled();
  }
  expect(open()).toBe(0);

  // The end is told.
  clock.advance(301_000);
  await expect.poll(() => stormOf()?.over, until).toBe(true);
  clock.advance(5_000);
  await settled();
  const place = (await slack.messages(slack.channels.alerts)).find(
    (message) => message.metadata?.event_payload.incident === storm?.id && message.thread_ts === undefined,
  );
  const incidents = `${(storm?.peak ?? 0).toLocaleString('en-US')} incidents`;
  const attempts = `${attack.attempts().toLocaleString('en-US')} attempts`;
  expect(place?.text).toContain(`storm: ${incidents}`);
  expect(place?.text).toContain(`The storm is over: ${incidents} in `);
  expect(place?.text).toMatch(/Amount tested: [\d,.]+ EUR/);
  expect(place?.text).toMatch(/Reasons: [\d,]+ × declined without a reason, [\d,]+ × wrong CVC/);
  const thread = await slack.thread(slack.channels.alerts, place?.ts ?? '');
  expect(thread.filter(({ text }) => text.includes(`The storm is over: ${incidents} with ${attempts}`))).toHaveLength(
    1,
  );
  expect(thread.filter(({ text }) => text.startsWith('Acknowledged by'))).toHaveLength(1);

  // One message, and what was told one by one before it was a storm.
  const posts = slack.calls('chat.postMessage').filter(({ body }) => body.thread_ts === undefined);
  expect(posts.length).toBeLessThanOrEqual(1 + 10 + 1);
  expect(posts.filter(({ body }) => String(body.text).includes('storm:'))).toHaveLength(1);
  const edits = slack.calls('chat.update');
  expect(edits.length).toBeGreaterThan(150);
  for (const { at } of edits)
    expect(edits.filter((one) => one.at > at - 60_000 && one.at <= at).length).toBeLessThanOrEqual(40);
  const ofStorm = editsOf(place?.ts ?? '').filter(({ body }) => !String(body.text).includes('Acknowledged'));
  for (const [index, edit] of ofStorm.entries())
    if (index > 0) expect(edit.at - (ofStorm[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(2_000);
  expect(rates.refused()).toBe(0);
  expect(started.status().deliveries.failedCount).toBe(0);

  // Simulated time: it does not depend on how fast this machine is.
  const other = posts.find(({ body }) => String(body.text).includes('cus_9Other'));
  expect((other?.at ?? Number.POSITIVE_INFINITY) - otherAt).toBeLessThanOrEqual(3_000);
});
