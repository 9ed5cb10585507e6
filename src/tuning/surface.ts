// The whole curve of a detector in one pass over the log: thresholds 1 to 50 over windows of 5 minutes to 7 days, with alerts a
// week, precision, and the disputes that no alert would have spoken of; what is in force, and two suggestions with their price.
import { keysOf } from '../detectors/fold.ts';
import { unhurried } from '../detectors/replay.ts';
import { partsOf } from '../detectors/state.ts';
import type { Surface, SurfacePoint } from '../model/curve.ts';
import type { DetectorSettings } from '../model/detector.ts';
import type { Incident } from '../model/incident.ts';
import { maskEntity } from '../model/mask.ts';
import { candidatesOf, lowestOf } from './curve.ts';
import { entityIdOf, type FraudSignal, fraudByEntity, speaksOf } from './fraud-signals.ts';
import { wilson } from './grades.ts';
import { suggestionsOf } from './surface-suggest.ts';
import { type Chain, chainsOf, type Instant, valuesOver } from './surface-values.ts';
import {
  currentSettings,
  type Replayed,
  replayWith,
  ruleOf,
  type WhatIfParts,
  type WhatIfQuestion,
  weeksOf,
} from './what-if.ts';

export type SurfaceQuestion = Pick<WhatIfQuestion, 'detector' | 'sinceMs' | 'signal' | 'onProgress'>;

const MINUTE_S = 60;
const WINDOWS_S = [5, 10, 15, 30, 60, 120, 240, 480, 1_440, 2_880, 5_760, 10_080].map((minutes) => minutes * MINUTE_S);
const MOST_THRESHOLD = 50;

/** Rejects with `not_found`, `field_not_kept`, else with the log's errors. */
export async function surfaceOf(parts: WhatIfParts, { detector, ...asked }: SurfaceQuestion): Promise<Surface> {
  const [surface] = await surfacesOf(parts, { ...asked, detectors: [detector] });
  if (surface === undefined) throw new Error('each detector has a surface');
  return surface;
}

type Plan = {
  readonly detector: string;
  readonly settings: DetectorSettings;
  readonly windows: readonly number[];
  readonly thresholds: readonly number[];
};

/** Of several detectors in one pass, in their order. */
export async function surfacesOf(
  parts: WhatIfParts,
  { detectors, ...asked }: Omit<SurfaceQuestion, 'detector'> & { readonly detectors: readonly string[] },
): Promise<readonly Surface[]> {
  const { feed } = parts;
  const latenessMs = feed.general()?.latenessMs ?? 0;
  const plans = detectors.map((detector): Plan => {
    const settings = currentSettings(feed, detector);
    const windows = [...new Set([...WINDOWS_S, settings.windowS])].sort((a, b) => a - b);
    return { detector, settings, windows, thresholds: thresholdsOf(settings) };
  });
  // Every match breaches, and no window is longer than a second: what is read off the cells is each second by itself.
  const rules = plans.map(({ detector, settings }) => {
    const each = { windowS: 1, thresholds: { notice: lowestOf(settings.count) } };
    const minimum = settings.minimum === null ? null : 1;
    return ruleOf(detector, { ...settings, ...each, minimum }, latenessMs);
  });
  const reaching = plans.map(({ settings, windows }) => {
    const windowS = windows.at(-1) ?? settings.windowS;
    return { ...settings, windowS, quietForS: Math.max(settings.quietForS, windowS) };
  });
  const replayed = await replayWith(parts, { ...asked, rules, settings: reaching });
  const surfaces: Surface[] = [];
  for (const plan of plans) surfaces.push(await readSurface(parts, plan, replayed));
  return surfaces;
}

async function readSurface({ feed, piiKey, clock }: WhatIfParts, plan: Plan, replayed: Replayed): Promise<Surface> {
  const { detector, settings, windows, thresholds } = plan;
  const { state, sinceMs, records, lacking, fraud } = replayed;
  const untilMs = clock.now();
  const weeks = weeksOf(sinceMs, untilMs);
  const own = fraud.filter(({ time }) => time * 1000 >= sinceMs);
  const tally = createTally({ settings, windows, thresholds, sinceS: sinceMs / 1000 });
  const signals = fraudByEntity(own, settings.per);
  const incidents = judgedByEntity(feed.all(), detector);
  for await (const key of unhurried(keysOf(state))) {
    const [part] = key.detector === detector ? partsOf(state, key) : [];
    if (part === undefined) continue;
    const known = { incidents: judgedOn(incidents, key, piiKey), signals: signals.get(entityIdOf(key)) ?? [] };
    const minimum = settings.minimum ?? 0;
    tally.take((windowS) => valuesOver(part, { windowS, minimum }), known);
  }
  const points = tally.points({ weeks, fraud: own });
  const lowest = Math.min(...Object.values(settings.thresholds));
  const current = points.find(({ windowS, threshold }) => windowS === settings.windowS && threshold === lowest);
  if (current === undefined) throw new Error('what is in force is among the points');
  return {
    detector,
    ...{ sinceMs, untilMs, records, lacking },
    disputes: own.filter(({ kind }) => kind === 'dispute').length,
    warnings: own.filter(({ kind }) => kind !== 'dispute').length,
    ...{ windows, thresholds, current, points },
    suggestions: suggestionsOf({ settings, current, points }),
  };
}

function thresholdsOf(settings: DetectorSettings): readonly number[] {
  const { count, thresholds } = settings;
  if (count === 'ratio' || count === 'sum(amount)') return candidatesOf(settings);
  const counts = Array.from({ length: MOST_THRESHOLD }, (_, n) => n + 1);
  return [...new Set([...counts, ...Object.values(thresholds)])].sort((a, b) => a - b);
}

/** Of which it is known what they were. */
function judgedByEntity(all: Iterable<Incident>, detector: string): ReadonlyMap<string, readonly Incident[]> {
  const own = [...all].filter(
    ({ kind, detector: name, resolved }) =>
      kind === 'episode' && name === detector && resolved !== null && resolved.verdict !== 'unsure',
  );
  return Map.groupBy(own, ({ account, livemode, entity }) => entityIdOf({ scope: { account, livemode }, entity }));
}

function judgedOn(
  incidents: ReadonlyMap<string, readonly Incident[]>,
  key: Parameters<typeof entityIdOf>[0],
  piiKey: string,
): readonly Incident[] {
  if (incidents.size === 0) return [];
  return incidents.get(entityIdOf({ ...key, entity: maskEntity(key.entity, null, piiKey) })) ?? [];
}

type Known = { readonly incidents: readonly Incident[]; readonly signals: readonly FraudSignal[] };
type Count = { alerts: number; judged: number; fraud: number; disputes: number; warnings: number };

type TallyOptions = {
  readonly settings: Pick<DetectorSettings, 'quietForS'>;
  readonly windows: readonly number[];
  readonly thresholds: readonly number[];
  readonly sinceS: number;
};

/** Counts of every point, key by key. */
function createTally({ settings, windows, thresholds, sinceS }: TallyOptions) {
  const counts = windows.map(() =>
    thresholds.map((): Count => ({ alerts: 0, judged: 0, fraud: 0, disputes: 0, warnings: 0 })),
  );
  return {
    take: (valuesIn: (windowS: number) => readonly Instant[], known: Known): void => {
      windows.forEach((windowS, w) => {
        const instants = valuesIn(windowS);
        const most = instants.reduce((greatest, { value }) => Math.max(greatest, value), 0);
        const quietForS = Math.max(settings.quietForS, windowS);
        thresholds.forEach((threshold, n) => {
          const count = counts[w]?.[n];
          // Most keys never come near most thresholds.
          if (threshold > most || count === undefined) return;
          const chains = chainsOf(instants, { threshold, windowS, quietForS });
          add(
            count,
            chains.filter(({ firstBreachAt }) => firstBreachAt >= sinceS),
            known,
          );
        });
      });
    },
    points: ({ weeks, fraud }: { readonly weeks: number; readonly fraud: readonly FraudSignal[] }): SurfacePoint[] => {
      const disputes = fraud.filter(({ kind }) => kind === 'dispute').length;
      return windows.flatMap((windowS, w) =>
        thresholds.map((threshold, n): SurfacePoint => {
          const count = counts[w]?.[n] ?? { alerts: 0, judged: 0, fraud: 0, disputes: 0, warnings: 0 };
          return {
            windowS,
            threshold,
            alerts: count.alerts,
            perWeek: count.alerts / weeks,
            judged: count.judged,
            fraud: count.fraud,
            precision: wilson(count.fraud, count.judged),
            missedDisputes: disputes - count.disputes,
            missedWarnings: fraud.length - disputes - count.warnings,
          };
        }),
      );
    },
  };
}

function add(count: Count, chains: readonly Chain[], { incidents, signals }: Known): void {
  count.alerts += chains.length;
  if (incidents.length + signals.length === 0) return;
  const spoken = new Set<FraudSignal>();
  for (const chain of chains) {
    const near = signals.filter((signal) => speaksOf(chain, signal));
    for (const signal of near) spoken.add(signal);
    const covering = incidents.find(
      (incident) =>
        incident.firstBreachAt <= chain.lastBreachAt * 1000 && incident.lastBreachAt >= chain.firstBreachAt * 1000,
    );
    if (covering === undefined && near.length === 0) continue;
    count.judged += 1;
    if (near.length > 0 || covering?.resolved?.verdict === 'fraud') count.fraud += 1;
  }
  for (const { kind } of spoken) {
    if (kind === 'dispute') count.disputes += 1;
    else count.warnings += 1;
  }
}
