// How well the shipped detectors see: every attack of the library on top of ordinary traffic, and days of ordinary traffic
// alone, through the backtest's fold. Labels come from src/simulate, which knows no detector.
//
//   node bench/detection.ts [--seeds 3] [--days 7] [--check] [--json]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkDetectorsFile } from '../src/detectors/detectors-file.ts';
import type { DetectorSettings, GeneralSettings } from '../src/model/detector.ts';
import { PLAYS, type Play, type PlayName } from '../src/simulate/attacks.ts';
import { eventsOf, type StripeEvent } from '../src/simulate/events.ts';
import { ordinaryTraffic } from '../src/simulate/ordinary.ts';
import { type Random, seededRandom } from '../src/simulate/random.ts';
import { createBacktest, type EpisodeLine } from '../src/tuning/backtest.ts';

export type Detectors = { readonly detectors: readonly DetectorSettings[]; readonly general: GeneralSettings };

export type PlayResult = {
  readonly name: PlayName;
  readonly isAttack: boolean;
  readonly seed: number;
  /** Seconds from its first act until Slack would speak; null: never. */
  readonly fromFirstS: number | null;
  /** Seconds from the act by which anybody could know; at least `settle`. */
  readonly fromEvidentS: number | null;
  /** How many of its acts had happened when it breached. */
  readonly acts: number | null;
  readonly firstDetector: string | null;
  /** Episodes of it in all. */
  readonly alerts: number;
};

export type DayResult = { readonly seed: number; readonly days: number; readonly alerts: readonly EpisodeLine[] };

/** Of the goal: seconds to alert, and false alerts a day. */
export const GOAL = { alertS: 60, falseADay: 3 };

const START_S = 1_790_000_000;
const DAY_S = 86_400;
/** A shop of middling size. */
export const ORDINARY_A_DAY = 5_000;
const WARM_UP_S = 2_400;
const GOES_ON_S = 600;

export function shippedDetectors(): Detectors {
  const checked = checkDetectorsFile(readFileSync(join(import.meta.dirname, '../detectors.yaml'), 'utf8'));
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.file;
}

/** One play on top of ordinary traffic that has been going on for a while. */
export function runPlay(name: PlayName, seed: number, shipped: Detectors): PlayResult {
  const play: Play = PLAYS[name];
  const random = seededRandom(seed);
  const backtest = createBacktest(shipped);
  const own = new Set<string>();
  const times: number[] = [];
  const beginS = START_S + WARM_UP_S;
  const endS = beginS + play.everyS * play.evidentAfter + GOES_ON_S;
  const ordinary = ordinaryTraffic(random);
  const act = play.actor(random);
  let nextOrdinary = START_S;
  let nextOwn = beginS;
  while (Math.min(nextOrdinary, nextOwn) < endS) {
    if (nextOrdinary <= nextOwn) {
      for (const event of eventsOf(ordinary(Math.floor(nextOrdinary)), random)) backtest.addLine(JSON.stringify(event));
      nextOrdinary += gap(DAY_S / ORDINARY_A_DAY, random);
    } else {
      const at = Math.floor(nextOwn);
      times.push(at);
      for (const event of eventsOf(act(at), random)) {
        own.add(attemptIn(event));
        backtest.addLine(JSON.stringify(event));
      }
      nextOwn += play.everyS;
    }
  }
  return judge({ name, play, seed, shipped, own, times, episodes: [...backtest.episodes()] });
}

type Played = {
  readonly name: PlayName;
  readonly play: Play;
  readonly seed: number;
  readonly shipped: Detectors;
  readonly own: ReadonlySet<string>;
  readonly times: readonly number[];
  readonly episodes: readonly EpisodeLine[];
};

/** An episode is of the play if most of its members are. */
function judge({ name, play, seed, shipped, own, times, episodes }: Played): PlayResult {
  const ofPlay = episodes.filter(({ attempts }) => 2 * attempts.filter((id) => own.has(id)).length > attempts.length);
  const settleS = Math.max(0, ...shipped.detectors.map(({ settleMs }) => settleMs)) / 1_000;
  const first = ofPlay.toSorted((a, b) => (a.firstBreachAt < b.firstBreachAt ? -1 : 1))[0];
  const common = { name, isAttack: play.isAttack, seed, alerts: ofPlay.length };
  const nothing = { fromFirstS: null, fromEvidentS: null, acts: null, firstDetector: null };
  const [begunS] = times;
  if (first === undefined || begunS === undefined) return { ...common, ...nothing };
  const breachS = Date.parse(first.firstBreachAt) / 1_000;
  const evidentS = times[play.evidentAfter - 1] ?? begunS;
  return {
    ...common,
    fromFirstS: breachS - begunS + settleS,
    fromEvidentS: Math.max(0, breachS - evidentS) + settleS,
    acts: times.filter((at) => at <= breachS).length,
    firstDetector: first.detector,
  };
}

/** Days on which nothing happens: whatever is told is false. */
export function runDays(seed: number, days: number, shipped: Detectors): DayResult {
  const random = seededRandom(seed);
  const backtest = createBacktest(shipped);
  const ordinary = ordinaryTraffic(random);
  for (let at = START_S; at < START_S + days * DAY_S; at += gap(DAY_S / ORDINARY_A_DAY, random))
    for (const event of eventsOf(ordinary(Math.floor(at)), random)) backtest.addLine(JSON.stringify(event));
  return { seed, days, alerts: [...backtest.episodes()] };
}

/** As people come: independent of each other. */
const gap = (meanS: number, random: Random): number => -Math.log(1 - random.next()) * meanS;

function attemptIn({ data }: StripeEvent): string {
  const { object } = data as { object: Readonly<Record<string, unknown>> };
  if (object.object === 'setup_intent') return String(object.latest_attempt);
  if (object.object === 'payment_intent') return String(object.latest_charge);
  return String(object.id);
}

export function failuresOf(plays: readonly PlayResult[], days: readonly DayResult[]): readonly string[] {
  const failures = plays
    .filter(({ isAttack, fromEvidentS }) => isAttack && (fromEvidentS === null || fromEvidentS >= GOAL.alertS))
    .map(({ name, seed, fromEvidentS }) => `${name} (seed ${seed}): ${fromEvidentS ?? 'not seen'}`);
  const falseADay = perDay(days);
  if (falseADay >= GOAL.falseADay) failures.push(`${falseADay.toFixed(2)} false alerts a day`);
  return failures;
}

export function perDay(results: readonly DayResult[]): number {
  const days = results.reduce((sum, result) => sum + result.days, 0);
  return results.reduce((sum, { alerts }) => sum + alerts.length, 0) / Math.max(1, days);
}

function table(plays: readonly PlayResult[], days: readonly DayResult[]): string {
  const seeds = new Set(plays.map(({ seed }) => seed)).size;
  const lines = ['| play | seen | s from the first act | s from where it is evident | acts | first by | alerts |'];
  lines.push('| --- | --- | --- | --- | --- | --- | --- |');
  for (const [name, runs] of Map.groupBy(plays, (run) => run.name)) {
    const worst = (of: (run: PlayResult) => number | null): string => {
      const values = runs.map(of);
      return values.includes(null) ? '–' : String(Math.max(...values.map((value) => value ?? 0)));
    };
    const seen = runs.filter(({ fromFirstS }) => fromFirstS !== null).length;
    const by = [...new Set(runs.map(({ firstDetector }) => firstDetector ?? '–'))].join(', ');
    const what = runs[0]?.isAttack === true ? name : `${name} (no attack)`;
    const figures = [worst((run) => run.fromFirstS), worst((run) => run.fromEvidentS), worst((run) => run.acts)];
    lines.push(`| ${[what, `${seen}/${seeds}`, ...figures, by, worst((run) => run.alerts)].join(' | ')} |`);
  }
  const total = days.reduce((sum, result) => sum + result.days, 0);
  lines.push(
    '',
    `Ordinary traffic, ${ORDINARY_A_DAY} tries a day, ${total} days: ${perDay(days).toFixed(2)} false alerts a day`,
  );
  for (const [detector, alerts] of Map.groupBy(
    days.flatMap((result) => result.alerts),
    (alert) => alert.detector,
  ))
    lines.push(`- ${detector}: ${(alerts.length / total).toFixed(2)}`);
  return `${lines.join('\n')}\n`;
}

function main(): number {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '3' },
      days: { type: 'string', default: '7' },
      check: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const shipped = shippedDetectors();
  const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
  const names = Object.keys(PLAYS) as readonly PlayName[];
  const plays = names.flatMap((name) => seeds.map((seed) => runPlay(name, seed, shipped)));
  const days = seeds.map((seed) => runDays(seed, Number(values.days), shipped));
  const failures = failuresOf(plays, days);
  process.stdout.write(values.json ? `${JSON.stringify({ plays, days, failures })}\n` : table(plays, days));
  for (const failure of failures) process.stderr.write(`not met: ${failure}\n`);
  return values.check && failures.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = main();
