// The month of fraud is told on the first of the next one, once; posts are counted at the server.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Month, MonthOfScope } from '../../src/model/month.ts';
import { monthOf } from '../../src/tuning/month.ts';
import { eventually } from '../support/eventually.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { sampleIncident } from '../support/sample-incident.ts';
import { type FlowOptions, type SlackFlow, startSlackFlow } from '../support/slack-flow.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const HOUR = 3_600_000;

let slack: LocalSlack;
let temp: TempLog;
let clock: HandClock;
const flows: SlackFlow[] = [];

/** The first of a month, at six: the month before is over then. Months ago: behind Slack's own clock. */
const firstOf = (monthsAgo: number): number => {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - monthsAgo, 1, 6);
};
const first = (): number => firstOf(3);
const over = (monthsAgo = 3): string => new Date(firstOf(monthsAgo) - 24 * HOUR).toISOString().slice(0, 7);

beforeEach(async () => {
  slack = await startLocalSlack();
  clock = handClock(first() - HOUR);
  temp = await openTempLog(clock);
});

afterEach(async () => {
  for (const flow of flows.splice(0).reverse()) await flow.close();
  await temp.close();
  await slack.close();
});

/** Moves the clock on, a second at a time, until it is so. */
async function movedUntil(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  await eventually(
    async () => {
      if (await isSo()) return true;
      clock.advance(1_000);
      return false;
    },
    { what, withinMs: 40_000, everyMs: 5 },
  );
}

/** As the reports make it, of two incidents. */
function monthOfIncidents(month: string, livemode = true): Month {
  const incidents = [1, 2].map((n) => sampleIncident({ id: `INC-${n}`, livemode }));
  return monthOf({ month, days: [], incidents, corrections: new Map() });
}

async function start(options: FlowOptions): Promise<SlackFlow> {
  const flow = await startSlackFlow(slack, temp, { mode: 'socket', clock, ...options });
  flows.push(flow);
  return flow;
}

const texts = async (channel = slack.channels.alerts) => (await slack.messages(channel)).map(({ text }) => text);
const posts = () => slack.calls('chat.postMessage').length;

describe('the month of fraud', { timeout: 90_000 }, () => {
  it('is told once, after a lost answer and a restart, and the next one in its turn', async () => {
    let month: string | null = null;
    const reports: string[] = [];
    const months = {
      over: () => month,
      report: async (asked: string): Promise<Month> => {
        reports.push(asked);
        if (reports.length === 1) throw new Error('the log is away');
        return monthOfIncidents(asked);
      },
    };
    slack.fault({ method: 'chat.postMessage', kind: 'lost', times: 1 });
    const flow = await start({ months });
    await movedUntil('a while has passed', () => clock.now() > first() - HOUR + 30_000);
    expect(posts()).toBe(0);
    clock.advance(HOUR);
    month = over();
    await movedUntil('told', async () => (await texts()).length === 1);
    expect((await texts())[0]).toContain(`Month of fraud ${over()}\nown account\n`);
    expect((await texts())[0]).toContain('Alerts: 2 (2 CRITICAL); 2 without a verdict');
    await movedUntil('recorded', () => flow.slack.status().notices.waiting === 0);
    await flow.close();
    flows.pop();
    const read = reports.length;
    const again = await start({ months });
    const until = clock.now() + 2 * 60_000;
    await movedUntil('a while has passed', () => clock.now() > until);
    expect(again.slack.status().notices).toMatchObject({ waiting: 0, lastError: null });
    expect([posts(), reports.length]).toEqual([1, read]);
    clock.advance(firstOf(2) - clock.now());
    month = over(2);
    await movedUntil('the next one is told', async () => (await texts()).length === 2);
    expect((await texts())[1]).toContain(`Month of fraud ${over(2)}`);
  });

  it('of which nothing is known, or that was over long ago, is not told', async () => {
    const asked: string[] = [];
    const months = {
      over: () => over(),
      report: async (month: string): Promise<Month> => {
        asked.push(month);
        return { month, scopes: [] as readonly MonthOfScope[] };
      },
    };
    const flow = await start({ months });
    await movedUntil('read', () => asked.length === 1);
    const until = clock.now() + 60_000;
    await movedUntil('a while has passed', () => clock.now() > until);
    await flow.close();
    flows.pop();
    clock.advance(5 * 24 * HOUR);
    const later = { over: () => over(), report: async (month: string) => monthOfIncidents(month) };
    const again = await start({ months: later });
    const end = clock.now() + 60_000;
    await movedUntil('a while has passed', () => clock.now() > end);
    expect(again.slack.status().notices.waiting).toBe(0);
    expect(posts()).toBe(0);
  });
});
