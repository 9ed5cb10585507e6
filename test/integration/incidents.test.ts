// The incident manager and the feed over the embedded log: restarts, crashes in between, a second manager, people.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeAttemptsRecord } from '../../src/attempts/wire.ts';
import type { IncidentFeed } from '../../src/feed/feed.ts';
import { openIncidentFeed } from '../../src/feed/incident-feed.ts';
import { act, submitCommand } from '../../src/feed/submit.ts';
import { applyFileSettings } from '../../src/incidents/file-settings.ts';
import { type IncidentManager, startIncidentManager } from '../../src/incidents/manager.ts';
import { encode } from '../../src/log/codec.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import type { Change } from '../../src/model/commands.ts';
import type { TopicName } from '../../src/model/topics.ts';
import {
  ANA,
  BEN,
  detectorSettings,
  ENGINE,
  episode,
  GENERAL,
  report,
  settingsCommand,
  T0_MS,
} from '../support/decider.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const logger = pino({ level: 'silent' });

let temp: TempLog;
let log: EventLog;
let clock: HandClock;
const closing: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  temp = await openTempLog();
  log = temp.log;
  clock = handClock(T0_MS);
});

afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close();
  await temp.close();
});

const opened = <T extends { close(): Promise<void> }>(one: T): T => {
  closing.push(one);
  return one;
};
const startManager = async (over: EventLog = log): Promise<IncidentManager> =>
  opened(await startIncidentManager({ log: over, clock, logger }));
const openFeed = async (): Promise<IncidentFeed> => opened(await openIncidentFeed({ log, logger }));
const submit = (body: Parameters<typeof submitCommand>[1]['body'], id?: string) =>
  submitCommand({ log, clock }, { actor: ENGINE, body, ...(id === undefined ? {} : { id }) });
const ask = (feed: IncidentFeed, body: Parameters<typeof act>[1]['body'], actor = ANA) =>
  act({ feed, log, clock }, { actor, body });

async function read<T>(topic: TopicName, parse: (text: string) => T): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const page of log.read(topic, 0, 0)) all.push(...page.map(({ value }) => parse(value)));
  return all;
}
const changes = (): Promise<readonly Change[]> => read('incidents', (text) => JSON.parse(text) as Change);

/** Fails every append to `topic` while `isAway`, after the records have been stored if `isLate`. */
function flaky(topic: TopicName): { readonly log: EventLog; isAway: boolean; isLate: boolean } {
  const own = {
    isAway: false,
    isLate: false,
    log: {
      ...log,
      append: async (to: TopicName, records: Parameters<EventLog['append']>[1]) => {
        if (to === topic && own.isAway && !own.isLate) throw new Error('away');
        const positions = await log.append(to, records);
        if (to === topic && own.isAway) throw new Error('the answer was lost');
        return positions;
      },
    } as EventLog,
  };
  return own;
}

describe('the manager', () => {
  it('turns a report into an incident, and a click into an answer', async () => {
    await startManager();
    const feed = await openFeed();
    await submit(settingsCommand());
    await submit(report(1, [episode(0, 0)]));
    await expect.poll(() => feed.get('INC-1')?.status).toBe('open');
    const done = await ask(feed, { type: 'acknowledge', incident: 'INC-1' });
    expect(done).toMatchObject({ outcome: 'done', incident: { id: 'INC-1', status: 'acknowledged' } });
    const again = await ask(feed, { type: 'acknowledge', incident: 'INC-1' }, BEN);
    expect(again).toMatchObject({ outcome: 'refused', refusal: { code: 'already_acknowledged' } });
    expect(feed.timeline('INC-1').map(({ type, version }) => `${version} ${type}`)).toEqual([
      '1 opened',
      '2 acknowledged',
    ]);
  });

  it('goes on where it stopped: nothing is decided twice, numbers go on', async () => {
    const first = await startIncidentManager({ log, clock, logger });
    await submit(settingsCommand());
    await submit(report(1, [episode(0, 0)]));
    await expect.poll(() => first.status().offset).toBe(1);
    await first.close();
    await submit(report(2, [episode(0, 0), episode(8_000, 8_000)]));
    const second = await startManager();
    await expect.poll(() => second.status().offset).toBe(2);
    const feed = await openFeed();
    expect(feed.list().incidents.map(({ id, version }) => `${id} v${version}`)).toEqual(['INC-2 v1', 'INC-1 v1']);
  });

  it('completes what a crash left half written, and readers see each change once', async () => {
    await submit(settingsCommand());
    await submit(report(1, [episode(0, 0), episode(8_000, 8_000)]));
    const whole = await startIncidentManager({ log, clock, logger });
    await expect.poll(() => whole.status().offset).toBe(1);
    await whole.close();
    const written = await changes();
    const other = await openTempLog();
    opened(other);
    for await (const page of log.read('commands', 0, 0))
      await other.log.append(
        'commands',
        page.map(({ key, value, timeMs }) => ({ key, value, timeMs })),
      );
    const half = written
      .slice(0, 2)
      .map((change) => ({ key: null, value: encode('incidents', change), timeMs: change.at }));
    await other.log.append('incidents', half);
    const manager = opened(await startIncidentManager({ log: other.log, clock, logger }));
    await expect.poll(() => manager.status().offset).toBe(1);
    const feed = opened(await openIncidentFeed({ log: other.log, logger }));
    expect(feed.list().incidents.map(({ id }) => id)).toEqual(['INC-2', 'INC-1']);
    expect(feed.timeline('INC-1')).toHaveLength(1);
    expect(feed.get('INC-2')).toEqual(written[2]?.incident);
  });

  it.each([false, true])('writes what it could not write (answer lost: %s) once the log is back', async (isLate) => {
    const over = flaky('incidents');
    over.isLate = isLate;
    over.isAway = true;
    await startManager(over.log);
    const feed = await openFeed();
    await submit(settingsCommand());
    await submit(report(1, [episode(0, 0)]));
    const woken = setInterval(() => clock.advance(5_000), 5);
    over.isAway = false;
    await expect.poll(() => feed.get('INC-1')?.version).toBe(1);
    clearInterval(woken);
    expect(feed.timeline('INC-1')).toHaveLength(1);
  });

  it('relays accepted settings as rules, again after a crash in between, and records each version once', async () => {
    const over = flaky('detector-settings');
    over.isAway = true;
    const first = await startIncidentManager({ log: over.log, clock, logger });
    await submit(settingsCommand());
    await vi.waitFor(async () => expect(await changes()).toHaveLength(1));
    await first.close();
    expect(await read('detector-settings', JSON.parse)).toEqual([]);
    const second = await startManager();
    await expect.poll(() => second.status().active).toBe(true);
    const recorded = await read('detector-settings', JSON.parse);
    expect(recorded).toMatchObject([
      { rule: { detector: 'card-declines', version: 1, sinceS: 0 }, why: 'first settings' },
    ]);
    const rules = await read('attempts', decodeAttemptsRecord);
    expect(rules.length).toBeGreaterThan(0);
    expect(rules[0]).toMatchObject({ record: 'rule', detector: 'card-declines', version: 1, revision: 1 });
  });

  it('puts a record that is no command aside and goes on', async () => {
    const manager = await startManager();
    const bad = ['{"v":1', encode('commands', { id: 'x', at: 1, actor: ENGINE, body: { type: 'explode' } })];
    await log.append(
      'commands',
      bad.map((value) => ({ key: null, value, timeMs: T0_MS })),
    );
    await submit(settingsCommand());
    await expect.poll(() => manager.status().offset).toBe(2);
    expect(await read('dead-letters', JSON.parse)).toMatchObject([
      { source: 'commands', offset: 0, reason: 'bad_record' },
      { source: 'commands', offset: 1, reason: 'bad_record' },
    ]);
  });

  it('stops loudly at a record of a newer program and decides nothing more', async () => {
    await submit(settingsCommand());
    await log.append('commands', [{ key: null, value: '{"v":99,"id":"later"}', timeMs: T0_MS }]);
    await submit(report(2, [episode(0, 0)]));
    const manager = await startManager();
    await expect.poll(() => manager.status().stopped?.code).toBe('newer_schema');
    expect((await changes()).map(({ type }) => type)).toEqual(['settings_accepted']);
    expect(manager.status()).toMatchObject({ active: false, offset: 0 });
  });

  it('tells its own time: a mute ends by a timer command', async () => {
    const manager = await startManager();
    const feed = await openFeed();
    await submit(settingsCommand());
    await submit(report(1, [episode(0, 0)]));
    await expect.poll(() => feed.get('INC-1')?.status).toBe('open');
    await ask(feed, { type: 'mute', incident: 'INC-1', until: T0_MS + 60_000 });
    expect(feed.mutes(T0_MS)).toMatchObject([{ detector: 'card-declines', until: T0_MS + 60_000, incident: 'INC-1' }]);
    clock.advance(60_000);
    await expect.poll(() => feed.get('INC-1')?.mutedUntil).toBeNull();
    expect(manager.status().unresolved).toBe(1);
  });

  it('a second one that decides the same commands changes nothing for readers', async () => {
    await submit(settingsCommand());
    await submit(report(1, [episode(0, 0)]));
    const one = await startManager();
    await expect.poll(() => one.status().offset).toBe(1);
    const feed = await openFeed();
    const before = { list: feed.list(), timeline: feed.timeline('INC-1') };
    const repeated = (await changes()).map((change) => ({
      key: null,
      value: encode('incidents', change),
      timeMs: change.at,
    }));
    await log.append('incidents', repeated);
    await feed.caughtUp();
    expect({ list: feed.list(), timeline: feed.timeline('INC-1') }).toEqual(before);
    const restarted = await openFeed();
    expect({ list: restarted.list(), timeline: restarted.timeline('INC-1') }).toEqual(before);
  });
});

describe('the settings file', () => {
  const file = (...detectors: ReturnType<typeof detectorSettings>[]) => ({ general: GENERAL, detectors });

  it('is the first author; what is the same asks nothing; what is gone is removed', async () => {
    await startManager();
    const feed = await openFeed();
    const other = detectorSettings({ name: 'email-declines', per: 'email' });
    const first = await applyFileSettings({ feed, log, clock, file: file(detectorSettings(), other) });
    expect(first).toMatchObject({ changed: ['card-declines', 'email-declines'], kept: [], refused: [], pending: [] });
    const same = await applyFileSettings({ feed, log, clock, file: file(other, detectorSettings()) });
    expect(same).toEqual({ changed: [], removed: [], kept: [], refused: [], pending: [] });
    expect((await applyFileSettings({ feed, log, clock, file: file(other) })).removed).toEqual(['card-declines']);
    expect(feed.settings().map(({ rule }) => rule.detector)).toEqual(['email-declines']);
    expect(feed.settingsHistory('card-declines').map(({ rule }) => rule.settings === null)).toEqual([false, true]);
    expect(feed.general()).toEqual(GENERAL);
  });

  it('leaves what a person has set, by name, unless it is told to win', async () => {
    await startManager();
    const feed = await openFeed();
    await applyFileSettings({ feed, log, clock, file: file(detectorSettings()) });
    const tuned = detectorSettings({ thresholds: { warning: 4, critical: 8 } });
    expect(await ask(feed, settingsCommand(tuned, { basedOn: 1, why: 'too loud' }))).toMatchObject({ outcome: 'done' });
    const later = file(detectorSettings({ thresholds: { warning: 2, critical: 9 }, windowS: 300 }));
    const result = await applyFileSettings({ feed, log, clock, file: later });
    expect(result.kept).toMatchObject([{ field: 'thresholds.warning', inForce: 4, inFile: 2, by: ANA }]);
    expect(feed.settings()[0]?.rule.settings).toMatchObject({ thresholds: { warning: 4, critical: 9 }, windowS: 300 });
    const won = await applyFileSettings({ feed, log, clock, file: later, takeFile: true });
    expect(won).toMatchObject({ changed: ['card-declines'], kept: [] });
    expect(feed.settings()[0]?.rule.settings?.thresholds).toEqual({ warning: 2, critical: 9 });
    expect((await applyFileSettings({ feed, log, clock, file: later })).kept).toEqual([]);
  });
});
