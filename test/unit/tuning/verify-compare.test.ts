// Who claims which episode, and what is said when it does not agree: small cases by hand.
import { describe, expect, it } from 'vitest';
import type { Incident } from '../../../src/model/incident.ts';
import { compareAll, type ExpectedEpisode } from '../../../src/tuning/verify-compare.ts';
import { sampleIncident } from '../../support/sample-incident.ts';

const KEY = {
  detector: 'card-declines',
  scope: { account: null, livemode: true },
  entity: { kind: 'card', value: 'fp' },
} as const;

const episode = (
  firstBreachAt: number,
  lastBreachAt: number,
  facts: Partial<ExpectedEpisode> = {},
): ExpectedEpisode => ({
  severity: 'warning',
  threshold: 3,
  firstAttemptAt: firstBreachAt - 2,
  lastAttemptAt: lastBreachAt,
  firstBreachAt,
  lastBreachAt,
  peak: 3,
  attemptCount: 3,
  exact: true,
  settingsVersion: 1,
  check: 'facts',
  ...facts,
});

/** As it is told of that episode. */
const incident = (id: string, of: ExpectedEpisode, facts: Partial<Incident> = {}): Incident => ({
  ...sampleIncident(),
  id,
  kind: 'episode',
  status: 'open',
  detector: KEY.detector,
  account: null,
  livemode: true,
  entity: { ...KEY.entity, label: '' },
  severity: of.severity,
  threshold: of.threshold,
  firstAttemptAt: of.firstAttemptAt * 1000,
  lastAttemptAt: of.lastAttemptAt * 1000,
  firstBreachAt: of.firstBreachAt * 1000,
  lastBreachAt: of.lastBreachAt * 1000,
  peak: of.peak,
  attemptCount: of.attemptCount,
  exact: true,
  openingBreachS: of.firstBreachAt,
  ...facts,
});

const compare = (episodes: readonly ExpectedEpisode[], incidents: readonly Incident[], sinceS = 0): readonly string[] =>
  compareAll({ expected: new Map([[keyOf(), { key: KEY, episodes }]]), incidents, sinceS }).map(
    ({ kind, incident: id }) => `${id ?? '-'} ${kind}`,
  );

const keyOf = (): string => ['card-declines', 'self/live', 'card', 'fp'].join('\u001f');

describe('episodes beside incidents', () => {
  it('agree when each has its own', () => {
    const [a, b] = [episode(100, 110), episode(900, 950)];
    expect(compare([a, b], [incident('INC-1', a), incident('INC-2', b)])).toEqual([]);
  });

  it('go by the breach that opened the incident, else by what they share', () => {
    const whole = episode(100, 950, { attemptCount: 9 });
    const opened = incident('INC-1', whole, { openingBreachS: 900 });
    expect(compare([whole], [opened])).toEqual([]);
    const moved = incident('INC-1', episode(90, 120), { openingBreachS: 90 });
    expect(compare([episode(100, 120)], [moved])).toEqual(['INC-1 differs']);
  });

  it('want one incident that is not resolved, and the last word of several that are', () => {
    const one = episode(100, 110, { attemptCount: 9 });
    const first = incident('INC-1', one, { status: 'resolved', attemptCount: 3 });
    expect(compare([one], [first, incident('INC-2', one, { continues: 'INC-1' })])).toEqual([]);
    expect(compare([one], [first])).toEqual(['INC-1 differs']);
    expect(compare([one], [incident('INC-1', one), incident('INC-2', one)])).toEqual(['INC-1, INC-2 several']);
    expect(compare([one], [incident('INC-1', one), incident('INC-2', one, { status: 'merged' })])).toEqual([]);
  });

  it('leave a resolved incident its verdict when its episode is gone, and name one that is open', () => {
    const gone = episode(100, 110);
    expect(compare([], [incident('INC-1', gone, { status: 'resolved' })])).toEqual([]);
    expect(compare([], [incident('INC-1', gone, { status: 'withdrawn' })])).toEqual([]);
    expect(compare([], [incident('INC-1', gone)])).toEqual(['INC-1 unfounded']);
    expect(compare([], [incident('INC-1', gone)], 101)).toEqual([]);
  });

  it('ask no more of an episode than can be known', () => {
    const now = episode(100, 110, { check: 'exists' });
    expect(compare([now], [incident('INC-1', now, { attemptCount: 2 })])).toEqual([]);
    expect(compare([now], [])).toEqual(['- missing']);
    expect(compare([episode(100, 110, { check: 'optional' })], [])).toEqual([]);
    expect(compare([episode(100, 110, { check: 'ignored' })], [])).toEqual([]);
    const short = incident('INC-1', episode(100, 110), { attemptCount: 2, exact: false });
    expect(compare([episode(100, 110)], [short])).toEqual([]);
  });
});
