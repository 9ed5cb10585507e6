// What the API may be asked, and what it says to everything else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/model/errors.ts';
import { readVerifyQuestion, readWhatIfQuestion, readWhyQuestion } from '../../../src/tuning/questions.ts';
import { rule } from '../../support/detect.ts';

const why = (query: string) => readWhyQuestion(new URLSearchParams(query));
const context = {
  nowMs: 1_000_000_000_000,
  feed: {
    settings: () => [
      {
        rule: rule(),
        general: { latenessMs: 1, metadata: { ip: null, keys: [] } },
        position: { offset: 0, index: 0 },
        at: 0,
        actor: { kind: 'file', id: '', name: '' } as const,
        why: '',
      },
    ],
    general: () => ({ latenessMs: 259_200_000, metadata: { ip: null, keys: [] } }),
  },
};
const whatIf = (body: unknown) => readWhatIfQuestion(body, context);
const code = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.help).not.toBe('');
    return error.code;
  }
};

describe('questions', () => {
  it('about an entity or an attempt', () => {
    expect(why('entity=card:fp_1')).toEqual({ entity: { kind: 'card', value: 'fp_1' } });
    expect(why('entity=email:Jane@Example.com')).toEqual({ entity: { kind: 'email', value: 'jane@example.com' } });
    expect(why('entity=ip:2001:db8::/64')).toEqual({ entity: { kind: 'ip', value: '2001:db8::/64' } });
    expect(why('entity=metadata.plan:gold')).toEqual({ entity: { kind: 'metadata.plan', value: 'gold' } });
    expect(why('attempt=ch_1')).toEqual({ attempt: 'ch_1' });
    for (const query of [
      '',
      'entity=fp_1',
      'entity=card:',
      'entity=phone:1',
      'entity=card:a&attempt=ch_1',
      'x=1',
      'attempt=',
    ])
      expect([query, code(() => why(query))]).toEqual([query, 'invalid_request']);
  });

  it('about the incidents', () => {
    expect(readVerifyQuestion({})).toEqual({ sinceMs: 7 * 86_400_000 });
    expect(readVerifyQuestion({ since: '2h', rounds: 5 })).toEqual({ sinceMs: 7_200_000, rounds: 5 });
    for (const body of [null, [], 'x', { since: '7' }, { since: '0s' }, { rounds: -1 }, { rounds: 1.5 }, { more: 1 }])
      expect([body, code(() => readVerifyQuestion(body))]).toEqual([body, 'invalid_request']);
  });

  it('about a change', () => {
    const asked = whatIf({ detector: 'card-declines', set: { thresholds: { warning: 4 } }, since: '1d' });
    expect(asked).toMatchObject({ detector: 'card-declines', sinceMs: 1_000_000_000_000 - 86_400_000, curve: false });
    expect(asked.settings).toMatchObject({ thresholds: { warning: 4, critical: 6 }, windowS: 600 });
    expect(code(() => whatIf({ detector: 'none' }))).toBe('not_found');
    expect(code(() => whatIf({ detector: 'card-declines', set: { where: 'outcome ==' } }))).toBe('invalid_detector');
    expect(code(() => whatIf({ detector: 'card-declines', set: { wher: '' } }))).toBe('invalid_detector');
    expect(code(() => whatIf({ detector: 'card-declines', curve: 1 }))).toBe('invalid_request');
    expect(code(() => whatIf({}))).toBe('invalid_request');
  });

  it('of any shape get an answer or an error with its cure, never a crash', () => {
    const asked = fc.oneof(fc.jsonValue(), fc.record({ detector: fc.constant('card-declines'), set: fc.jsonValue() }));
    fc.assert(
      fc.property(asked, fc.string(), (body, query) => {
        const codes = [code(() => whatIf(body)), code(() => readVerifyQuestion(body)), code(() => why(query))];
        for (const one of codes) expect(['none', 'invalid_request', 'invalid_detector', 'not_found']).toContain(one);
      }),
    );
  });
});
