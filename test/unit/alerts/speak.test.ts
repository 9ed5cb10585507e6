import { describe, expect, it } from 'vitest';
import { toldAfter } from '../../../src/alerts/news.ts';
import { acceptForSlack, notesForSlack } from '../../../src/alerts/speak.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const open = sampleIncident();
const now = open.speakAt;
const place = { channel: 'C1', ts: '1.1' };

describe('acceptForSlack', () => {
  it('waits until the incident has settled', () => {
    expect(acceptForSlack(open, { now: now - 1, place: null })).toEqual({ at: now });
    expect(acceptForSlack(open, { now, place: null })).toBe('now');
  });

  it('waits while it is muted, until the manager says that the mute has ended', () => {
    const muted = { ...open, mutedUntil: now + 5 };
    expect(acceptForSlack(muted, { now, place: null })).toEqual({ at: now + 60_005 });
    const unmuted = { at: now + 5, hidden: 1, isEarly: false };
    const ended = { ...open, mutedUntil: null, unmuted };
    expect(acceptForSlack(ended, { now: now + 6, place: null })).toBe('now');
  });

  it('does not speak of what came and went under a mute', () => {
    const at = open.lastBreachAt + 600_000;
    const ended = { ...open, mutedUntil: null, unmuted: { at, hidden: 1, isEarly: false } };
    const accepts = (facts: Partial<typeof open>) => acceptForSlack({ ...ended, ...facts }, { now: at, place: null });
    expect(accepts({})).toBe('now');
    expect(accepts({ over: true })).toBe('never');
    expect(accepts({ lastBreachAt: at - 3_600_001 })).toBe('never');
    expect(accepts({ over: true, lastBreachAt: at + 1 })).toBe('now');
    expect(accepts({ over: true, openedAt: at + 1 })).toBe('now');
    expect(acceptForSlack({ ...ended, over: true }, { now: at, place })).toBe('now');
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
  it('names a slot for each piece of news, after the version told last', () => {
    const told = toldAfter(open, undefined);
    const noted = acknowledgedBy(open, {
      notes: [{ at: now, by: { kind: 'cli', id: 'bo', name: 'bo' }, text: 'Look.' }],
    });
    expect(notesForSlack(noted, { ...place, told })).toEqual(['thread:1:acknowledged', 'thread:1:noted']);
    expect(notesForSlack(open, { ...place, told })).toEqual([]);
    expect(notesForSlack(noted, place)).toEqual([]);
  });
});
