// What the App Home, the handover card and the slash command say, from a feed by hand: complete, bounded, inert.
import { describe, expect, it } from 'vitest';
import { handoverCard } from '../../../src/alerts/blocks-handover.ts';
import { homeBlocks } from '../../../src/alerts/blocks-home.ts';
import { whyLines } from '../../../src/alerts/blocks-why.ts';
import type { DeskSources } from '../../../src/alerts/desk-sources.ts';
import { hiddenByMute } from '../../../src/alerts/mute-preview.ts';
import { answerSlash } from '../../../src/alerts/slash.ts';
import { createIncidentIndex } from '../../../src/feed/incident-index.ts';
import { createSettingsIndex } from '../../../src/feed/settings-index.ts';
import type { AcceptedSettings } from '../../../src/model/commands.ts';
import type { Incident } from '../../../src/model/incident.ts';
import type { WhyAnswer, WhyDetector, WhyReason } from '../../../src/model/why.ts';
import { blockProblems, homeProblems, messageProblems } from '../../support/block-kit.ts';
import { ANA, detectorSettings, GENERAL } from '../../support/decider.ts';
import { handClock } from '../../support/hand-clock.ts';
import { acknowledgedBy, changeTo, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const HOSTILE = '<!channel> <@U1> <https://evil.example|Stripe> @here \u202Eg\u0000';
const NOW = sampleIncident().openedAt + 900_000;
const MINE = acknowledgedBy(sampleIncident()).acknowledged?.by.id ?? '';

function accepted(version: number, at: number, thresholds: { warning: number }, why = 'because'): AcceptedSettings {
  const settings = detectorSettings({ thresholds });
  const rule = {
    record: 'rule',
    detector: settings.name,
    version,
    revision: 1,
    sinceS: 0,
    settings,
    latenessMs: 1,
  } as const;
  return { rule, general: GENERAL, position: { offset: version, index: 0 }, at, actor: ANA, why };
}

function sourcesOf(incidents: readonly Incident[], history: readonly AcceptedSettings[] = []): DeskSources {
  const index = createIncidentIndex();
  for (const [offset, incident] of incidents.entries()) index.take(changeTo(incident, offset));
  const settings = createSettingsIndex();
  for (const one of history) settings.take(one);
  return {
    feed: { ...index.queries, ...settings.queries },
    consoleUrl: 'http://127.0.0.1:4243',
    clock: handClock(NOW),
    act: async () => ({ outcome: 'pending', command: 'x' }),
    waiting: () => ({ pending: 0, failedCount: 0 }),
  };
}

const many = (count: number, facts: Partial<Incident> = {}): readonly Incident[] =>
  Array.from({ length: count }, (_, n) =>
    sampleIncident({
      id: `INC-${n + 1}`,
      title: HOSTILE,
      detector: HOSTILE,
      mutedUntil: NOW + 1_000 + n,
      entity: { kind: 'card', value: `${HOSTILE}${n}`, label: `${HOSTILE.repeat(5)}${n}` },
      ...facts,
    }),
  );

const inert = (value: unknown): void => {
  expect(JSON.stringify(value)).not.toMatch(/<!channel|<@U1|<https:\/\/evil|https:\/\/evil|@here|\u202e|\\u0000/);
};

describe('the App Home', () => {
  const textOf = (incidents: readonly Incident[]): string => JSON.stringify(homeBlocks(sourcesOf(incidents), MINE));

  it('says that nothing waits when nothing does', () => {
    const text = textOf([]);
    expect(text).toContain('Open (0)');
    expect(text).toContain('Nothing waits for anybody.');
    expect(text).toContain('No detector has alerted in the last 7 days.');
  });

  it('puts the worst first, and leaves out what was never told', () => {
    const text = textOf([
      sampleIncident({ severity: 'warning' }),
      sampleIncident({ id: 'INC-2' }),
      sampleIncident({ id: 'INC-3', mode: 'shadow' }),
      sampleIncident({ id: 'INC-4', storm: 'INC-9' }),
      sampleIncident({ id: 'INC-5', late: true }),
      resolvedBy(sampleIncident({ id: 'INC-6' })),
    ]);
    expect(text).toContain('Open (2)');
    expect(text.indexOf('|INC-2>')).toBeGreaterThan(0);
    expect(text.indexOf('|INC-1>')).toBeGreaterThan(text.indexOf('|INC-2>'));
    for (const id of ['INC-3', 'INC-4', 'INC-5', 'INC-6']) expect(text).not.toContain(`|${id}>`);
  });

  it('tells mine from what others have, and what still grows', () => {
    const other = { kind: 'slack', id: 'U0BO', name: 'bo' } as const;
    const growing = { lastBreachAt: NOW - 1_000 };
    const mine = acknowledgedBy(sampleIncident(growing));
    const theirs = acknowledgedBy(sampleIncident({ id: 'INC-2', ...growing }), {
      acknowledged: { by: other, at: NOW, peak: 3, severity: 'critical' },
    });
    const quiet = { ...theirs, id: 'INC-3', lastBreachAt: NOW - 3_600_000 };
    const text = textOf([mine, theirs, quiet]);
    expect(text).toContain('Acknowledged by you (1)');
    expect(text).toMatch(/\|INC-1>[^"]*\*growing\*/);
    expect(text).toContain('|INC-2>');
    expect(text).not.toContain('|INC-3>');
  });

  it('stays within Slack’s limits, however much there is, and inert', () => {
    for (const facts of [
      {},
      {
        status: 'acknowledged',
        acknowledged: { by: { ...ANA, id: MINE }, at: 1, peak: 1, severity: 'warning' },
        lastBreachAt: NOW,
      },
    ] as const) {
      const blocks = homeBlocks({ ...sourcesOf(many(300, facts)), coverage: () => HOSTILE.repeat(50) }, MINE);
      expect(homeProblems({ type: 'home', blocks })).toEqual([]);
      inert(blocks);
    }
  });
});

describe('the handover card', () => {
  it('says what changed of the detectors since the last one, and by whom', () => {
    const history = [accepted(1, NOW - 9e7, { warning: 3 }), accepted(2, NOW - 1_000, { warning: 5 }, 'too loud')];
    const { text } = handoverCard(sourcesOf([], history), NOW - 3_600_000);
    expect(text).toContain('Changes of detectors (1)');
    expect(text).toMatch(/card-declines: thresholds warning 3 → warning 5, by <@U0ANA>, .*: too loud/);
    expect(text).not.toContain('is new');
  });

  it('says so when nothing waits, and counts what was done', () => {
    expect(handoverCard(sourcesOf([]), NOW - 3_600_000).text).toContain('Nothing waits');
    const done = resolvedBy(sampleIncident());
    expect(handoverCard(sourcesOf([done]), done.openedAt).text).toContain(
      '1 incident opened, 1 incident resolved, 1 of them fraud',
    );
  });

  it('stays within Slack’s limits, however much there is, and inert', () => {
    const history = Array.from({ length: 200 }, (_, n) => accepted(n + 1, NOW, { warning: n }, HOSTILE));
    const incidents = [
      ...many(200),
      ...many(200, acknowledgedBy(sampleIncident())).map((one, n) => ({ ...one, id: `INC-${n + 500}` })),
    ];
    const card = handoverCard({ ...sourcesOf(incidents, history), coverage: () => HOSTILE.repeat(99) }, 0);
    expect(messageProblems(card)).toEqual([]);
    inert(card);
  });
});

describe('why, in words', () => {
  const one = (facts: Partial<WhyDetector>): WhyDetector => ({
    detector: 'card-declines',
    title: 'x',
    mode: 'alert',
    account: null,
    livemode: true,
    entity: null,
    windowS: 600,
    thresholds: { warning: 3 },
    value: 2,
    peak: null,
    reason: 'below_threshold',
    incident: null,
    mutedUntil: null,
    ...facts,
  });
  const told = (...detectors: WhyDetector[]): WhyAnswer => ({
    atMs: 0,
    sinceMs: 0,
    isWhole: true,
    attempt: null,
    detectors,
  });
  const settings = [detectorSettings()];

  it.each<[WhyReason, string]>([
    ['muted', 'its posts are muted'],
    ['shadow', 'shadow mode'],
    ['withdrawn', 'was withdrawn'],
    ['off', 'is off'],
    ['below_minimum', 'too few attempts'],
    ['below_threshold', 'stayed below'],
    ['reached', 'no incident is known yet'],
  ])('%s', (reason, words) => {
    expect(whyLines(told(one({ reason })), { which: 'whynot', settings }).join()).toContain(words);
    expect(whyLines(told(one({ reason })), { which: 'why', settings })).toEqual(['No detector has alerted about it.']);
  });

  it('names those that are not concerned in one line, and values in their own words', () => {
    const lines = whyLines(
      told(one({ reason: 'no_match', detector: 'a' }), one({ reason: 'no_entity', detector: 'b' })),
      {
        which: 'whynot',
        settings,
      },
    );
    expect(lines).toEqual(['Every detector that counts it has alerted.', 'Not concerned: a, b.']);
    const ratio = [detectorSettings({ count: 'ratio' })];
    expect(whyLines(told(one({ value: 0.42 })), { which: 'whynot', settings: ratio }).join()).toContain(
      '42 % now in 10 min',
    );
  });

  it('says when older attempts may be missing, and stays inert', () => {
    const hostile = {
      ...told(...Array.from({ length: 60 }, () => one({ detector: HOSTILE, reason: HOSTILE as WhyReason }))),
      isWhole: false,
    };
    const lines = whyLines(
      { ...hostile, attempt: { id: HOSTILE, atMs: 0, outcome: HOSTILE, code: HOSTILE, class: 'G', dunning: false } },
      { which: 'whynot', settings },
    );
    expect(lines.at(-1)).toContain('may be missing');
    expect(lines.length).toBeLessThan(30);
    inert(lines);
  });
});

describe('the slash command', () => {
  const context = (incidents: readonly Incident[]) => ({
    sources: sourcesOf(incidents),
    asker: { id: 'U0ANA', name: 'ana' },
    handedOverAt: 0,
  });

  it('asks which one when several detectors alert about an entity', async () => {
    const two = [sampleIncident(), sampleIncident({ id: 'INC-2', detector: 'other', title: 'Another' })];
    const answer = await answerSlash('mute card:fp_4242 2h', context(two));
    expect(answer).toMatchObject({ kind: 'text' });
    expect(JSON.stringify(answer)).toMatch(/mute INC-2.*mute INC-1/);
    expect(await answerSlash('mute card:fp_4242 2h', context(two.slice(0, 1)))).toEqual({
      kind: 'mute',
      incident: 'INC-1',
      duration: '2h',
    });
  });

  it('answers whatever is typed, within Slack’s limits and inert', async () => {
    for (const typed of [
      '',
      'status',
      'mutes',
      'mute',
      'handover',
      'why',
      'WHYNOT card:x',
      HOSTILE,
      `why ${HOSTILE}`,
      `mute ${HOSTILE}`,
      `unmute ${HOSTILE}`,
      'x'.repeat(2_000),
    ]) {
      const answer = await answerSlash(typed, context(many(300)));
      if (answer.kind !== 'text') throw new Error('a form');
      expect(answer.text.length).toBeGreaterThan(0);
      expect(answer.text.length).toBeLessThanOrEqual(4_000);
      expect(blockProblems(answer.blocks)).toEqual([]);
      inert(answer);
    }
  });
});

describe('what a mute would have hidden', () => {
  const fraud = (id: string, facts: Partial<Incident> = {}) => resolvedBy(sampleIncident({ id, ...facts }));

  it('counts what was posted in 30 days, and how much of it was fraud', () => {
    const { feed } = sourcesOf([
      sampleIncident({ openedAt: NOW - 40 * 86_400_000 }),
      fraud('INC-2'),
      fraud('INC-3', { late: true }),
      fraud('INC-4', { mode: 'shadow' }),
      fraud('INC-5', { detector: 'another' }),
      sampleIncident({ id: 'INC-6' }),
    ]);
    expect(hiddenByMute(feed, 'INC-6', NOW)).toBe(
      'In the last 30 days it would have hidden 2 incidents, this one included; 1 of the 1 judged was fraud.',
    );
    expect(hiddenByMute(feed, 'INC-99', NOW)).toBeNull();
  });

  it('says when nothing is judged', () => {
    const { feed } = sourcesOf([sampleIncident()]);
    expect(hiddenByMute(feed, 'INC-1', NOW)).toContain('none of them is judged yet');
  });
});
