import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLoud, newsIn, newsOf, slotOf, type Told, toldAfter } from '../../../src/alerts/news.ts';
import { SEVERITIES } from '../../../src/model/detector.ts';
import { type Incident, STATUSES } from '../../../src/model/incident.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const ANA = { kind: 'slack', id: 'U0ANA', name: 'ana' } as const;
const open = sampleIncident({ severity: 'warning', peak: 6 });
const now = open.openedAt;
const told = toldAfter(open, undefined);
const acknowledged = acknowledgedBy(open);
const toldAcknowledged = toldAfter(acknowledged, told);

describe('news of growth', () => {
  it('is none while it is open and of the same severity: the message is edited', () => {
    expect(newsOf({ ...open, peak: 500, attemptCount: 900 }, told)).toEqual([]);
  });

  it('is a severity that rises, open or acknowledged', () => {
    expect(newsOf({ ...open, severity: 'critical' }, told)).toEqual(['severity']);
    expect(newsOf({ ...acknowledged, severity: 'critical' }, toldAcknowledged)).toEqual(['grown']);
    expect(newsOf({ ...acknowledged, count: 'ratio', severity: 'critical' }, toldAcknowledged)).toEqual(['grown']);
    expect(newsOf({ ...open, severity: 'notice' }, told)).toEqual([]);
  });

  it('is the acknowledged peak doubled, and doubled again', () => {
    expect(newsOf({ ...acknowledged, peak: 11 }, toldAcknowledged)).toEqual([]);
    const grown = { ...acknowledged, peak: 12, version: 5 };
    expect(newsOf(grown, toldAcknowledged)).toEqual(['grown']);
    const after = toldAfter(grown, toldAcknowledged);
    expect(after).toMatchObject({ version: 5, severity: 'warning', peak: 12, status: 'acknowledged' });
    expect(newsOf({ ...grown, peak: 23, version: 6 }, after)).toEqual([]);
    expect(newsOf({ ...grown, peak: 24, version: 7 }, after)).toEqual(['grown']);
  });

  it('keeps to the detector’s own factor, and has none for a ratio', () => {
    expect(newsOf({ ...acknowledged, repage: 3, peak: 17 }, toldAcknowledged)).toEqual([]);
    expect(newsOf({ ...acknowledged, repage: 3, peak: 18 }, toldAcknowledged)).toEqual(['grown']);
    expect(newsOf({ ...acknowledged, count: 'ratio', peak: 600 }, toldAcknowledged)).toEqual([]);
  });

  it('is not put off by a note that was told in between', () => {
    const noted = { ...acknowledged, peak: 10, version: 4, notes: [{ at: now + 1, by: ANA, text: 'x' }] };
    const after = toldAfter(noted, toldAcknowledged);
    expect(after).toMatchObject({ version: 4, peak: 6 });
    expect(newsOf({ ...noted, peak: 12 }, after)).toEqual(['grown']);
  });

  it('is told once for each escalation step, while nobody has acknowledged it', () => {
    const escalated = { ...open, version: 4, escalated: { step: 1, to: 'S0ONCALL', at: now + 900_000 } };
    expect(newsOf(escalated, told)).toEqual(['escalated']);
    const after = toldAfter(escalated, told);
    expect(newsOf({ ...escalated, version: 5 }, after)).toEqual([]);
    expect(newsOf({ ...escalated, escalated: { ...escalated.escalated, step: 2 } }, after)).toEqual(['escalated']);
    expect(newsOf({ ...acknowledged, escalated: escalated.escalated }, toldAcknowledged)).toEqual([]);
  });
});

describe('news of the state', () => {
  const again = (from: 'acknowledged' | 'resolved'): Incident => ({
    ...open,
    version: 9,
    openedAgain: { from, by: ANA, at: now + 900_000 },
  });
  const toldResolved = toldAfter(resolvedBy(acknowledged), toldAcknowledged);

  it.each([
    ['acknowledged', acknowledged, told, ['acknowledged']],
    ['resolved', resolvedBy(acknowledged), toldAcknowledged, ['resolved']],
    ['taken back', again('acknowledged'), toldAcknowledged, ['unacknowledged']],
    ['reopened', again('resolved'), toldResolved, ['reopened']],
    [
      'reopened and acknowledged before anything could be told',
      { ...acknowledged, openedAgain: { from: 'resolved', by: ANA, at: now + 900_000 } },
      toldResolved,
      ['reopened', 'acknowledged'],
    ],
    ['merged', { ...open, status: 'merged', mergedInto: 'INC-7' }, told, ['merged']],
    ['withdrawn', { ...open, status: 'withdrawn' }, told, ['withdrawn']],
    ['back again', open, toldAfter({ ...open, status: 'withdrawn' }, told), ['returned']],
    ['with an owner', { ...open, owner: 'ana' }, told, ['assigned']],
    ['muted', { ...open, mutedUntil: now + 60_000 }, told, ['muted']],
    ['reminded of', { ...acknowledged, reminded: { count: 1, at: now + 9e6 } }, toldAcknowledged, ['reminded']],
    ['over, of an episode', { ...open, over: true }, told, []],
    ['over, of a storm', { ...open, kind: 'storm', over: true }, told, ['ended']],
  ] as const)('%s', (_name, incident, before, expected) => {
    expect(newsOf(incident as Incident, before)).toEqual(expected);
    const after = toldAfter(incident as Incident, before);
    expect(newsOf(incident as Incident, after)).toEqual([]);
  });

  it('ends a mute aloud only when it hid something worse', () => {
    const toldMuted = toldAfter({ ...open, mutedUntil: now + 60_000 }, told);
    const ended = (isEarly: boolean) => ({ ...open, unmuted: { at: now + 60_000, hidden: 2, isEarly } });
    expect(newsOf(ended(false), toldMuted)).toEqual(['unmuted']);
    expect(isLoud(ended(false), 'unmuted')).toBe(false);
    expect(isLoud(ended(true), 'unmuted')).toBe(true);
  });

  it('under a mute is only what persons do', () => {
    const muted = { ...acknowledged, mutedUntil: now + 60_000, updatedAt: now };
    const before = toldAfter(muted, toldAcknowledged);
    expect(newsOf({ ...muted, peak: 100, severity: 'critical' }, before)).toEqual([]);
    expect(newsOf({ ...resolvedBy(muted), mutedUntil: now + 60_000 }, before)).toEqual(['resolved']);
    expect(newsOf({ ...muted, peak: 100, updatedAt: now + 60_000 }, before)).toEqual(['grown']);
  });

  it('of a storm’s child is only what was said to it alone', () => {
    const child = { ...acknowledged, storm: 'INC-9', owner: 'ana' };
    expect(newsOf(child, told)).toEqual(['assigned']);
    expect(newsOf({ ...resolvedBy(child), storm: 'INC-9', owner: null }, told)).toEqual([]);
  });

  it('is not made of what a place of an elder version does not know', () => {
    const elder: Told = { version: 1, severity: 'warning', peak: 6, status: 'open', escalated: 0 };
    const rich = { ...open, owner: 'ana', over: true, notes: [{ at: now, by: ANA, text: 'x' }], mutedUntil: now - 1 };
    expect(newsOf(rich, elder)).toEqual([]);
  });
});

describe('whatever becomes of an incident', () => {
  const anyIncident = fc.record({
    status: fc.constantFrom(...STATUSES),
    severity: fc.constantFrom(...SEVERITIES),
    peak: fc.nat(100),
    owner: fc.constantFrom(null, 'ana', 'bo'),
    over: fc.boolean(),
    mutedUntil: fc.constantFrom(null, now - 1, now + 60_000),
    step: fc.nat(3),
    noted: fc.nat(3),
    kind: fc.constantFrom('episode', 'storm', 'operator'),
  });
  type Drawn = typeof anyIncident extends fc.Arbitrary<infer T> ? T : never;
  const built = ({ status, step, noted, ...facts }: Drawn, version: number): Incident => {
    const base = status === 'resolved' ? resolvedBy(open) : status === 'acknowledged' ? acknowledged : open;
    const notes = noted === 0 ? [] : [{ at: now + noted, by: ANA, text: 'x' }];
    return { ...base, ...facts, status, version, notes, escalated: step === 0 ? null : { step, to: 'S0X', at: now } };
  };

  it('each piece of news is told once, in a slot of its own', () => {
    fc.assert(
      fc.property(fc.array(anyIncident, { minLength: 2, maxLength: 12 }), (states) => {
        let place: Told | undefined;
        const slots: string[] = [];
        states.forEach((state, index) => {
          const incident = built(state, index + 1);
          const news = place === undefined ? [] : newsOf(incident, place);
          expect(new Set(news).size).toBe(news.length);
          if (place !== undefined) for (const one of news) slots.push(slotOf(place, one));
          for (const one of news) expect(newsIn(slotOf({ ...told, version: 3 }, one))).toBe(one);
          place = toldAfter(incident, place);
          expect(newsOf(incident, place)).toEqual([]);
        });
        expect(new Set(slots).size).toBe(slots.length);
      }),
      { numRuns: 500 },
    );
  });
});
