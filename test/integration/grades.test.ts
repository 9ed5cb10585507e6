// A bank speaks weeks after a person did: the grade is corrected, and the incident says so once, however often the job runs.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGrades } from '../../src/app/report-operations.ts';
import { encodeAttemptsRecord } from '../../src/attempts/wire.ts';
import { submitCommand } from '../../src/feed/submit.ts';
import type { SignalView } from '../../src/model/attempt.ts';
import { type GradesJob, startGradesJob } from '../../src/tuning/grades-job.ts';
import { gradesReport } from '../../src/tuning/month-report.ts';
import { ANA } from '../support/decider.ts';
import { append, START_S } from '../support/detect.ts';
import { DAY_S, type Lanes, openLanes, PII_KEY, received } from '../support/lanes.ts';

let lanes: Lanes;
const jobs: GradesJob[] = [];
beforeEach(async () => {
  lanes = await openLanes();
});
afterEach(async () => {
  for (const job of jobs.splice(0)) await job.close();
  await lanes.close();
});

const parts = () => ({ ...lanes, piiKey: PII_KEY });

function job(more: { monthEnded?: (month: string) => Promise<void> } = {}): GradesJob {
  const started = startGradesJob({
    ...parts(),
    logger: pino({ level: 'silent' }),
    everyMs: 400 * DAY_S * 1_000,
    ...more,
  });
  jobs.push(started);
  return started;
}

async function tell(id: string, charge: string, atS: number): Promise<void> {
  const warning: SignalView = {
    record: 'signal',
    account: null,
    livemode: true,
    signal: 'early_fraud_warning',
    id,
    charge,
    reason: 'made_with_stolen_card',
    event: `evt_${id}`,
    created: atS,
    time: atS,
    receivedAt: atS * 1_000,
    lane: 'live',
  };
  const value = encodeAttemptsRecord(warning);
  await lanes.log.append('attempts', [{ key: 'self/live', value, timeMs: atS * 1_000, partition: 0 }]);
}

/** Four declines on one card, then a payment that goes through; a person takes it for a customer in trouble. */
async function judged(): Promise<string> {
  const at = (i: number): number => START_S + 10 * i;
  const declines = [0, 1, 2, 3].map((i) => received(`ch_${i}`, at(i), at(i), { card: 'c1' }));
  const result = { outcome: 'succeeded', code: '', class: '' } as const;
  await append(
    lanes.log,
    ...declines,
    received('ch_paid', at(5), at(5), { card: 'c1', result, amount: 9_900, currency: 'usd' }),
  );
  await lanes.settled();
  const [incident] = lanes.standing();
  if (incident === undefined) throw new Error('no incident was opened');
  const body = { type: 'resolve', incident: incident.id, verdict: 'customer_trouble', note: '' } as const;
  const { id } = await submitCommand(lanes, { actor: ANA, body });
  expect((await lanes.feed.waitForCommand(id, 10_000))?.refusal).toBeNull();
  return incident.id;
}

const notesOf = (id: string): readonly string[] =>
  lanes.feed.timeline(id).flatMap(({ type, data }) => (type === 'noted' ? [String(data.note)] : []));

describe('grades', () => {
  it('are corrected by what a bank says later, and noted exactly once', async () => {
    const id = await judged();
    expect((await gradesReport(parts())).grades).toMatchObject([{ detector: 'card-declines', fraud: 0, graded: 1 }]);
    await tell('issfr_1', 'ch_paid', START_S + 20 * DAY_S);
    const first = job();
    expect(await first.runNow()).toEqual({ notes: 1 });
    expect(await first.runNow()).toEqual({ notes: 0 });
    await tell('issfr_1', 'ch_paid', START_S + 21 * DAY_S);
    // Another process, which knows nothing of the first.
    expect(await job().runNow()).toEqual({ notes: 0 });
    expect(notesOf(id)).toEqual([
      expect.stringMatching(
        /^A payment made with the same details at that time \(ch_paid\) of 99\.00 USD was reported as fraud by its bank .* You said a customer in trouble; it counts as fraud now\.$/,
      ),
    ]);
    const report = await gradesReport(parts());
    expect(report.grades).toMatchObject([{ fraud: 1, graded: 1, corrected: 1, precision: { value: 1 } }]);
    expect(report.corrections).toMatchObject([{ incident: id, verdict: 'customer_trouble', isFraud: true }]);
  });

  it('are noted once although two processes run at the same time', async () => {
    const id = await judged();
    await tell('issfr_1', 'ch_paid', START_S + 20 * DAY_S);
    await Promise.all([job().runNow(), job().runNow(), job().runNow()]);
    await lanes.feed.caughtUp();
    expect(notesOf(id)).toHaveLength(1);
  });

  it('know by its members an episode that is over', async () => {
    const id = await judged();
    // The quiet gap passes: the members are written.
    lanes.clock.advance(7_200_000);
    const laterS = Math.floor(lanes.clock.now() / 1_000);
    await append(lanes.log, received('ch_later', laterS, laterS, { card: 'another' }));
    await lanes.settled();
    await expect.poll(async () => (await lanes.log.ends('members'))[0]?.next).toBeGreaterThan(0);
    await tell('issfr_2', 'ch_2', START_S + 30 * DAY_S);
    expect(await job().runNow()).toEqual({ notes: 1 });
    expect(notesOf(id)).toEqual([expect.stringContaining('A payment of this incident (ch_2)')]);
  });

  it('leave an incident alone that nobody spoke of, and are told of the month that is over', async () => {
    const id = await judged();
    const told: string[] = [];
    const started = job({ monthEnded: async (month) => void told.push(month) });
    expect(await started.runNow()).toEqual({ notes: 0 });
    expect(notesOf(id)).toEqual([]);
    expect(told).toEqual([]);
    await started.runNow();
    expect(told).toEqual([expect.stringMatching(/^\d{4}-\d{2}$/)]);
  });

  it('tell no month to which something still comes, but for a day at most', async () => {
    const told: string[] = [];
    const started = job({ monthEnded: async (month) => void told.push(month) });
    const grow = async (id: string): Promise<void> => {
      const before = Date.UTC(2026, 11, 20) / 1_000;
      await append(lanes.log, received(id, before, START_S, { card: id }));
      await started.runNow();
    };
    await grow('ch_1');
    await grow('ch_2');
    expect(told).toEqual([]);
    await started.runNow();
    expect(told).toEqual(['2026-12']);
    await grow('ch_3');
    expect(told).toHaveLength(1);
    for (let run = 5; run <= 24; run += 1) await grow(`ch_${run}`);
    expect(told).toHaveLength(1);
    await grow('ch_last');
    expect(told).toHaveLength(2);
  });

  it('write the page of the month that is over, once, and none of a month of which nothing is known', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'declinewatch-report-'));
    const logger = pino({ level: 'silent' });
    const started = startGrades({ ...parts(), logger, dataFolder, everyMs: 400 * DAY_S * 1_000 });
    jobs.push(started);
    try {
      await started.runNow();
      expect(readdirSync(dataFolder)).toEqual([]);
      const before = Date.UTC(2026, 11, 20) / 1_000;
      await append(lanes.log, received('ch_of_december', before, START_S, { amount: 4_200, currency: 'usd' }));
      await started.runNow();
      await started.runNow();
      expect(readdirSync(dataFolder)).toEqual(['report-2026-12.html']);
      const file = join(dataFolder, 'report-2026-12.html');
      expect(readFileSync(file, 'utf8')).toContain('<td>1, 42.00 USD</td>');
      writeFileSync(file, 'as somebody keeps it');
      await started.runNow();
      expect(readFileSync(file, 'utf8')).toBe('as somebody keeps it');
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });
});
