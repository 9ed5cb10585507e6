import { describe, expect, it } from 'vitest';
import { acceptForSlack, notesForSlack, type Told, toldAfter } from '../../../src/alerts/speak.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const open = sampleIncident();
const now = open.speakAt;
const place = { channel: 'C1', ts: '1.1' };
const toldOpen: Told = { version: 1, severity: 'warning', peak: 4, status: 'open' };

describe('acceptForSlack', () => {
  it('waits until the incident has settled, and until a mute ends', () => {
    expect(acceptForSlack(open, { now: now - 1, place: null })).toEqual({ at: now });
    expect(acceptForSlack(open, { now, place: null })).toBe('now');
    expect(acceptForSlack({ ...open, mutedUntil: now + 5 }, { now, place: null })).toEqual({ at: now + 5 });
  });

  it('is silent about shadow, merged, withdrawn, children of a storm', () => {
    const silent = [
      { mode: 'shadow' },
      { mode: 'off' },
      { status: 'merged' },
      { status: 'withdrawn' },
      { storm: 'INC-9' },
    ] as const;
    for (const change of silent) {
      expect(acceptForSlack({ ...open, ...change }, { now, place: null })).toBe('never');
      expect(acceptForSlack({ ...open, ...change }, { now, place })).toBe('now');
    }
  });

  it('is silent about late ones until a breach after their opening', () => {
    const late = { ...open, late: true };
    expect(acceptForSlack(late, { now, place: null })).toBe('never');
    expect(acceptForSlack({ ...late, lastBreachAt: late.openedAt + 1 }, { now, place: null })).toBe('now');
  });

  it('tells of what was resolved meanwhile for a day', () => {
    const resolved = resolvedBy(open);
    const at = resolved.resolved?.at ?? 0;
    expect(acceptForSlack(resolved, { now: at + 86_400_000, place: null })).toBe('now');
    expect(acceptForSlack(resolved, { now: at + 86_400_001, place: null })).toBe('never');
  });
});

describe('notesForSlack', () => {
  const notes = (incident: typeof open, told: Told = toldOpen) => notesForSlack(incident, { ...place, told });
  const acknowledged = acknowledgedBy(open, {
    acknowledged: { by: { kind: 'cli', id: 'bo', name: 'bo' }, at: now, peak: 6, severity: 'warning' },
    severity: 'warning',
    peak: 6,
  });

  it('says nothing while it is open: the message is edited', () => {
    expect(notes({ ...open, peak: 500 })).toEqual([]);
  });

  it('speaks when the acknowledged peak has doubled, and when it doubles again', () => {
    expect(notes({ ...acknowledged, peak: 11 })).toEqual([]);
    const grown = { ...acknowledged, peak: 12, version: 5 };
    expect(notes(grown)).toEqual(['thread:1']);
    const told = toldAfter(grown, toldOpen);
    expect(told).toEqual({ version: 5, severity: 'warning', peak: 12, status: 'acknowledged', escalated: 0 });
    expect(notes({ ...grown, peak: 23, version: 6 }, told)).toEqual([]);
    expect(notes({ ...grown, peak: 24, version: 7 }, told)).toEqual(['thread:5']);
  });

  it('keeps to the detector’s own factor, and has none for a ratio', () => {
    expect(notes({ ...acknowledged, repage: 3, peak: 17 })).toEqual([]);
    expect(notes({ ...acknowledged, repage: 3, peak: 18 })).toEqual(['thread:1']);
    expect(notes({ ...acknowledged, count: 'ratio', peak: 600 })).toEqual([]);
  });

  it('speaks of a severity higher than the acknowledged one', () => {
    expect(notes({ ...acknowledged, severity: 'critical' })).toEqual(['thread:1']);
    expect(notes({ ...acknowledged, count: 'ratio', severity: 'critical' })).toEqual(['thread:1']);
  });

  it('speaks once for each escalation step, while nobody has acknowledged it', () => {
    const escalated = { ...open, version: 4, escalated: { step: 1, to: 'S0ONCALL', at: now + 900_000 } };
    expect(notes(escalated)).toEqual(['thread:1']);
    const told = toldAfter(escalated, toldOpen);
    expect(notes({ ...escalated, version: 5 }, told)).toEqual([]);
    expect(notes({ ...escalated, escalated: { ...escalated.escalated, step: 2 } }, told)).toEqual(['thread:4']);
    expect(notes({ ...acknowledged, escalated: escalated.escalated })).toEqual([]);
  });

  it('is silent while it is muted', () => {
    const muted = { ...acknowledged, peak: 100, mutedUntil: now + 60_000, updatedAt: now };
    expect(notes(muted)).toEqual([]);
    expect(notes({ ...muted, updatedAt: now + 60_000 })).toEqual(['thread:1']);
  });

  it('speaks of a withdrawal and of a return', () => {
    const withdrawn = { ...open, status: 'withdrawn', version: 3 } as const;
    expect(notes(withdrawn)).toEqual(['thread:1']);
    const told = toldAfter(withdrawn, toldOpen);
    expect(notes({ ...withdrawn, version: 4 }, told)).toEqual([]);
    expect(notes({ ...open, version: 5 }, told)).toEqual(['thread:3']);
  });
});
