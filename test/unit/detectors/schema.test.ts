import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type ParsedDetectors, parseDetectors, validateDetectors } from '../../../src/detectors/schema.ts';

const DETECTOR = {
  name: 'card-declines',
  count: 'attempts',
  where: 'outcome == "declined"',
  per: 'card',
  window: '10m',
  quietFor: '1h',
  thresholds: { warning: 3, critical: 8 },
};

const problemsOf = (parsed: ParsedDetectors): Record<string, string> =>
  'problems' in parsed ? Object.fromEntries(parsed.problems.map(({ path, message }) => [path, message])) : {};

const problemsOfOne = (change: object, file: object = {}): Record<string, string> =>
  problemsOf(validateDetectors({ ...file, detectors: [{ ...DETECTOR, ...change }] }));

describe('parseDetectors', () => {
  it('turns the form of people into settings in full', () => {
    const parsed = parseDetectors(`
lateness: 48h
metadata: { ip: client_ip, keys: [plan] }
settle: 5s
escalation: [{ after: 10m, to: S0123 }]
approval: loosening
detectors:
  - name: card-declines
    title: Declines on one card
    why: Because.
    count: attempts
    where: outcome == "declined"
    per: card
    window: 10m
    quietFor: 1.5h
    thresholds: { warning: 3, critical: 8 }
    repage: 3
  - name: takings
    count: sum(amount)
    currency: usd
    where: outcome == "succeeded"
    at: amount > 100
    per: metadata.plan
    window: 2d
    thresholds: { notice: 100000 }
    mode: off
    settle: 0s
    approval: none
`);
    expect('file' in parsed && 'approval' in (parsed.file.detectors[1] ?? {})).toBe(false);
    expect(parsed).toEqual({
      file: {
        general: { latenessMs: 48 * 3_600_000, metadata: { ip: 'client_ip', keys: ['plan'] } },
        detectors: [
          {
            name: 'card-declines',
            title: 'Declines on one card',
            why: 'Because.',
            on: 'attempt',
            count: 'attempts',
            where: 'outcome == "declined"',
            of: null,
            at: null,
            minimum: null,
            currency: null,
            per: 'card',
            windowS: 600,
            quietForS: 5_400,
            thresholds: { warning: 3, critical: 8 },
            mode: 'alert',
            settleMs: 5_000,
            alertMaxAgeMs: 3_600_000,
            continueAfter: null,
            repage: 3,
            escalation: [{ afterMs: 600_000, to: 'S0123' }],
            stormAfter: 10,
            approval: 'loosening',
          },
          expect.objectContaining({
            name: 'takings',
            title: 'takings',
            why: 'takings',
            at: 'amount > 100',
            currency: 'usd',
            windowS: 172_800,
            // Never shorter than the window.
            quietForS: 172_800,
            thresholds: { notice: 100_000 },
            mode: 'off',
            settleMs: 0,
            repage: 2,
          }),
        ],
        tests: new Map([
          ['card-declines', []],
          ['takings', []],
        ]),
      },
    });
  });

  it('names every problem of a file at once', () => {
    const problems = problemsOf(
      parseDetectors(`
latenes: 72h
settle: 1h
detectors:
  - name: Card Declines
    count: atempts
    where: outcome === "declined"
    per: card
    windows: 10m
    window: 8d
    quietFor: 1h
    thresholds: { warning: 5, critical: 3, fatal: 9 }
    mode: loud
  - name: ratio
    count: ratio
    where: amount + 1
    per: metadata.plan
    window: 10m
    thresholds: { warning: 40 }
    escalation: [{ after: 10m, to: S0123 }, { after: 5m, to: nobody }]
  - name: ratio
    count: sum(amount)
    where: nonsense > 1
    of: outcome == "declined"
    per: ip
    window: 10m
    quietFor: 5m
    thresholds: {}
  - nothing
`),
    );
    expect(Object.keys(problems).sort()).toEqual(
      [
        'latenes',
        'settle',
        'detectors.0.name',
        'detectors.0.count',
        'detectors.0.where',
        'detectors.0.windows',
        'detectors.0.window',
        'detectors.0.thresholds.fatal',
        'detectors.0.thresholds.critical',
        'detectors.0.mode',
        'detectors.ratio.of',
        'detectors.ratio.minimum',
        'detectors.ratio.where',
        'detectors.ratio.per',
        'detectors.ratio.thresholds.warning',
        'detectors.ratio.escalation.1.to',
        'detectors.2.name',
        'detectors.2.currency',
        'detectors.2.where',
        'detectors.2.of',
        'detectors.2.per',
        'detectors.2.quietFor',
        'detectors.2.thresholds',
        'detectors.3',
      ].sort(),
    );
    expect(problems.latenes).toContain('did you mean lateness?');
    expect(problems['detectors.0.windows']).toContain('did you mean window?');
    expect(problems['detectors.0.window']).toBe('must be at most 7d');
    expect(problems.settle).toBe('must be at most 10m');
  });
});

describe('validateDetectors', () => {
  it('takes the smallest detector there can be', () => {
    const { quietFor: _, ...smallest } = DETECTOR;
    expect(problemsOf(validateDetectors({ detectors: [smallest] }))).toEqual({});
  });

  it.each([
    ['window', { window: undefined }, 'is missing: add it'],
    ['window', { window: 600 }, 'is no duration: write a number and ms, s, m, h or d, e.g. 10m'],
    ['window', { window: 'ten minutes' }, 'is no duration: write a number and ms, s, m, h or d, e.g. 10m'],
    ['window', { window: '1500ms' }, 'must be whole seconds'],
    ['window', { window: '0s' }, 'must be at least 1s'],
    ['quietFor', { quietFor: '15d' }, 'must be at most 14d'],
    ['name', { name: 7 }, 'must be text, not a number: put it in quotes'],
    ['title', { title: null }, 'is empty: give it a value, or remove the line'],
    ['where', { where: 'amount' }, 'is no filter: gives int, not true or false'],
    ['at', { at: 'outcome == 3' }, 'is no filter: no such overload: string == int'],
    ['where', { where: 'x'.repeat(5_000) }, 'takes at most 4000 characters'],
    ['thresholds.warning', { thresholds: { warning: 2.5 } }, 'must be a whole number'],
    ['thresholds.warning', { thresholds: { warning: 0 } }, 'must be above 0'],
    ['thresholds.warning', { thresholds: { warning: Number.POSITIVE_INFINITY } }, 'must be a number, not Infinity'],
    ['thresholds', { thresholds: [3] }, 'must be a mapping of fields, not a list'],
    [
      'per',
      { per: 'metadata.plan' },
      'counts on metadata that is not kept: add plan to metadata.keys at the top of the file',
    ],
    ['minimum', { minimum: 10 }, 'belongs to count: ratio only: remove it'],
    ['currency', { count: 'sum(amount)' }, 'is missing: count: sum(amount) needs one currency'],
    ['currency', { count: 'sum(amount)', currency: 'USD' }, 'is a currency in lower case, e.g. usd'],
    ['count', { on: 'signal', where: 'signal == "dispute"', count: 'distinct(ip)' }, /cannot be distinct\(ip\)/],
    [
      'per',
      { on: 'signal', where: 'signal == "dispute"', per: 'ip' },
      'of a signal is card, customer, email or account',
    ],
    ['where', { on: 'signal' }, /is no filter: Unknown variable/],
    [
      'escalation.1.after',
      {
        escalation: [
          { after: '5m', to: 'S012' },
          { after: '5m', to: 'S012' },
        ],
      },
      /later than/,
    ],
    ['tests.0.attempts', { tests: [{ name: 'x', expect: { episodes: 1 } }] }, /is missing/],
    [
      'tests.0.signals',
      { tests: [{ name: 'x', signals: [{ at: '0s', signal: 'dispute' }], expect: { episodes: 1 } }] },
      /belong/,
    ],
    [
      'tests.0.attempts.0.ip',
      { tests: [{ name: 'x', attempts: [{ at: '0s', ip: 'a' }], expect: { episodes: 0 } }] },
      /not kept/,
    ],
    [
      'tests.0.attempts.0.at',
      { tests: [{ name: 'x', attempts: [{ at: 5 }], expect: { episodes: 0 } }] },
      /is no offset/,
    ],
    [
      'tests.0.attempts.0.colour',
      { tests: [{ name: 'x', attempts: [{ at: '0s', colour: 'a' }], expect: { episodes: 0 } }] },
      /is not known/,
    ],
    [
      'tests.0.expect',
      { tests: [{ name: 'x', attempts: [{ at: '0s' }], expect: { episodes: 0, peak: 3 } }] },
      /no episode/,
    ],
  ])('%s: %j', (path, change, message) => {
    const problems = problemsOfOne(change);
    expect(problems[`detectors.card-declines.${path}`] ?? problems[`detectors.0.${path}`]).toMatch(message);
  });

  it('wants to know where addresses come from before it counts them', () => {
    expect(problemsOfOne({ per: 'ip' })['detectors.card-declines.per']).toContain('metadata.ip');
    expect(problemsOfOne({ per: 'ip' }, { metadata: { ip: 'client_ip' } })).toEqual({});
    expect(problemsOfOne({ count: 'distinct(ip)' })['detectors.card-declines.count']).toContain('metadata.ip');
  });

  it('bounds the tests of a file', () => {
    const test = { name: 'x', attempts: [{ at: '0s', times: 1_000 }], expect: { episodes: 0 } };
    const detectors = [1, 2, 3].map((n) => ({
      ...DETECTOR,
      name: `d${n}`,
      tests: Array.from({ length: 100 }, () => test),
    }));
    expect(problemsOf(validateDetectors({ detectors })).detectors).toContain('200000 at most');
  });

  it('bounds the number of detectors', () => {
    const detectors = Array.from({ length: 201 }, (_, index) => ({ ...DETECTOR, name: `d${index}` }));
    expect(problemsOf(validateDetectors({ detectors })).detectors).toContain('at most 200');
  });
});

describe('hostile YAML', () => {
  it.each([
    ['nothing', '', 'detectors', /the file is empty/],
    ['a list', '- a', '', /must be a mapping of fields, not a list/],
    ['an unfinished list', 'detectors: [', 'line 1', /is no YAML/],
    ['a field twice', 'detectors: []\nsettle: 1s\nsettle: 2s', 'line 3', /unique/],
    ['two documents', 'detectors: []\n---\ndetectors: []', 'line 2', /multiple documents/i],
    ['a tag of another language', 'detectors: !!js/function "x"', 'line 1', /is no YAML that can be read here/],
    ['a billion laughs', laughs(), '', /cannot be read: .*alias/i],
    ['deep nesting', `detectors: ${'['.repeat(20_000)}${']'.repeat(20_000)}`, 'line 1', /nested too deeply/],
    ['an anchor in itself', 'detectors: &a [*a]', 'detectors.0', /not a list/],
    [
      'a merge key',
      'base: &b { count: attempts }\ndetectors:\n  - <<: *b\n    name: x',
      'detectors.x.<<',
      /merge keys/,
    ],
    ['a prototype', 'detectors: []\n__proto__: { settle: 1s }', '__proto__', /is not known/],
    ['a huge file', `# ${'x'.repeat(1_000_000)}`, '', /larger than/],
  ])('%s', (_, text, path, message) => {
    const problems = problemsOf(parseDetectors(text));
    expect(problems[path] ?? `got ${JSON.stringify(problems).slice(0, 300)}`).toMatch(message);
  });

  it('lets values be shared by name', () => {
    const text = `detectors:\n${[1, 2]
      .map(
        (n) =>
          `  - ${JSON.stringify({ ...DETECTOR, name: `d${n}` }).slice(0, -1)}, settle: ${n === 1 ? '&s 3s' : '*s'} }`,
      )
      .join('\n')}`;
    const parsed = parseDetectors(text);
    expect('file' in parsed && parsed.file.detectors.map(({ settleMs }) => settleMs)).toEqual([3_000, 3_000]);
  });

  it('tells no more problems than a person can read', () => {
    const parsed = validateDetectors(Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, n])));
    expect('problems' in parsed && parsed.problems.length).toBe(200);
  });

  it('keeps off for a mode, as YAML 1.2 does', () => {
    expect(parse('mode: off')).toEqual({ mode: 'off' });
  });
});

function laughs(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let n = 1; n < 10; n++)
    lines.push(
      `a${n}: &a${n} [${Array(9)
        .fill(`*a${n - 1}`)
        .join(', ')}]`,
    );
  return lines.join('\n');
}
