// The month of fraud, from signed webhooks to the page: its figures are a plain sum over what was sent.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reportCommand } from '../../src/cli/report.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import type { Month } from '../../src/model/month.ts';
import { PLAYS } from '../../src/simulate/attacks.ts';
import { type Act, eventsOf, type Notice, type Try } from '../../src/simulate/events.ts';
import { ordinaryTraffic } from '../../src/simulate/ordinary.ts';
import { seededRandom } from '../../src/simulate/random.ts';
import { type Embedded, startEmbedded } from '../support/embedded-app.ts';
import { startLocalSheets } from '../support/local-sheets.ts';
import { runCommand } from '../unit/cli/run-command.ts';

const DETECTORS = `
detectors:
  - name: card-declines
    title: Declines on one card
    why: A test of reports.
    count: attempts
    where: outcome == "declined"
    per: card
    window: 10m
    quietFor: 20m
    thresholds: { warning: 3 }
`;

let embedded: Embedded;
beforeEach(async () => {
  embedded = await startEmbedded({ detectors: DETECTORS });
  vi.stubEnv('DECLINEWATCH_URL', embedded.app.consoleUrl);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await embedded.close();
});

/** Ordinary traffic, blocks, and a wave of warnings and disputes; all in one second. */
function acts(atS: number): readonly Act[] {
  const random = seededRandom(4);
  const all = [ordinaryTraffic(random), PLAYS['radar-blocks'].actor(random), PLAYS['dispute-wave'].actor(random)];
  return all.flatMap((actor, i) => Array.from({ length: i === 0 ? 60 : 20 }, () => actor(atS)));
}

const isTry = (act: Act): act is Try => 'card' in act;

function bruteForce(all: readonly Act[]) {
  const payments = all.filter(isTry).filter(({ kind }) => kind === 'payment');
  const of = (is: (result: string) => boolean) => {
    const own = payments.filter(({ result }) => is(result));
    const amount = own.reduce((sum, one) => sum + one.amount, 0);
    return { count: own.length, amounts: own.length === 0 ? {} : { usd: { count: own.length, amount } } };
  };
  const isBlock = (result: string): boolean => result.startsWith('blocked:');
  const notices = (kind: Notice['kind']) => all.filter((act) => act.kind === kind).length;
  return {
    payments: {
      all: of(() => true),
      succeeded: of((result) => result === 'approved'),
      declined: of((result) => result !== 'approved' && !isBlock(result)),
      blocked: of(isBlock),
    },
    disputes: notices('dispute'),
    warnings: notices('early_fraud_warning'),
    visa: payments.filter(({ card, result }) => result === 'approved' && card.brand === 'visa').length,
  };
}

describe('the month of fraud', () => {
  it('is what was sent, in the API, on the terminal and as a page', async () => {
    const atS = Math.floor(Date.now() / 1_000) - 30;
    const month = new Date(atS * 1_000).toISOString().slice(0, 7);
    const all = acts(atS);
    const random = seededRandom(5);
    for (const act of all)
      for (const event of eventsOf(act, random)) {
        expect(await embedded.post(event)).toBe(200);
        // Stripe sends some twice.
        if (random.next() < 0.2) expect(await embedded.post(event)).toBe(200);
      }
    const expected = bruteForce(all);
    expect(expected.payments.blocked.count).toBeGreaterThan(0);
    const { status, body } = await embedded.get(`/api/report?month=${month}`);
    expect(status).toBe(200);
    const [part, ...more] = (body as unknown as Month).scopes;
    expect(more).toEqual([]);
    expect(part).toMatchObject({
      scope: { account: null, livemode: false },
      partialDays: [],
      payments: expected.payments,
      proofs: { dispute: { count: expected.disputes }, early_fraud_warning: { count: expected.warnings } },
    });
    const warned = all.filter((act): act is Notice => act.kind === 'early_fraud_warning');
    const amount = warned.reduce((sum, one) => sum + one.amount, 0);
    expect(part?.proofs.early_fraud_warning.amounts).toEqual({ usd: { count: warned.length, amount } });
    expect(part?.estimates[0]).toMatchObject({ programme: 'VAMP', denominator: expected.visa, unknownBrand: 0 });
    expect(part?.estimates[1]).toMatchObject({ programme: 'ECM', denominator: null });

    const text = await runCommand(reportCommand, ['--month', month]);
    expect(text).toMatchObject({ code: 0 });
    expect(text.out).toContain(`disputes                ${expected.disputes}`);
    const json = await runCommand(reportCommand, ['--month', month, '--json']);
    expect(JSON.parse(json.out)).toEqual(body);
    const file = join(embedded.folder, 'month.html');
    expect(await runCommand(reportCommand, ['--month', month, '--html', file])).toMatchObject({ code: 0 });
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain(`<h1>Month of fraud ${month}</h1>`);
    const page = await fetch(`${embedded.app.consoleUrl}/months/${month}`);
    expect(page.status).toBe(200);
    const shown = await page.text();
    expect(shown).toContain(`<h1>Month of fraud ${month}</h1>`);
    expect(shown).toContain(`<dt><bdi>disputes</bdi></dt><dd><bdi>${expected.disputes}`);
    for (const none of ['2099-01', '2026-13', 'x'])
      expect((await fetch(`${embedded.app.consoleUrl}/months/${none}`)).status).toBe(404);
  });

  it('answers what else can be asked, and refuses what is no month', async () => {
    expect(await embedded.get('/api/grades')).toEqual({ status: 200, body: { grades: [], corrections: [] } });
    expect(await embedded.get('/api/missed')).toMatchObject({ status: 200, body: { missed: [] } });
    expect(await embedded.get('/api/report?month=2026-13')).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_request', details: [{ path: 'month' }] } },
    });
    expect(await runCommand(reportCommand, ['--month', 'October'])).toMatchObject({ code: 2 });
    const both = ['--json', '--html', join(embedded.folder, 'x.html')];
    expect(await runCommand(reportCommand, both)).toMatchObject({ code: 2 });
    const nowhere = join(embedded.folder, 'no', 'folder.html');
    expect((await runCommand(reportCommand, ['--html', nowhere])).err).toContain('could not be written');
  });
});

describe('a month that is over', () => {
  it('is a page in the data folder and a tab of the sheet, with the figures of the report', async () => {
    const google = await startLocalSheets();
    google.state.readsPerMinute = 10_000;
    google.state.writesPerMinute = 10_000;
    // The third of the next month, at noon. What waits a minute or an hour waits seconds; what must answer has its time.
    const today = new Date();
    const thirdMs = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1, 3, 12);
    const aheadMs = thirdMs - Date.now();
    const clock: Clock = {
      now: () => Date.now() + aheadMs,
      sleep: async (ms, signal) =>
        await systemClock.sleep(ms < 60_000 ? ms : ms < 3_600_000 ? ms / 20 : ms / 1_200, signal),
    };
    const own = await startEmbedded({ detectors: DETECTORS, env: google.env, clock });
    try {
      const lastDayS = Math.floor(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1, 0, 12) / 1_000);
      const month = new Date(lastDayS * 1_000).toISOString().slice(0, 7);
      const random = seededRandom(5);
      for (const event of acts(lastDayS).flatMap((act) => [...eventsOf(act, random)]))
        expect(await own.post(event)).toBe(200);
      const title = `Month ${month}`;
      await expect.poll(() => google.hands.titles(), { timeout: 60_000, interval: 100 }).toContain(title);
      const { body } = await own.get(`/api/report?month=${month}`);
      const [part] = (body as unknown as Month).scopes;
      expect(part?.payments.all.count).toBeGreaterThan(50);
      const { usd } = part?.payments.all.amounts ?? {};
      const { rows } = google.hands.tab(title);
      const values = rows
        .filter((cells) => cells[2]?.userEnteredValue?.stringValue === 'attempts')
        .map((cells) => [cells[0]?.userEnteredValue?.stringValue, cells[3]?.userEnteredValue?.numberValue]);
      expect(values).toEqual([
        ['own account (TEST)', part?.payments.all.count],
        ['own account (TEST)', (usd?.amount ?? 0) / 100],
      ]);
      const file = join(own.folder, 'data', `report-${month}.html`);
      await expect.poll(() => existsSync(file), { timeout: 60_000 }).toBe(true);
    } finally {
      await own.close();
      await google.close();
    }
  }, 150_000);
});
