import { describe, expect, it } from 'vitest';
import { type EpisodeNow, isOver, markAfter, type ReportMark, reportDue } from '../../../src/detectors/reports.ts';

const QUIET_S = 100;

const episode = (changes: Partial<EpisodeNow> = {}): EpisodeNow => ({
  severity: 'warning',
  firstBreachAt: 1_000,
  lastBreachAt: 1_010,
  peak: 3,
  attemptCount: 3,
  settingsVersion: 1,
  exact: true,
  over: false,
  quietForS: QUIET_S,
  ...changes,
});

/** Told at 0 ms. */
const told = (...episodes: EpisodeNow[]): ReportMark | null => markAfter(null, episodes, 0);

const END_MS = (1_010 + QUIET_S + 1) * 1_000;

describe('what is reported at once', () => {
  it.each<[string, ReportMark | null, EpisodeNow[], string]>([
    ['a first episode', null, [episode()], 'opened'],
    [
      'a further episode',
      told(episode()),
      [episode(), episode({ firstBreachAt: 2_000, lastBreachAt: 2_000 })],
      'opened',
    ],
    ['a higher severity', told(episode()), [episode({ severity: 'critical' })], 'worse'],
    ['a withdrawal', told(episode()), [], 'changed'],
    ['an end', told(episode()), [episode({ over: true })], 'over'],
    [
      'two that become one',
      told(episode(), episode({ firstBreachAt: 1_200, lastBreachAt: 1_210 })),
      [episode({ lastBreachAt: 1_210 })],
      'changed',
    ],
    [
      'one that becomes two',
      told(episode({ lastBreachAt: 1_210 })),
      [episode(), episode({ firstBreachAt: 1_200, lastBreachAt: 1_210 })],
      'changed',
    ],
    [
      'one that merges while another opens',
      told(episode(), episode({ firstBreachAt: 1_200, lastBreachAt: 1_210 })),
      [episode({ lastBreachAt: 1_210 }), episode({ firstBreachAt: 3_000, lastBreachAt: 3_000 })],
      'opened',
    ],
  ])('%s', (_, mark, episodes, why) => expect(reportDue(mark, episodes, 1)).toEqual({ due: 'now', why }));
});

describe('growth', () => {
  it('is reported after 5, 10, 20, 40 s and then every minute', () => {
    let mark = told(episode());
    const at: number[] = [];
    for (let s = 1; s <= 200; s++) {
      const grown = episode({ attemptCount: 3 + s, lastBreachAt: 1_010 + s });
      if (reportDue(mark, [grown], s * 1_000).due !== 'now') continue;
      at.push(s);
      mark = markAfter(mark, [grown], s * 1_000);
    }
    expect(at).toEqual([5, 10, 20, 40, 100, 160]);
  });

  it('waits for its slot, and says when that is', () => {
    expect(reportDue(told(episode()), [episode({ attemptCount: 4 })], 1_000)).toEqual({
      due: 'later',
      atMs: 5_000,
      endMs: END_MS,
    });
  });

  it.each<Partial<EpisodeNow>>([
    { peak: 4 },
    { attemptCount: 2 },
    { settingsVersion: 2 },
    { exact: false },
    { firstBreachAt: 999 },
  ])('or any other difference counts: %o', (changes) =>
    expect(reportDue(told(episode()), [episode(changes)], 5_000)).toEqual({ due: 'now', why: 'grew' }),
  );
});

describe('without a difference', () => {
  it('nothing is due before the end', () => {
    expect(reportDue(told(episode()), [episode()], 5_000)).toEqual({
      due: 'later',
      atMs: Number.POSITIVE_INFINITY,
      endMs: END_MS,
    });
  });

  it('nothing is ever due once it is over, or of a key without episodes', () => {
    const ended = episode({ over: true });
    expect(reportDue(told(ended), [ended], 5_000)).toEqual({ due: 'never' });
    expect(reportDue(null, [], 5_000)).toEqual({ due: 'never' });
    expect(markAfter(told(episode()), [], 5)).toBeNull();
  });
});

describe('an end', () => {
  it('comes one second after the last instant that could still join', () => {
    expect(isOver(episode(), QUIET_S, END_MS - 1)).toBe(false);
    expect(isOver(episode(), QUIET_S, END_MS)).toBe(true);
  });
});
