import { describe, expect, it } from 'vitest';
import { backfillCommand, followBackfill, progressLine } from '../../../src/cli/backfill.ts';
import type { CommandContext } from '../../../src/cli/command.ts';
import { type BackfillStatus, IDLE } from '../../../src/ingest/backfill-progress.ts';
import { AppError } from '../../../src/model/errors.ts';
import { eagerClock } from '../../support/local-stripe.ts';

const running: BackfillStatus = {
  ...IDLE,
  state: 'running',
  fraction: 0.5,
  events: 1_200,
  eventsPerSecond: 430.4,
  requestsPerSecond: 5,
  reachedAt: '2026-11-10T08:30:00.000Z',
};
const done: BackfillStatus = {
  ...running,
  state: 'done',
  fraction: 1,
  events: 2_400,
  counted: 2_000,
  requests: 26,
  readBudgetUsed: 0.0026,
};

function terminal(values: CommandContext['values'], isTTY = false) {
  let out = '';
  const stdout = { isTTY, write: (text: string) => (out += text) };
  let told = '';
  const stderr = { write: (text: string) => (told += text) };
  return { context: { values, positionals: [], stdout, stderr }, out: () => out, told: () => told };
}

/** A service that answers with these, one after the other. */
function service(...answers: (BackfillStatus | AppError)[]) {
  const asked: unknown[] = [];
  const next = (what: unknown): unknown => {
    asked.push(what);
    const answer = answers.shift();
    if (answer instanceof AppError) throw answer;
    return { backfill: answer };
  };
  return {
    asked,
    get: async (path: string) => next(path),
    post: async (path: string, body: object) => next([path, body]),
  };
}

const body = { since: '30d' };
const clock = eagerClock();

describe('backfill', () => {
  it('starts one and shows it to its end', async () => {
    const api = service(running, done);
    const { context, out } = terminal({}, true);
    expect(await followBackfill(api, context, { body, clock })).toBe(0);
    expect(api.asked).toEqual([['/api/backfill', body], '/api/backfill']);
    expect(out()).toContain('[############............]  50 %  2026-11-10 08:30  1200 events  430/s  5 requests/s');
    expect(out()).toContain('2400 events taken, 2000 of them attempts or signals; 26 reads (0.3 % of the 10,000');
    expect(out().split('\n')).toHaveLength(3);
  });

  it('writes lines of JSON', async () => {
    const { context, out } = terminal({ json: true }, true);
    await followBackfill(service(running, done), context, { body, clock });
    const lines = out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ backfill }) => backfill.state)).toEqual(['running', 'done']);
  });

  it('joins one that runs', async () => {
    const api = service(new AppError('backfill_running', 'A backfill runs already.'), running, done);
    const { context, told } = terminal({});
    expect(await followBackfill(api, context, { body, clock })).toBe(0);
    expect(told()).toContain('runs already');
  });

  it('fails with the reason and the cure, and says that it can go on', async () => {
    const error = { code: 'stripe_forbidden', message: 'lacks rak_charge_read', help: 'Give it.', details: [] };
    const api = service(running, { ...running, state: 'failed', error });
    const { context } = terminal({});
    await expect(followBackfill(api, context, { body, clock })).rejects.toMatchObject({
      code: 'stripe_forbidden',
      help: 'Give it. What was taken stays; the same command goes on from there.',
    });
  });

  it('ends with 1 when the service stops meanwhile', async () => {
    const { context } = terminal({});
    expect(await followBackfill(service(running, { ...running, state: 'stopped' }), context, { body, clock })).toBe(1);
  });

  it.each([
    [{}, /--since/],
    [{ since: '40d' }, /at most 30d/],
    [{ since: '1d', account: ['mine'] }, /--account takes/],
  ])('%j is wrong usage', async (values, message) => {
    await expect(backfillCommand.run(terminal(values).context)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(message),
    });
  });
});

describe('the line of progress', () => {
  const now = Date.parse('2026-11-26T10:00:00Z');
  it('says when it ends', () => {
    const at = (ms: number) => progressLine({ ...running, expectedEndAt: new Date(now + ms).toISOString() }, now);
    expect(at(42_000)).toMatch(/ends in 42 s$/);
    expect(at(600_000)).toMatch(/ends in 10 min$/);
    expect(at(9_000_000)).toMatch(/ends in 2\.5 h$/);
  });

  it('says what it waits for, and whose account is at work', () => {
    const waiting = { code: 'stripe_rate_limited', message: 'too many requests', until: '2026-11-26T10:00:04.000Z' };
    const line = progressLine({ ...running, waiting, account: 'acct_1', requestsPerSecond: 1.25 }, now);
    expect(line).toContain('acct_1');
    expect(line).toContain('1.25 requests/s');
    expect(line).toMatch(/waits: too many requests$/);
  });
});
