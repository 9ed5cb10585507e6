import { describe, expect, it } from 'vitest';
import { eraseCommand, followErase, linesOf, progressLine } from '../../../src/cli/erase.ts';
import type { EraseStatus } from '../../../src/model/erase-status.ts';
import { AppError } from '../../../src/model/errors.ts';
import { sampleErase as status } from '../../support/erase-status.ts';
import { runCommand } from './run-command.ts';

const output = () => {
  const parts: string[] = [];
  return { write: (text: string): void => void parts.push(text), text: () => parts.join('') };
};

async function follow(answers: readonly EraseStatus[], json = false) {
  const left = [...answers];
  const asked: string[] = [];
  const next = (): { erase: EraseStatus } => ({ erase: left.shift() ?? status() });
  const api = {
    post: async (path: string) => {
      asked.push(`POST ${path}`);
      return next();
    },
    get: async (path: string) => {
      asked.push(`GET ${path}`);
      return next();
    },
  };
  const [stdout, stderr] = [output(), output()];
  const clock = { now: () => 0, sleep: async () => undefined };
  const context = { stdout, stderr, values: { json }, positionals: [] };
  const code = await followErase(api, context, { body: { dryRun: false, customer: 'cus_1' }, clock });
  return { code, out: stdout.text(), asked };
}

describe('erase', () => {
  it.each([
    [[], 'one of --customer, --email and --card'],
    [['--customer', 'cus_1', '--card', 'fp', '--yes'], 'one of --customer, --email and --card'],
    [['--customer', 'cus_1'], '--yes to do it, or --dry-run'],
    [['--customer', 'cus_1', '--yes', '--dry-run'], '--yes to do it, or --dry-run'],
    [['cus_1', '--yes'], 'options only'],
  ])('%j is wrong usage', async (args, message) => {
    const { code, out, err } = await runCommand(eraseCommand, args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });

  it('stays until it has ended, and says what was taken out and what follows', async () => {
    const looking = status({ state: 'looking', found: null, progress: { what: 'attempts', records: 5, of: 10 } });
    const { code, out, asked } = await follow([looking, looking, status({ outstanding: { messages: 1, rows: 1 } })]);
    expect(code).toBe(0);
    expect(asked).toEqual(['POST /api/erase', 'GET /api/erase?id=job', 'GET /api/erase?id=job']);
    expect(out).toBe(
      [
        'Taken out: 1 customer, 2 e-mails, 1 value of metadata.user.',
        '  attempts   12',
        '  incidents  INC-7, INC-2',
        '  told in    2 Slack messages, 1 row',
        '  totals     0 days',
        '  events     13, 1 dead letter among them',
        '2 messages and rows are told anew by the service, as Slack and Google allow.',
        '',
      ].join('\n'),
    );
    expect(JSON.parse((await follow([status()], true)).out)).toEqual({ erase: status() });
  });

  it('says that nothing is known, and that nothing was changed', () => {
    const nobody = { ...status().found, isKnown: false } as EraseStatus['found'];
    expect(linesOf(status({ found: nobody, by: 'email' }))).toEqual(['Nothing is known of this e-mail.']);
    expect(linesOf(status({ dryRun: true })).at(0)).toContain('Would take out: ');
    expect(linesOf(status({ dryRun: true })).at(-1)).toContain('Nothing was changed.');
    const many = Array.from({ length: 25 }, (_, i) => `INC-${i}`);
    const facts = { ...status().found, incidents: many } as EraseStatus['found'];
    expect(linesOf(status({ found: facts }))[2]).toMatch(/INC-19 and 5 more$/);
  });

  it('says how far it is', () => {
    const progress = { what: 'stripe-events', records: 41, of: 100 };
    expect(progressLine(status({ state: 'redacting', progress }))).toBe('takes them out: stripe-events 41 %');
    expect(progressLine(status({ state: 'waiting' }))).toBe('waits for another erase');
    expect(progressLine(status({ state: 'looking', progress: { ...progress, of: 0 } }))).toContain('100 %');
  });

  it('fails with the code and the cure of what went wrong', async () => {
    const error = { code: 'too_large', message: 'Too many.', help: 'Fewer.' } as const;
    const failed = follow([status({ state: 'failed', error })]);
    await expect(failed).rejects.toBeInstanceOf(AppError);
    await expect(failed).rejects.toMatchObject({ code: 'too_large', message: 'Too many.', help: 'Fewer.' });
  });
});
