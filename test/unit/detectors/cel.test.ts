import { describe, expect, it } from 'vitest';
import { attemptVariables, compileFilter, type FilterSubject, signalVariables } from '../../../src/detectors/cel.ts';
import type { Attempt } from '../../../src/model/attempt.ts';

const attempt = (fields: Attempt['fields'] = {}, facts: Partial<Attempt> = {}): Attempt => ({
  ...{ id: 'ch_1', account: null, livemode: true, kind: 'payment', time: 1, dunning: false },
  ...facts,
  fields: { result: { outcome: 'declined', code: 'stolen_card', class: 'F' }, amount: 499, currency: 'usd', ...fields },
});

function matches(expression: string, of: Attempt = attempt()): boolean {
  const compiled = compileFilter(expression, 'attempt', () => {
    throw new Error('a run-time error');
  });
  if ('problem' in compiled) throw new Error(compiled.problem);
  return compiled.filter(attemptVariables(of));
}

function problemOf(expression: string, subject: FilterSubject = 'attempt'): string | null {
  const compiled = compileFilter(expression, subject, () => undefined);
  return 'problem' in compiled ? compiled.problem : null;
}

describe('filters', () => {
  it.each([
    ['outcome == "declined" && code in ["stolen_card", "lost_card"]', true],
    ['class == "F" && !benign', true],
    ['amount < 500 && currency == "usd"', true],
    ['amount > 499', false],
    ['card == "" && customer == "" && email == "" && ip == "" && method == ""', true],
    ['brand == "" && funding == "" && country == "" && wallet == ""', true],
    ['kind == "payment" && livemode && !dunning', true],
    ['code.startsWith("stolen")', true],
    ['"shop" in metadata && metadata["shop"] == "north"', false],
  ])('%s is %s', (expression, expected) => expect(matches(expression)).toBe(expected));

  it('see what an attempt has', () => {
    const saved = attempt({ metadata: { shop: 'north' }, wallet: 'apple_pay' }, { kind: 'setup', dunning: true });
    expect(matches('metadata["shop"] == "north" && wallet == "apple_pay" && kind == "setup" && dunning', saved)).toBe(
      true,
    );
    const benign = attempt({ result: { outcome: 'declined', code: 'insufficient_funds', class: 'B' } });
    expect(matches('benign', benign)).toBe(true);
    expect(matches('outcome == "" && class == ""', { ...benign, fields: {} })).toBe(true);
  });

  it('of signals see the signal, its reason, and its charge', () => {
    const compiled = compileFilter(
      'signal == "dispute" && reason == "fraudulent" && amount >= 1 && card == "c" && email == ""',
      'signal',
      () => undefined,
    );
    const facts = { signal: 'dispute', reason: 'fraudulent', amount: 1, currency: 'usd', livemode: true } as const;
    const variables = signalVariables({ ...facts, card: 'c', customer: undefined, email: undefined });
    expect('filter' in compiled && compiled.filter(variables)).toBe(true);
  });

  it('are refused with a reason when they are wrong', () => {
    expect(problemOf('outcome == 1')).toMatch(/no such overload/);
    expect(problemOf('outcom == "declined"')).toMatch(/Unknown variable/);
    expect(problemOf('signal == "dispute"')).toMatch(/Unknown variable/);
    expect(problemOf('outcome == "x"', 'signal')).toMatch(/Unknown variable/);
    expect(problemOf('amount')).toBe('gives int, not true or false');
    expect(problemOf('outcome ==')).not.toBeNull();
    expect(problemOf('')).not.toBeNull();
    expect(problemOf('outcome == "declined"')).toBeNull();
  });

  it('are refused when they cost too much', () => {
    expect(problemOf(`outcome == "${'a'.repeat(4_000)}"`)).toMatch(/longer than 4000 characters/);
    const many = Array.from({ length: 300 }, () => 'livemode').join(' && ');
    expect(problemOf(many)).not.toBeNull();
    const list = `code in [${Array.from({ length: 201 }, (_, i) => `"${i}"`).join(',')}]`;
    expect(problemOf(list)).not.toBeNull();
    expect(problemOf(`${'('.repeat(60)}livemode${')'.repeat(60)} && ${'!'.repeat(60)}livemode`)).not.toBeNull();
  });

  it('do not match when they fail at run time, and say so each time', () => {
    let failures = 0;
    const compiled = compileFilter('metadata["shop"] == "north"', 'attempt', () => {
      failures += 1;
    });
    if ('problem' in compiled) throw new Error(compiled.problem);
    expect(compiled.filter(attemptVariables(attempt()))).toBe(false);
    expect(compiled.filter(attemptVariables(attempt({ metadata: { shop: 'north' } })))).toBe(true);
    expect(failures).toBe(1);
  });

  it('of detectors that share an expression are evaluated once for a subject, and fail for each of them', () => {
    const expression = 'metadata["branch"] == "south"';
    const failures = [0, 0];
    const filters = failures.map((_, i) => {
      const compiled = compileFilter(expression, 'attempt', () => {
        failures[i] = (failures[i] ?? 0) + 1;
      });
      if ('problem' in compiled) throw new Error(compiled.problem);
      return compiled.filter;
    });
    let asked = 0;
    const metadata = { shop: 'x' };
    const variables = (found: Record<string, string>) =>
      Object.defineProperty({}, 'metadata', {
        get: () => {
          asked += 1;
          return found;
        },
      });
    const [bad, good] = [variables(metadata), variables({ branch: 'south' })];
    expect(filters.map((filter) => filter(bad))).toEqual([false, false]);
    const once = asked;
    expect(filters.map((filter) => filter(good))).toEqual([true, true]);
    expect([once > 0, asked]).toEqual([true, once * 2]);
    expect(filters.map((filter) => filter(bad))).toEqual([false, false]);
    expect(failures).toEqual([2, 2]);
  });

  it('give one line for a problem', () => {
    expect(problemOf('outcome == \n\n 1 +')).not.toContain('\n');
  });
});
