// Renderings against golden files, against Slack's limits, and with hostile strings.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOTHING_ASIDE } from '../../../src/alerts/aside.ts';
import { renderAlert } from '../../../src/alerts/blocks.ts';
import { whatFollows } from '../../../src/alerts/blocks-follows.ts';
import { renderNote } from '../../../src/alerts/blocks-note.ts';
import { SEVERITIES } from '../../../src/model/detector.ts';
import { type Incident, STATUSES, VERDICTS, type Verdict } from '../../../src/model/incident.ts';
import { blockProblems, elementsOf, messageProblems } from '../../support/block-kit.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const options = { consoleUrl: 'http://127.0.0.1:4243' };
const open = sampleIncident();
const acknowledged = acknowledgedBy(open);

const STORM: Incident = {
  ...open,
  kind: 'storm',
  peak: 143,
  attemptCount: 520,
  entity: { kind: 'account', value: 'account', label: '143 cards' },
  evidence: {
    ...open.evidence,
    distinct: { cards: 143, customers: 3, emails: 2, ips: 1 },
    series: { fromS: open.openedAt / 1000, stepS: 10, values: [2, 3, 0, 4, 20, 44, 70, 9] },
  },
};

function resolvedAs(verdict: Verdict): Incident {
  const resolved = resolvedBy(acknowledged);
  return { ...resolved, resolved: resolved.resolved && { ...resolved.resolved, verdict } };
}

const GOLDEN: Readonly<Record<string, Incident>> = {
  open,
  acknowledged,
  ...Object.fromEntries(
    VERDICTS.map((verdict) => [`resolved-${verdict.replaceAll('_', '-')}`, resolvedAs(verdict)] as const),
  ),
  reopened: { ...open, version: 4, waitingSince: open.openedAt + 900_000 },
  merged: { ...open, status: 'merged', mergedInto: 'INC-7', version: 2 },
  withdrawn: { ...open, status: 'withdrawn', version: 2 },
  late: { ...open, late: true },
  muted: { ...open, version: 2, mutedUntil: open.updatedAt + 7_200_000 },
  continues: { ...open, id: 'INC-9', continues: 'INC-1' },
  'storm-child': { ...acknowledged, storm: 'INC-30' },
  'success-after-declines': {
    ...open,
    evidence: {
      ...open.evidence,
      trigger: {
        id: 'ch_3Passed',
        at: open.openedAt / 1000,
        outcome: 'succeeded',
        code: '',
        amount: 4_200,
        currency: 'eur',
        card: 'visa •••• 4242',
        intent: null,
      },
    },
  },
  'test-mode-connect': { ...open, livemode: false, account: 'acct_1Connected' },
  ratio: {
    ...open,
    title: 'Declines of the whole account',
    count: 'ratio',
    thresholds: { warning: 0.3, critical: 0.6 },
    peak: 0.42,
    severity: 'warning',
    entity: { kind: 'account', value: 'account', label: 'account' },
  },
  sum: {
    ...open,
    title: 'Money at stake on one customer',
    count: 'sum(amount)',
    currency: 'jpy',
    thresholds: { critical: 50_000 },
    peak: 75_000,
    entity: { kind: 'customer', value: 'cus_9Example', label: 'cus_9Example' },
  },
  'distinct-cards': {
    ...open,
    count: 'distinct(card)',
    entity: { kind: 'customer', value: 'cus_9Example', label: 'cus_9Example' },
  },
  storm: STORM,
  'storm-over': { ...STORM, version: 9, over: true, lastBreachAt: open.openedAt + 600_000 },
  'early-fraud-warning': {
    ...open,
    title: 'Early fraud warnings',
    evidence: { ...open.evidence, outcomes: { '': 2 }, codes: [{ code: 'made_with_stolen_card', count: 2 }] },
  },
  operator: {
    ...open,
    kind: 'operator',
    severity: 'warning',
    title: 'No Stripe events since 14:02 UTC',
    entity: { kind: 'account', value: 'account', label: 'account' },
    evidence: { ...open.evidence, outcomes: {}, codes: [], amounts: [], newest: [] },
  },
};

const aside = {
  through: {
    count: 2,
    amounts: [{ currency: 'eur', amount: 8_400, count: 2 }],
    customers: ['cus_9Example', 'cus_8Example'],
  },
  rowUrl: 'https://docs.google.com/spreadsheets/d/abc/edit#gid=0&range=A12',
  past: { judged: 12, fraud: 9 },
};

describe('golden alerts', () => {
  it.each(Object.entries(GOLDEN))('%s', async (name, incident) => {
    const message = renderAlert(incident, name === 'acknowledged' ? { ...options, aside } : options);
    expect(messageProblems(message)).toEqual([]);
    await expect(`${JSON.stringify(message, null, 2)}\n`).toMatchFileSnapshot(`../../fixtures/alerts/${name}.json`);
  });
});

describe('the first line', () => {
  it.each([
    ['open', 'CRITICAL · 14 declines on visa •••• 4242 in 10 min (alerts at 3)'],
    ['test-mode-connect', 'TEST · CRITICAL · 14 declines on visa •••• 4242 in 10 min (alerts at 3)'],
    ['ratio', 'WARNING · 42 % of attempts on the whole account in 10 min (alerts at 30 %)'],
    ['sum', 'CRITICAL · 75,000 JPY on cus_9Example in 10 min (alerts at 50,000 JPY)'],
    ['distinct-cards', 'CRITICAL · 14 distinct cards on cus_9Example in 10 min (alerts at 3)'],
    ['storm', 'CRITICAL · storm: 143 incidents of “Declines on one card”'],
    ['operator', 'WARNING · No Stripe events since 14:02 UTC'],
  ])('of %s', (name, expected) => {
    const incident = GOLDEN[name] ?? open;
    const { text, blocks } = renderAlert(incident, options);
    expect(text.split('\n')[0]).toBe(expected);
    expect(blocks[0]).toMatchObject({ type: 'header', text: { type: 'plain_text', text: expected } });
  });
});

describe('what is told beside the incident', () => {
  const both = (rest: Partial<typeof aside>, incident = open): readonly string[] => {
    const { text, blocks } = renderAlert(incident, { ...options, aside: { ...NOTHING_ASIDE, ...rest } });
    return [text, JSON.stringify(blocks)];
  };

  it('says what got through, also that nothing did, and nothing while that is not known', () => {
    for (const text of both(aside)) expect(text).toMatch(/Got through\W+(?:n)?2 successes for 84\.00 EUR/);
    for (const text of both({ through: { count: 0, amounts: [], customers: [] } }))
      expect(text).toMatch(/Got through\W+(?:n)?nothing/);
    for (const text of both({})) expect(text).not.toContain('Got through');
  });

  it('links the customers, the row and the console, in test mode and Connect by their own addresses', () => {
    const connected = { ...open, livemode: false, account: 'acct_1Connected' };
    const [text = '', blocks = ''] = both(aside, connected);
    expect(blocks).toContain('<https://dashboard.stripe.com/acct_1Connected/test/customers/cus_9Example|');
    expect(blocks).toContain('<https://dashboard.stripe.com/acct_1Connected/test/payments/ch_3Newest|');
    expect(blocks).toContain(`<${aside.rowUrl}|Its row in the sheet>`);
    expect(text).toContain('Customer: cus_9Example, cus_8Example');
    expect(text).toContain(aside.rowUrl);
    expect(text).toContain('http://127.0.0.1:4243/incidents/INC-1');
  });

  it('makes no link of an address that is none, and of a customer that Stripe cannot have named', () => {
    for (const rowUrl of ['javascript:alert(1)', 'https://x|<!channel>', 'https://x y'])
      expect(both({ rowUrl }).join()).not.toContain('row in the sheet');
    const through = { count: 1, amounts: [], customers: ['cus_<!channel>', '../evil'] };
    expect(both({ through }).join()).not.toContain('/customers/');
  });

  it('says how such alerts were judged before', () => {
    for (const text of both(aside)) expect(text).toContain('Of the last 12 like it that were judged, 9 were fraud.');
  });

  it('says what usually follows, for every kind but what operators are told', () => {
    for (const [name, incident] of Object.entries(GOLDEN)) {
      const text = renderAlert(incident, options).text;
      if (name === 'operator') expect(whatFollows(incident)).toBeNull();
      else expect(text).toContain(whatFollows(incident) ?? 'missing');
    }
  });
});

describe('the sparkline', () => {
  it('draws no dip where no value was taken, and a real one in a storm', () => {
    const series = { ...open.evidence.series, values: [4, 0, 0, 8] };
    const shapeOf = (incident: Incident): string => JSON.stringify(renderAlert(incident, options).blocks);
    expect(shapeOf({ ...open, evidence: { ...open.evidence, series } })).toContain('▅▆▇█ over 4 min');
    expect(shapeOf({ ...STORM, evidence: { ...STORM.evidence, series } })).toContain('▅▁▁█');
  });
});

describe('buttons', () => {
  const actionsOf = (incident: Incident): readonly unknown[] =>
    renderAlert(incident, options).blocks.flatMap((block) =>
      elementsOf({ ...block }).map(({ action_id }) => action_id),
    );

  it.each([
    ['open', ['acknowledge', 'resolve', 'more']],
    ['acknowledged', ['resolve', 'unacknowledge', 'more']],
    ['resolved-fraud', ['reopen', 'more']],
    ['merged', []],
    ['withdrawn', []],
  ])('of %s', (name, expected) => {
    expect(actionsOf(GOLDEN[name] ?? open)).toEqual(expected);
  });

  it('carry the incident as value', () => {
    const json = JSON.stringify(renderAlert(open, options).blocks);
    expect(json).toContain('"action_id":"acknowledge","value":"INC-1"');
    expect(json).toContain('"value":"assign:INC-1"');
  });
});

const HOSTILE =
  '<!channel> <@U1> <https://evil.example|Stripe> https://evil.example @here *b* `c` \u202Egnp\u0000\u200B & "';

function poisoned(text: string): Incident {
  const member = {
    id: text,
    at: 1,
    outcome: 'declined',
    code: text,
    amount: 5,
    currency: text,
    card: text,
    intent: text,
  } as const;
  return resolvedBy(
    sampleIncident({
      title: text,
      why: text,
      detector: text,
      account: text,
      owner: text,
      livemode: false,
      continues: 'INC-2',
      splitFrom: 'INC-3',
      storm: 'INC-4',
      late: true,
      exact: false,
      over: true,
      mutedUntil: 1_800_000_000_000,
      entity: { kind: 'metadata.plan', value: text, label: text },
      evidence: {
        outcomes: Object.fromEntries([
          ['declined', 3],
          ...Array.from({ length: 8 }, (_, n) => [`${text}${n}`, 1] as const),
        ]),
        codes: Array.from({ length: 8 }, (_, n) => ({ code: `${text}${n}`, count: Number.MAX_SAFE_INTEGER })),
        amounts: Array.from({ length: 3 }, () => ({
          currency: text,
          amount: Number.MAX_SAFE_INTEGER,
          count: Number.MAX_SAFE_INTEGER,
        })),
        distinct: { cards: 9e9, customers: 9e9, emails: 9e9, ips: 9e9 },
        newest: Array.from({ length: 10 }, () => member),
        series: { fromS: 0, stepS: 86_400, values: Array.from({ length: 60 }, (_, n) => n) },
        trigger: member,
      },
    }),
    {
      resolved: {
        verdict: 'own_test_or_bug',
        by: { kind: 'slack', id: text, name: text },
        at: 1_800_000_000_000,
        note: text,
        peak: 1e15,
        severity: 'critical',
        attemptCount: 1,
      },
    },
  );
}

describe('hostile strings', () => {
  it('leave no mention, no link of theirs, no control and no direction character', () => {
    const message = renderAlert(poisoned(HOSTILE), options);
    const json = JSON.stringify(message);
    expect(json).not.toMatch(/<!channel|<@U1|<https:\/\/evil|https:\/\/evil|@here|[\u202e\u200b]|\\u0000/);
    expect(message.text).not.toMatch(/<(?!!date)/);
    const links = [...json.matchAll(/<(https?:[^|>]*)/g)].map(([, url]) => url ?? '');
    expect(
      links.filter((url) => !/^(http:\/\/127\.0\.0\.1:4243|https:\/\/dashboard\.stripe\.com)\//.test(url)),
    ).toEqual([]);
    expect(renderNote(poisoned(HOSTILE), 'thread:1', {}).text).not.toMatch(/<!|<@U1|https:/);
  });

  it.each([['&'], ['<'], ['😀'], ['\u0628'], ['x']])(
    'the largest alert, of %s, keeps within every limit',
    (character) => {
      const text = character.repeat(5_000);
      const amount = { currency: text, amount: Number.MAX_SAFE_INTEGER, count: Number.MAX_SAFE_INTEGER };
      const through = {
        count: 9e15,
        amounts: [amount, amount, amount, amount],
        customers: [text, `cus_${'9'.repeat(190)}`],
      };
      const full = { through, rowUrl: `https://x/${'y'.repeat(490)}`, past: { judged: 9e15, fraud: 9e14 } };
      const message = renderAlert(poisoned(text), { ...options, aside: full });
      expect(messageProblems(message)).toEqual([]);
      expect(JSON.stringify(message).length).toBeLessThan(40_000);
    },
  );

  it('never break a limit or let markup through, whatever they are', () => {
    const anyIncident = fc.record({
      text: fc.string({ unit: 'binary', maxLength: 400 }),
      status: fc.constantFrom(...STATUSES),
      severity: fc.constantFrom(...SEVERITIES),
    });
    fc.assert(
      fc.property(anyIncident, ({ text, status, severity }) => {
        const message = renderAlert({ ...poisoned(text || '-'), status, severity }, options);
        expect(blockProblems(message.blocks)).toEqual([]);
        expect(
          JSON.stringify(message.blocks).replaceAll(
            /<(!date\^|http:\/\/127\.0\.0\.1:4243\/|https:\/\/dashboard\.stripe\.com\/)/g,
            '',
          ),
        ).not.toContain('<');
      }),
      { numRuns: 100 },
    );
  });
});
