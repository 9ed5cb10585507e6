// What would a change of a detector have done? Its settings as they are and as they would be, both over the same stretch of
// the log, side by side in one fold; with what people and Stripe said of it since.
import { type FoldRecord, fold } from '../detectors/fold.ts';
import { SLACK_S } from '../detectors/history-plan.ts';
import { createChargesOfSignals } from '../detectors/history-signals.ts';
import { replay } from '../detectors/replay.ts';
import { createState, type FoldState, idInScope } from '../detectors/state.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { DetectorSettings, GeneralSettings, Rule } from '../model/detector.ts';
import { AppError } from '../model/errors.ts';
import type { LackingField, WhatIf } from '../model/what-if.ts';
import { candidatesOf, curveOf, lowestOf, valuesOf } from './curve.ts';
import { createFraudSignals, type FraudSignal } from './fraud-signals.ts';
import { lackingFields, viewsReadAgain } from './lacking-fields.ts';
import { askForFailuresOnly, createSkippedSuccesses, type SkippedSuccesses, skipsAllBut } from './skipped-successes.ts';
import { AFTER, BEFORE, compareSides } from './what-if-sides.ts';

export type WhatIfParts = {
  readonly log: Pick<EventLog, 'read' | 'ends' | 'offsetsAt'>;
  readonly feed: Pick<IncidentFeed, 'all' | 'settings' | 'general' | 'detectorNames' | 'settingsHistory'>;
  readonly piiKey: string;
  readonly clock: Clock;
};

export type WhatIfQuestion = {
  readonly detector: string;
  /** As it would be: validated, in full. */
  readonly settings: DetectorSettings;
  /** What it is compared with. Default: what is in force now. */
  readonly before?: DetectorSettings;
  /** Milliseconds: incidents whose first breach is not before it. */
  readonly sinceMs: number;
  /** Also how many incidents each lowest threshold would have made. */
  readonly curve?: boolean;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
};

export type Progress = { readonly done: number; readonly total: number };

const CURVE = 'curve';
const WEEK_MS = 7 * 86_400_000;
const DISORDER_MS = 600_000;
/** Of one partition: of a longer stretch the newest are read. */
const MAX_RECORDS = 5_000_000;

/** Rejects with `not_found` if there is no such detector, `field_not_kept`, else with the log's errors. */
export async function whatIf(parts: WhatIfParts, question: WhatIfQuestion): Promise<WhatIf> {
  const { feed, piiKey, clock } = parts;
  const { detector, settings, curve = false } = question;
  const current = question.before ?? currentSettings(feed, detector);
  const latenessMs = feed.general()?.latenessMs ?? 0;
  const rules = [ruleOf(BEFORE, current, latenessMs), ruleOf(AFTER, settings, latenessMs)];
  if (curve) rules.push(ruleOf(CURVE, { ...settings, thresholds: { notice: lowestOf(settings.count) } }, latenessMs));
  const replayed = await replayWith(parts, { ...question, rules, settings: [current, settings] });
  const { state, sinceMs, records, lacking, fraud } = replayed;
  const untilMs = clock.now();
  const weeks = weeksOf(sinceMs, untilMs);
  const sinceS = sinceMs / 1000;
  const own = [...feed.all()].filter(
    (incident) => incident.kind === 'episode' && incident.detector === detector && incident.status !== 'merged',
  );
  const compared = await compareSides(state, { incidents: own, fraud, piiKey, sinceS, weeks, kind: settings.per });
  if (!curve) return { detector, sinceMs, untilMs, records, lacking, ...compared };
  const keys = await valuesOf(state, CURVE);
  const points = curveOf({ settings, keys, candidates: candidatesOf(settings), sinceS, weeks });
  return { detector, sinceMs, untilMs, records, lacking, ...compared, curve: points };
}

export function currentSettings(feed: Pick<IncidentFeed, 'settings'>, detector: string): DetectorSettings {
  const current = feed.settings().find(({ rule }) => rule.detector === detector)?.rule.settings;
  if (current !== undefined && current !== null) return current;
  throw new AppError('not_found', `There is no detector ${detector.slice(0, 100)}.`, {
    help: 'declinewatch detectors list names them.',
  });
}

export const weeksOf = (sinceMs: number, untilMs: number): number => Math.max(1 / 7, (untilMs - sinceMs) / WEEK_MS);

export function ruleOf(detector: string, settings: DetectorSettings, latenessMs: number): Rule {
  const own = { ...settings, name: detector };
  return { record: 'rule', detector, version: 1, revision: 1, sinceS: 0, settings: own, latenessMs };
}

export type ReplayQuestion = Pick<WhatIfQuestion, 'sinceMs' | 'onProgress' | 'signal'> & {
  /** What is folded. */
  readonly rules: readonly Rule[];
  /** Whose fields and reach count. */
  readonly settings: readonly DetectorSettings[];
};

export type Replayed = {
  readonly state: FoldState;
  readonly sinceMs: number;
  readonly records: number;
  readonly lacking: readonly LackingField[];
  /** Disputes and early fraud warnings of which the log has the charge. */
  readonly fraud: readonly FraudSignal[];
};

/** One pass over the stretch for all of these rules. */
export async function replayWith(parts: WhatIfParts, question: ReplayQuestion): Promise<Replayed> {
  const { log, feed } = parts;
  const { rules, settings, signal, onProgress } = question;
  const { stretches, sinceMs, fromMs, records } = await stretchesOf(parts, question.sinceMs, settings);
  const state = createState({ lane: 'all' });
  fold(state, rules);
  const fraud = createFraudSignals(state);
  let done = 0;
  const told = (more: number): void => {
    done += more;
    onProgress?.({ done, total: records });
  };
  const skipped = askForFailuresOnly(settings) ? createSkippedSuccesses() : null;
  for (const stretch of stretches) await read(state, log, { ...stretch, signal, fraud, told, skipped });
  const general = feed.general();
  const lacking = lackingFields(feed, settings, fromMs);
  if (lacking.length > 0 && general !== null) await readAgain(state, { log, general, lacking, fromMs, signal });
  return { state, sinceMs, records, lacking, fraud: fraud.known() };
}

/** The same views once more, with what they lack: a missing value never beats one that is there. */
async function readAgain(
  state: FoldState,
  options: Parameters<typeof viewsReadAgain>[0] & { readonly general: GeneralSettings },
): Promise<void> {
  for await (const views of viewsReadAgain(options)) fold(state, views);
}

type Stretch = {
  readonly partition: number;
  /** Offset of the oldest record kept. */
  readonly first: number;
  readonly from: number;
  readonly to: number;
};

type Watch = {
  readonly signal: AbortSignal | undefined;
  readonly told: (records: number) => void;
  readonly fraud: ReturnType<typeof createFraudSignals>;
  /** null: everything is read. */
  readonly skipped: SkippedSuccesses | null;
};

async function read(state: FoldState, log: WhatIfParts['log'], options: Stretch & Watch): Promise<void> {
  const { partition, first, from, to, signal, told: onProgress, fraud, skipped } = options;
  const input = { log, partition, ...(signal === undefined ? {} : { signal }) };
  const charges = createChargesOfSignals(state);
  const isFact = (record: FoldRecord): boolean => {
    charges.see(record);
    fraud.see(record);
    skipped?.see(record);
    return record.record !== 'rule';
  };
  const skips = skipped === null ? {} : { skips: skipped.skips };
  await replay(state, { ...input, ...skips, ranges: [{ from, to }], wants: isFact, onProgress });
  // The charge of a signal may be far from it, or among the successes that were left out.
  const missing = new Set([...charges.missing(), ...fraud.missing()]);
  const torn = skipped?.torn() ?? new Set<string>();
  if (missing.size + torn.size === 0) return;
  const isMissing = (record: FoldRecord): boolean =>
    record.record === 'view' && (torn.has(record.attempt) || missing.has(idInScope(record, record.attempt)));
  const attempts = new Set([...torn, ...[...missing].map((id) => id.slice(id.lastIndexOf('/') + 1))]);
  const ranges = [{ from: first, to: skipped === null ? from : to }];
  await replay(state, { ...input, skips: skipsAllBut(attempts), ranges, wants: isMissing });
}

type Stretches = {
  readonly stretches: readonly Stretch[];
  readonly sinceMs: number;
  /** Milliseconds of record time: where reading begins. */
  readonly fromMs: number;
  readonly records: number;
};

async function stretchesOf(
  { log }: WhatIfParts,
  sinceMs: number,
  settings: readonly DetectorSettings[],
): Promise<Stretches> {
  const reachS = Math.max(...settings.map(({ windowS, quietForS }) => windowS + quietForS));
  const reachMs = (reachS + SLACK_S) * 1000 + DISORDER_MS;
  const wantedMs = Math.max(0, sinceMs - reachMs);
  const positions = await log.offsetsAt('attempts', wantedMs);
  const stretches: Stretch[] = [];
  let wholeMs = sinceMs;
  for (const { partition, first, next } of await log.ends('attempts')) {
    const wanted = positions.find((position) => position.partition === partition)?.offset ?? 0;
    const from = Math.max(first, wanted, next - MAX_RECORDS);
    stretches.push({ partition, first, from, to: next });
    if (from >= next || (from === wanted && !(first > 0 && from === first))) continue;
    for await (const page of log.read('attempts', partition, from, from + 1))
      wholeMs = Math.max(wholeMs, (page[0]?.timeMs ?? 0) + reachMs);
  }
  const records = stretches.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
  return { stretches, sinceMs: wholeMs, fromMs: Math.max(wantedMs, wholeMs - reachMs), records };
}
