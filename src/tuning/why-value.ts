// The value of a detector's window on one entity at any second, counted one by one: few attempts, no state, and a second
// opinion on what the windows hold. Pure.
import { attemptVariables, signalVariables } from '../detectors/cel.ts';
import { createRevision, type Revision } from '../detectors/revision.ts';
import type { AttemptFields } from '../model/attempt.ts';
import type { DetectorSettings } from '../model/detector.ts';
import type { Subject } from './why-read.ts';

export type Counted = {
  readonly id: string;
  /** Seconds. */
  readonly time: number;
  readonly matches: boolean;
  /** In the denominator of a ratio. */
  readonly isInRatio: boolean;
  /** Its time may be a breach instant. */
  readonly mayBreach: boolean;
  readonly fields: AttemptFields;
  readonly amount: number;
};

/** What each is to the detector, in time order. Throws a plain Error if a filter does not compile. */
export function countedBy(settings: DetectorSettings, subjects: readonly Subject[]): readonly Counted[] {
  const revision = createRevision(1, settings);
  return subjects.map((subject) => counted(revision, subject)).sort((a, b) => a.time - b.time);
}

function counted({ settings, where, of, at }: Revision, subject: Subject): Counted {
  const isSignal = 'signal' in subject;
  const fields = isSignal ? subject.of : subject.fields;
  const { card, customer, email } = fields;
  const money = isSignal ? subject : fields;
  const amount = money.amount ?? 0;
  const variables = isSignal
    ? signalVariables({
        ...{ signal: subject.signal, reason: subject.reason, livemode: subject.livemode },
        ...{ amount: subject.amount, currency: subject.currency, card, customer, email },
      })
    : attemptVariables(subject);
  const isForeign = settings.count === 'sum(amount)' && money.currency !== settings.currency;
  const matches = !isForeign && where(variables);
  const isInRatio = settings.count === 'ratio' && (matches || of?.(variables) === true);
  const mayBreach = at === null ? (settings.count === 'ratio' ? isInRatio : matches) : at(variables);
  return { id: subject.id, time: subject.time, matches, isInRatio, mayBreach, fields, amount };
}

export type Value = { readonly value: number; readonly matching: number; readonly denominator: number };

/** Of the window (atS − window, atS]. */
export function valueAt(settings: DetectorSettings, all: readonly Counted[], atS: number): Value {
  const inWindow = all.slice(firstAfter(all, atS - settings.windowS), firstAfter(all, atS));
  const matching = inWindow.filter(({ matches }) => matches);
  const denominator = inWindow.filter(({ isInRatio }) => isInRatio).length;
  return { value: aggregate(settings, matching, denominator), matching: matching.length, denominator };
}

function aggregate({ count }: DetectorSettings, matching: readonly Counted[], denominator: number): number {
  if (count === 'attempts') return matching.length;
  if (count === 'ratio') return denominator === 0 ? 0 : matching.length / denominator;
  if (count === 'sum(amount)') return matching.reduce((sum, { amount }) => sum + amount, 0);
  const field = count.slice('distinct('.length, -1) as 'card' | 'email' | 'customer' | 'ip';
  return new Set(matching.flatMap(({ fields }) => fields[field] ?? [])).size;
}

/** Index of the first that is later. */
function firstAfter(all: readonly Counted[], atS: number): number {
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((all[middle]?.time ?? 0) <= atS) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Instants that are looked at for the peak: the newest. */
const MAX_INSTANTS = 500;

/** The largest value at an instant that may breach, and when; null: there is none. */
export function peakOf(settings: DetectorSettings, all: readonly Counted[]): (Value & { readonly atS: number }) | null {
  let peak: (Value & { readonly atS: number }) | null = null;
  const instants = [...new Set(all.filter(({ mayBreach }) => mayBreach).map(({ time }) => time))];
  for (const atS of instants.slice(-MAX_INSTANTS)) {
    const value = valueAt(settings, all, atS);
    if (value.matching === 0 || (settings.minimum !== null && value.denominator < settings.minimum)) continue;
    if (peak === null || value.value > peak.value) peak = { ...value, atS };
  }
  return peak;
}
