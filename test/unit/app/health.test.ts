import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NoticesStatus } from '../../../src/alerts/notices.ts';
import { healthOf } from '../../../src/app/health.ts';
import { createMemoryStore } from '../../../src/detectors/stores/memory.ts';
import type { SweepStatus } from '../../../src/erasure/sweep.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

let temp: TempLog;
beforeEach(async () => {
  temp = await openTempLog();
});
afterEach(async () => await temp.close());

describe('the health of what Slack tells beside incidents', () => {
  const failed: NoticesStatus['failed'][number] = {
    output: 'slack',
    subject: 'month',
    slot: 'card',
    state: 'failed',
    version: 202_610,
    at: 1,
    place: null,
    error: 'is_archived: channel C1 is archived.',
    tries: 1,
  };

  it.each<[string, NoticesStatus, string, string]>([
    ['nothing waits', { waiting: 0, lastError: null, failed: [] }, 'fine', '0 wait(s)'],
    [
      'Slack is away',
      { waiting: 2, lastError: { at: 1, message: 'Slack answered HTTP 500' }, failed: [] },
      'degraded',
      'Slack answered HTTP 500 2 wait(s).',
    ],
    [
      'one was refused',
      { waiting: 0, lastError: null, failed: [failed] },
      'degraded',
      '1 could not be told within the last day: is_archived: channel C1 is archived.',
    ],
  ])('when %s', async (_, notices, state, message) => {
    const sources = { log: temp.log, store: createMemoryStore(), deliveries: [], notices: () => notices };
    const { parts, ready } = await healthOf(sources);
    expect(parts.find(({ name }) => name === 'slack notices')).toMatchObject({ state, message });
    // Events are taken and alerts told all the same.
    expect(ready).toBe(true);
  });
});

describe('the health of the buttons in Slack', () => {
  const up = { mode: 'socket', state: 'running', connections: 2, restarts: 0, lastError: null } as const;

  it.each([
    [
      null,
      '2 connections, none was pressed since the start: press one to see that Interactivity is on (docs/slack.md)',
    ],
    [Date.UTC(2026, 9, 1, 12, 3), '2 connections, last pressed 2026-10-01 12:03:00 UTC'],
  ])('says when one was last pressed: %s', async (pressedAt, message) => {
    const slackInbound = () => ({ ...up, pressedAt });
    const { parts } = await healthOf({ log: temp.log, store: createMemoryStore(), deliveries: [], slackInbound });
    expect(parts.find(({ name }) => name === 'slack buttons')).toMatchObject({ state: 'fine', message });
  });
});

describe('the health of erasing', () => {
  const store = createMemoryStore();
  const partOf = async (status?: SweepStatus) => {
    const sources = status === undefined ? {} : { erasing: () => status };
    const { ready, parts } = await healthOf({ log: temp.log, store, deliveries: [], ...sources });
    return { ready, part: parts.find(({ name }) => name === 'erasing') };
  };

  it('is told of while there is something to tell, and makes nothing unready', async () => {
    const idle = { done: 3, running: null, problem: null };
    expect((await partOf()).part).toBeUndefined();
    expect((await partOf(idle)).part).toBeUndefined();
    const running = { topic: 'attempts', records: 5, of: 10 } as const;
    expect((await partOf({ ...idle, running })).part).toMatchObject({
      state: 'fine',
      message: 'somebody is taken out of attempts, 5 of 10 records',
    });
    const waiting = await partOf({ ...idle, problem: 'the disk is full' });
    expect(waiting).toMatchObject({
      ready: true,
      part: { state: 'degraded', message: 'An erase waits: the disk is full.' },
    });
  });
});
