import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHandovers, dueAt, timesOfDay } from '../../../src/alerts/handover.ts';
import type { Delivery } from '../../../src/model/delivery.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { handClock } from '../../support/hand-clock.ts';
import { noticeReceipt, toldOf } from '../../support/notices-told.ts';
import { resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const DAY = Date.UTC(2026, 9, 1);
const at = (hour: number, minute = 0): number => DAY + (hour * 60 + minute) * 60_000;

describe('the times of handover', () => {
  it('are times of the day, in order, each once; what is none is left out', () => {
    expect(timesOfDay(['20:00', '8:00', '08:00', '24:00', '7', '', ' 12:30 ', '12:60'])).toEqual([480, 750, 1_200]);
  });

  it('are due at the newest that has passed, yesterday’s last before the first', () => {
    const minutes = timesOfDay(['08:00', '20:00']);
    expect(dueAt(minutes, at(7, 59))).toBe(at(20) - 86_400_000);
    expect(dueAt(minutes, at(8))).toBe(at(8));
    expect(dueAt(minutes, at(19, 59))).toBe(at(8));
    expect(dueAt(minutes, at(23))).toBe(at(20));
    expect(dueAt([], at(12))).toBeNull();
  });

  it('never lie ahead, and never more than a day back', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_439), { minLength: 1, maxLength: 5 }), fc.nat(2 ** 40), (minutes, now) => {
        const due =
          dueAt(
            [...minutes].sort((a, b) => a - b),
            now,
          ) ?? Number.NaN;
        expect(due).toBeLessThanOrEqual(now);
        expect(due).toBeGreaterThan(now - 86_400_000);
      }),
    );
  });
});

describe('the cards', () => {
  const receipt = (due: number, version = due): Delivery => ({
    ...noticeReceipt(`handover:${due}`, version),
    at: due,
    place: { channel: 'C1', ts: '1.2' },
  });
  const due = (receipts: readonly Delivery[], incidents: readonly Incident[] = []) => {
    const since: number[] = [];
    const handovers = createHandovers({
      at: ['08:00', '20:00'],
      channel: 'C1',
      card: (sinceMs) => {
        since.push(sinceMs);
        return { text: 'card', blocks: [] };
      },
      erasedCard: () => ({ text: 'erased', blocks: [] }),
      incidents: () => incidents,
      clock: handClock(at(20, 5)),
    });
    const told = toldOf(receipts);
    const notices = handovers.due(told).map(({ subject, version, card }) => [subject, version, card().text]);
    return { notices, since, lastAt: handovers.lastAt(told) };
  };

  it('are due at each change of duty, and tell of what was since the one before', () => {
    const first = due([]);
    expect(first.notices).toEqual([[`handover:${at(20)}`, at(20), 'card']]);
    expect(first.since).toEqual([at(8)]);
    expect(first.lastAt).toBe(at(8, 5));
    const next = due([receipt(at(8) - 86_400_000), receipt(at(7))]);
    expect(next.since).toEqual([at(7)]);
    expect(next.lastAt).toBe(at(7));
    // Its own receipt is not the one before.
    expect(due([receipt(at(7)), receipt(at(20))]).since).toEqual([at(7)]);
  });

  it('that named somebody who was erased since name them no more', () => {
    const erased = (facts: Partial<Incident>, atMs = at(12)): Incident =>
      sampleIncident({ openedAt: at(6), erased: { at: atMs, number: 1, version: 2 }, ...facts });
    const [card, told] = [[`handover:${at(20)}`, at(20), 'card'], [receipt(at(8))]];
    expect(due(told, [sampleIncident({ openedAt: at(6) })]).notices).toEqual([card]);
    expect(due(told, [erased({}), erased({ id: 'INC-2' })]).notices).toEqual([
      [`handover:${at(8)}`, at(8) + 2, 'erased'],
      card,
    ]);
    // Those of another time: erased before it, opened after it, resolved before it.
    expect(due(told, [erased({}, at(7)), erased({ openedAt: at(10) })]).notices).toEqual([card]);
    const resolved = resolvedBy(erased({}));
    const before = { ...resolved, resolved: resolved.resolved && { ...resolved.resolved, at: at(7) } };
    expect(due(told, [before]).notices).toEqual([card]);
  });
});
