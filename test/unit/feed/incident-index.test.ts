import { describe, expect, it } from 'vitest';
import { createIncidentIndex, MAX_TIMELINE } from '../../../src/feed/incident-index.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { acknowledgedBy, changeTo, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

function indexOf(incidents: readonly Incident[], maxHeld?: number) {
  const index = createIncidentIndex(maxHeld);
  for (const [offset, incident] of incidents.entries()) index.take(changeTo(incident, offset));
  return index;
}

const numbered = (count: number, overrides: (number: number) => Partial<Incident> = () => ({})): readonly Incident[] =>
  Array.from({ length: count }, (_, i) => sampleIncident({ id: `INC-${i + 1}`, ...overrides(i + 1) }));

const ids = (incidents: Iterable<Incident>): readonly string[] => [...incidents].map(({ id }) => id);

describe('a list', () => {
  it('is newest first by number, in pages that follow one another', () => {
    const { queries } = indexOf(numbered(12));
    const first = queries.list({ limit: 5 });
    expect(ids(first.incidents)).toEqual(['INC-12', 'INC-11', 'INC-10', 'INC-9', 'INC-8']);
    expect(first.next).toBe('INC-8');
    const second = queries.list({ limit: 5, after: 'INC-8' });
    expect(ids(second.incidents)).toEqual(['INC-7', 'INC-6', 'INC-5', 'INC-4', 'INC-3']);
    expect(queries.list({ limit: 5, after: 'INC-3' })).toMatchObject({
      incidents: [{ id: 'INC-2' }, { id: 'INC-1' }],
      next: null,
    });
    expect(queries.list({ limit: 12 }).next).toBeNull();
  });

  it('holds to its limits, whatever is asked', () => {
    const { queries } = indexOf(numbered(60));
    expect(queries.list().incidents).toHaveLength(50);
    expect(queries.list({ limit: 0 }).incidents).toHaveLength(1);
    expect(queries.list({ limit: 1e9 }).incidents).toHaveLength(60);
    expect(queries.list({ after: 'nonsense' }).incidents).toEqual([]);
  });

  it.each([
    ['status', { status: 'acknowledged' }],
    ['severity', { severity: 'notice' }],
    ['detector', { detector: 'other' }],
    ['entity', { entity: { kind: 'customer', value: 'cus_1' } }],
    ['account', { account: 'acct_1' }],
    ['mode', { livemode: false }],
    ['since', { since: 5_000 }],
  ] as const)('filters by %s', (_, filter) => {
    const odd = acknowledgedBy(
      sampleIncident({
        id: 'INC-2',
        severity: 'notice',
        detector: 'other',
        entity: { kind: 'customer', value: 'cus_1', label: 'cus_1' },
        account: 'acct_1',
        livemode: false,
        openedAt: 5_000,
      }),
    );
    const { queries } = indexOf([sampleIncident({ openedAt: 4_999 }), odd]);
    expect(ids(queries.list(filter).incidents)).toEqual(['INC-2']);
  });

  it('tells the platform’s own account from any', () => {
    const { queries } = indexOf([sampleIncident(), sampleIncident({ id: 'INC-2', account: 'acct_1' })]);
    expect(ids(queries.list({ account: null }).incidents)).toEqual(['INC-1']);
    expect(ids(queries.list({ until: 1 }).incidents)).toEqual([]);
  });
});

describe('what is held', () => {
  it('is the newest closed ones and every one that is not resolved', () => {
    const closed = numbered(6).map((incident) => (incident.id === 'INC-2' ? incident : resolvedBy(incident)));
    const index = indexOf(closed, 3);
    expect(ids(index.queries.all())).toEqual(['INC-6', 'INC-5', 'INC-4', 'INC-2']);
    expect(index.counts()).toEqual({ incidents: 4, unresolved: 1 });
    index.take(changeTo(sampleIncident({ id: 'INC-3', version: 9 }), 50));
    expect(ids(index.queries.all())).toEqual(['INC-6', 'INC-5', 'INC-4', 'INC-3', 'INC-2']);
  });

  it('of a timeline is its beginning and its newest entries', () => {
    const index = createIncidentIndex();
    for (let version = 1; version <= MAX_TIMELINE + 100; version++)
      index.take(changeTo(sampleIncident({ version }), version));
    const versions = index.queries.timeline('INC-1').map(({ version }) => version);
    expect(versions).toHaveLength(MAX_TIMELINE);
    expect(versions.slice(0, 3)).toEqual([1, 2, 3]);
    expect(versions.at(-1)).toBe(MAX_TIMELINE + 100);
  });

  it('does not count a refusal as something that happened to the incident', () => {
    const index = indexOf([sampleIncident()]);
    index.take({ ...changeTo(sampleIncident(), 7), type: 'refused', refusal: { code: 'repeated', message: '' } });
    expect(index.queries.timeline('INC-1')).toHaveLength(1);
  });
});

it('mutes are one for each detector and entity, the longest, while they last', () => {
  const { queries } = indexOf([
    sampleIncident({ mutedUntil: 500 }),
    sampleIncident({ id: 'INC-2', mutedUntil: 900 }),
    sampleIncident({ id: 'INC-3', detector: 'other', mutedUntil: 50 }),
  ]);
  expect(queries.mutes(100)).toMatchObject([{ detector: 'card-declines', until: 900, incident: 'INC-2' }]);
  expect(queries.mutes(900)).toEqual([]);
});
