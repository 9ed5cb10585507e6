// Runs the `tests:` blocks through the very same fold that counts in earnest (design §5).
import { classify } from '../attempts/codes.ts';
import type { AttemptFields, SignalView, View } from '../model/attempt.ts';
import type { DetectorSettings, Rule } from '../model/detector.ts';
import { compareSeverity, type Severity } from '../model/detector.ts';
import type { Episode } from '../model/episode.ts';
import { plural } from '../model/words.ts';
import { episodesOf, type FoldRecord, fold, keysOf } from './fold.ts';
import type { DetectorsFile } from './schema.ts';
import { createState } from './state.ts';
import type { DetectorTest, TestAttempt, TestSignal } from './test-schema.ts';

export type TestResult = {
  readonly detector: string;
  readonly test: string;
  /** `expected 1 episode, got 0`; empty: passed. */
  readonly differences: readonly string[];
};

/** Seconds; any round instant does: a test counts from its own beginning. */
const BEGIN_S = 1_800_000_000;

export function runTests({ detectors, tests, general }: DetectorsFile): readonly TestResult[] {
  return detectors.flatMap((settings) =>
    (tests.get(settings.name) ?? []).map((test) => runTest(settings, test, general.latenessMs)),
  );
}

function runTest(settings: DetectorSettings, test: DetectorTest, latenessMs: number): TestResult {
  const state = createState({ lane: 'all' });
  const rule: Rule = {
    record: 'rule',
    detector: settings.name,
    version: 1,
    revision: 1,
    sinceS: 0,
    settings,
    latenessMs,
  };
  fold(state, [rule, ...attemptsOf(test.attempts ?? []), ...signalsOf(test.signals ?? [])]);
  const episodes = [...keysOf(state)].flatMap((key) => episodesOf(state, key));
  return { detector: settings.name, test: test.name, differences: differencesOf(test.expect, episodes) };
}

function differencesOf(expect: DetectorTest['expect'], episodes: readonly Episode[]): string[] {
  const differences: string[] = [];
  if (episodes.length !== expect.episodes)
    differences.push(`expected ${plural(expect.episodes, 'episode')}, got ${episodes.length}`);
  const severity = episodes.reduce<Severity | null>(
    (worst, episode) => (compareSeverity(episode.severity, worst) > 0 ? episode.severity : worst),
    null,
  );
  if (expect.severity !== undefined && severity !== expect.severity)
    differences.push(`expected severity ${expect.severity}, got ${severity ?? 'none'}`);
  const peak = episodes.length === 0 ? null : Math.max(...episodes.map((episode) => episode.peak));
  if (expect.peak !== undefined && peak !== expect.peak)
    differences.push(`expected peak ${expect.peak}, got ${peak ?? 'none'}`);
  return differences;
}

/** What ingest would have made of it: e-mails in lower case, a class by the code, received as it happened. */
function attemptsOf(attempts: readonly TestAttempt[]): readonly FoldRecord[] {
  let number = 0;
  return attempts.flatMap((attempt) =>
    repeated(attempt, (timeS) => {
      const id = `ch_${++number}`;
      const { outcome = 'declined', livemode = true, code = '' } = attempt;
      return viewOf(id, timeS, {
        kind: attempt.kind ?? 'payment',
        livemode,
        invoice: attempt.dunning ?? false,
        fields: { ...factsOf(attempt), result: { outcome, code, class: classify({ outcome, code, livemode }) } },
      });
    }),
  );
}

function factsOf(attempt: TestAttempt): AttemptFields {
  const { at: _at, outcome: _outcome, code: _code, kind: _kind, dunning: _dunning, times: _times, ...rest } = attempt;
  const { livemode: _livemode, email, card, ...facts } = rest;
  return {
    ...(card === undefined ? {} : { card, method: 'card' }),
    ...(email === undefined ? {} : { email: email.trim().toLowerCase() }),
    ...(facts as AttemptFields),
  };
}

/** A signal takes card, customer and e-mail from its charge: one is made for each. */
function signalsOf(signals: readonly TestSignal[]): readonly FoldRecord[] {
  let number = 0;
  return signals.flatMap((given) =>
    repeated(given, (timeS) => {
      number += 1;
      const { signal, reason = '', amount, currency, livemode = true, card, customer, email } = given;
      const charge = viewOf(`ch_${number}`, timeS, {
        kind: 'payment',
        livemode,
        invoice: false,
        fields: {
          ...(card === undefined ? {} : { card, method: 'card' }),
          ...(customer === undefined ? {} : { customer }),
          ...(email === undefined ? {} : { email: email.trim().toLowerCase() }),
          result: { outcome: 'succeeded', code: '', class: '' },
        },
      });
      const view: SignalView = {
        ...stampOf(timeS),
        record: 'signal',
        livemode,
        signal,
        id: `${signal}_${number}`,
        charge: charge.attempt,
        reason,
        ...(amount === undefined ? {} : { amount }),
        ...(currency === undefined ? {} : { currency }),
        event: `evt_s${number}`,
      };
      return [charge, view];
    }).flat(),
  );
}

function repeated<T>({ at, times = 1 }: { at: number; times?: number | undefined }, make: (timeS: number) => T): T[] {
  return Array.from({ length: times }, (_, index) => make(BEGIN_S + at + index));
}

type ViewFacts = Pick<View, 'kind' | 'livemode' | 'invoice' | 'fields'>;

function viewOf(attempt: string, timeS: number, facts: ViewFacts): View {
  return {
    ...stampOf(timeS),
    ...facts,
    record: 'view',
    source: 'charge',
    apiVersion: '',
    event: `evt_${attempt}`,
    attempt,
    firstPayment: false,
  };
}

function stampOf(timeS: number) {
  return { account: null, created: timeS, time: timeS, receivedAt: timeS * 1_000, lane: 'live' as const };
}
