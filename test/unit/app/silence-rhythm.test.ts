import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrive,
  FORGET_MS,
  newRhythm,
  type Rhythm,
  restoreRhythm,
  SHORTEST_MS,
  silenceOf,
} from '../../../src/app/silence-rhythm.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A Monday, 00:00 UTC. */
const MONDAY = Date.UTC(2027, 2, 1);

/** Events every `everyMs` while `isOpen`, from Monday on for `days`. */
function rhythmOf(days: number, everyMs: number, isOpen: (atMs: number) => boolean = () => true): Rhythm {
  let rhythm: Rhythm | null = null;
  for (let at = MONDAY; at < MONDAY + days * DAY; at += everyMs) {
    if (!isOpen(at)) continue;
    if (rhythm === null) rhythm = newRhythm(at);
    else arrive(rhythm, at);
  }
  if (rhythm === null) throw new Error('Nothing has arrived.');
  return rhythm;
}

const hourOfDay = (at: number): number => new Date(at).getUTCHours();
const isDaytime = (at: number): boolean => hourOfDay(at) >= 8 && hourOfDay(at) < 20;
const isWeekday = (at: number): boolean => ![0, 6].includes(new Date(at).getUTCDay());

/** Milliseconds after its last event at which it is first called silent; null: not within four days. */
function noticedAfter(rhythm: Rhythm): number | null {
  for (let ms = MINUTE; ms <= 4 * DAY; ms += MINUTE) if (silenceOf(rhythm, rhythm.lastAt + ms) !== null) return ms;
  return null;
}

describe('silence', () => {
  it('of an account that is always busy is noticed after 15 minutes', () => {
    const rhythm = rhythmOf(10, 30_000);
    expect(noticedAfter(rhythm)).toBe(SHORTEST_MS);
    expect(silenceOf(rhythm, rhythm.lastAt + SHORTEST_MS)).toEqual({
      sinceMs: rhythm.lastAt,
      usual: 'at least 30 events usually come in that time',
    });
  });

  it('at night is no silence for a shop that sleeps, but by day it soon is', () => {
    const rhythm = rhythmOf(21, MINUTE, isDaytime);
    const evening = noticedAfter(rhythm) ?? 0;
    // The last event was at 19:59: the next that were to come begin at 08:00.
    expect(evening).toBeGreaterThan(12 * HOUR);
    expect(evening).toBeLessThan(12.5 * HOUR);
    const noon = rhythmOf(21, MINUTE, (at) => isDaytime(at) && at < MONDAY + 20 * DAY + 12 * HOUR);
    expect(noticedAfter(noon)).toBe(SHORTEST_MS);
  });

  it('over the weekend is no silence for a shop that is closed then, once a fortnight is known', () => {
    const friday = MONDAY + 25 * DAY;
    const rhythm = rhythmOf(26, MINUTE, (at) => isDaytime(at) && isWeekday(at) && at < friday);
    const noticed = rhythm.lastAt + (noticedAfter(rhythm) ?? 0);
    expect(noticed).toBeGreaterThan(friday + 8 * HOUR);
    const wholeWeek = rhythmOf(28, MINUTE, (at) => isDaytime(at) && isWeekday(at));
    const sunday = MONDAY + 27 * DAY + 12 * HOUR;
    expect(silenceOf(wholeWeek, sunday)).toBeNull();
    expect(silenceOf(wholeWeek, MONDAY + 28 * DAY + 9 * HOUR)).not.toBeNull();
  });

  it('of an account with few events goes by its longest pause, one outage left out', () => {
    const quiet = rhythmOf(20, 3 * HOUR);
    expect(noticedAfter(quiet)).toBe(6 * HOUR);
    const withOutage = rhythmOf(20, 3 * HOUR, (at) => at < MONDAY + 9 * DAY || at > MONDAY + 11 * DAY);
    expect(noticedAfter(withOutage)).toBe(6 * HOUR);
    expect(silenceOf(quiet, quiet.lastAt + 7 * HOUR)?.usual).toBe(
      'it has not paused for more than 3 hours in four weeks',
    );
  });

  it('is not told of an account that is new, hardly used, or gone', () => {
    const oneDay = rhythmOf(0.9, MINUTE);
    expect(silenceOf(oneDay, oneDay.lastAt + 10 * HOUR)).toBeNull();
    const few = rhythmOf(10, DAY);
    expect(silenceOf(few, few.lastAt + 9 * DAY)).toBeNull();
    const gone = rhythmOf(10, MINUTE);
    expect(silenceOf(gone, gone.lastAt + FORGET_MS)).toBeNull();
  });

  it('never comes before 15 minutes, never of what has just arrived, whatever the rhythm', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 3 * DAY }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: SHORTEST_MS - 1 }), (pauses, laterMs) => {
        let at = MONDAY;
        const rhythm = newRhythm(at);
        for (const pause of pauses) {
          at += pause;
          arrive(rhythm, at);
        }
        expect(silenceOf(rhythm, rhythm.lastAt + laterMs)).toBeNull();
        expect(rhythm.lastAt).toBe(at);
        expect(restoreRhythm(JSON.parse(JSON.stringify(rhythm)))).toEqual(rhythm);
        expect(rhythm.hours).toHaveLength(672);
        expect(rhythm.pauses).toHaveLength(28);
      }),
    );
  });

  it('takes arrivals that are a little out of order, and time never goes back', () => {
    const rhythm = newRhythm(MONDAY);
    arrive(rhythm, MONDAY + HOUR);
    arrive(rhythm, MONDAY + HOUR - 5_000);
    expect([rhythm.lastAt, rhythm.arrivals]).toEqual([MONDAY + HOUR, 3]);
  });

  it('takes nothing that it has not written itself', () => {
    for (const kept of [null, 1, {}, { ...newRhythm(1), hours: [] }, { ...newRhythm(1), lastAt: 'x' }])
      expect(restoreRhythm(kept)).toBeNull();
  });
});
