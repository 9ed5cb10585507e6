// What cannot be handled is kept with the reason and never stops the stream; a person lists, retries and drops it over the
// real API and the real command.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deadLettersCommand } from '../../src/cli/dead-letters.ts';
import { encode } from '../../src/log/codec.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import { type Embedded, startEmbedded } from '../support/embedded-app.ts';
import { eventually } from '../support/eventually.ts';
import { failedCharge } from '../support/local-stripe.ts';
import { runCommand } from '../unit/cli/run-command.ts';

const DETECTORS = `
settle: 0s
detectors:
  - name: card-declines
    title: Declines on one card
    why: A test of dead letters.
    count: attempts
    where: outcome == "declined"
    per: card
    window: 10m
    quietFor: 20m
    thresholds: { warning: 3 }
`;

type Letter = { readonly id: string; readonly source: string; readonly reason: string; readonly tries: number };

let embedded: Embedded;
let aheadMs = 0;
const clock: Clock = { now: () => Date.now() + aheadMs, sleep: systemClock.sleep };

beforeEach(async () => {
  aheadMs = 0;
  embedded = await startEmbedded({ detectors: DETECTORS, clock });
  vi.stubEnv('DECLINEWATCH_URL', embedded.app.consoleUrl);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await embedded.close();
});

const nowS = (): number => Math.floor(clock.now() / 1000);

/** All on one card. */
function declined(id: string, createdS: number): object {
  const card = { fingerprint: 'fp_of_all', brand: 'visa', last4: '0002' };
  const details = { payment_method_details: { type: 'card', card }, billing_details: { email: 'ana@shop.example' } };
  return failedCharge(id, createdS, details).event;
}

async function letters(): Promise<readonly Letter[]> {
  const { status, body } = await embedded.get('/api/dead-letters');
  expect(status).toBe(200);
  return body.deadLetters as readonly Letter[];
}

const waitFor = async (count: number): Promise<readonly Letter[]> =>
  await eventually(
    async () => {
      const found = await letters();
      return found.length === count && found;
    },
    { what: `${count} dead letters`, withinMs: 20_000, told: letters },
  );

const incidents = async (): Promise<readonly unknown[]> =>
  (await embedded.get('/api/incidents')).body.incidents as readonly unknown[];

/** One by each door. */
async function poison(): Promise<void> {
  await embedded.log.append('attempts', [{ key: 'self/live', value: '[1,0,"no time"', timeMs: clock.now() }]);
  await embedded.log.append('commands', [{ key: null, value: encode('commands', { id: 'x' }), timeMs: clock.now() }]);
  expect(await embedded.post({ id: 'evt_thin', object: 'v2.core.event', type: 'v1.charge.failed' })).toBe(200);
}

describe('dead letters', () => {
  it('never stop the stream: what comes after a poisoned record is counted, opened and shown', async () => {
    await poison();
    for (const n of [1, 2, 3]) expect(await embedded.post(declined(`after${n}`, nowS()))).toBe(200);
    await eventually(async () => (await incidents()).length === 1, { what: 'the incident', withinMs: 20_000 });
    const found = await waitFor(3);
    expect(found.map(({ source }) => source).sort()).toEqual(['attempts', 'commands', 'stripe-events']);
    const { body } = await embedded.get('/api/status');
    expect(body.parts).toContainEqual(expect.objectContaining({ name: 'dead letters', state: 'degraded' }));
  });

  it('that are as bad as before say so and go on waiting; what is dropped is listed no more', async () => {
    await poison();
    const found = await waitFor(3);
    const retried = await embedded.ask('/api/dead-letters', { action: 'retry', ids: found.map(({ id }) => id) });
    expect(retried.status).toBe(200);
    expect((retried.body.results as { outcome: string }[]).map(({ outcome }) => outcome)).toEqual(
      Array(3).fill('still_dead'),
    );
    expect((await letters()).map(({ tries }) => tries)).toEqual([2, 2, 2]);
    const [first, ...rest] = found.map(({ id }) => id);
    const { code, out } = await runCommand(deadLettersCommand, ['drop', first ?? '']);
    expect([code, out]).toEqual([0, `${first}  dropped\n2 dead letters waiting\n`]);
    expect((await letters()).map(({ id }) => id).sort()).toEqual(rest.sort());
    // It is recorded: who reads the log anew sees the same.
    const settled = (await embedded.records('dead-letters')).filter(({ value }) => value.includes('"settled"'));
    expect(settled.map(({ key }) => key)).toEqual([first]);
    expect(settled[0]?.value).toContain('"how":"dropped"');
    const again = await embedded.ask('/api/dead-letters', { action: 'drop', ids: [first] });
    expect(again.status).toBe(404);
  });

  it('that have become good go through the same door, once, and are counted', async () => {
    const soonS = nowS() + 600;
    for (const n of [1, 2, 3]) expect(await embedded.post(declined(`ahead${n}`, soonS))).toBe(200);
    const found = await waitFor(3);
    expect(new Set(found.map(({ reason }) => reason))).toEqual(new Set(['dated_ahead']));
    expect(await embedded.records('attempts')).not.toContainEqual(
      expect.objectContaining({ value: expect.stringContaining('ch_ahead') }),
    );
    aheadMs = 660_000;
    const { code, out } = await runCommand(deadLettersCommand, ['retry', '--all', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      results: found.map(({ id }) => ({ id, outcome: 'retried', message: 'view' })),
      waiting: 0,
    });
    await eventually(async () => (await incidents()).length === 1, { what: 'the incident', withinMs: 20_000 });
    expect(await letters()).toEqual([]);
    expect(await incidents()).toEqual([expect.objectContaining({ attemptCount: 3, peak: 3 })]);
  });

  it('are shown one by one without a person’s data', async () => {
    expect(await embedded.post(declined('shown', nowS() + 600))).toBe(200);
    const [letter] = await waitFor(1);
    const { body } = await embedded.get(`/api/dead-letters?id=${encodeURIComponent(letter?.id ?? '')}`);
    expect(body).toMatchObject({
      deadLetter: { id: letter?.id, subject: 'evt_shown' },
      record: { type: 'charge.failed' },
    });
    const { out } = await runCommand(deadLettersCommand, ['show', letter?.id ?? '']);
    expect(out).toContain('dated_ahead  evt_shown  tried 1 time');
    expect(JSON.stringify(body) + out).not.toContain('@');
    expect((await runCommand(deadLettersCommand, ['list', '--source', 'attempts'])).out).toBe(
      '1 dead letter waiting\n',
    );
  });

  it('of a request that is not understood nothing is done', async () => {
    await poison();
    await waitFor(3);
    for (const body of [
      {},
      { action: 'burn', all: true },
      { action: 'drop', ids: [] },
      { action: 'drop', all: true, ids: ['x'] },
    ])
      expect((await embedded.ask('/api/dead-letters', body)).status).toBe(400);
    expect((await embedded.get('/api/dead-letters?colour=red')).status).toBe(400);
    expect((await embedded.get('/api/dead-letters?limit=0')).status).toBe(400);
    expect((await runCommand(deadLettersCommand, ['drop'])).code).toBe(2);
    expect((await runCommand(deadLettersCommand, ['burn', 'x'])).code).toBe(2);
    expect(await letters()).toHaveLength(3);
  });
});
