// A member as it is shown: its views merged once more, for facts that are no personal data.
import { attemptOf, mergeSignal, mergeView } from '../attempts/merge.ts';
import type { AttemptFields } from '../model/attempt.ts';
import type { MemberSummary } from '../model/episode.ts';
import { cardLabel, clean } from '../model/mask.ts';
import type { Match, Recorded } from './matches.ts';

const MAX_TEXT = 128;

export const shownText = (text: string): string => clean(text.slice(0, MAX_TEXT));

type Merged = {
  readonly attempts: Map<string, ReturnType<typeof mergeView>>;
  readonly signals: Map<string, ReturnType<typeof mergeSignal>>;
};

/** In the order given. Of a signal: outcome '', its reason as code, the card of its charge. */
export function summariesOf(members: readonly Match[], records: readonly Recorded[]): readonly MemberSummary[] {
  const wanted = new Set(members.map(({ id }) => id));
  for (const record of records)
    if (record.record === 'signal' && wanted.has(record.id) && record.charge !== null) wanted.add(record.charge);
  const merged: Merged = { attempts: new Map(), signals: new Map() };
  for (const record of records) {
    if (record.record === 'signal') {
      if (wanted.has(record.id)) merged.signals.set(record.id, mergeSignal(merged.signals.get(record.id), record));
    } else if (wanted.has(record.attempt))
      merged.attempts.set(record.attempt, mergeView(merged.attempts.get(record.attempt), record));
  }
  return members.map((member) => summaryOf(member, merged));
}

function summaryOf({ id, time }: Match, { attempts, signals }: Merged): MemberSummary {
  const signal = signals.get(id);
  const attempt = attempts.get(signal === undefined ? id : (signal.charge ?? ''));
  const facts: AttemptFields = attempt === undefined ? {} : attemptOf(attempt).fields;
  const { result, intent } = facts;
  const { amount, currency } = signal ?? facts;
  return {
    id: shownText(id),
    at: time,
    outcome: signal === undefined ? (result?.outcome ?? '') : '',
    code: shownText(signal === undefined ? (result?.code ?? '') : signal.reason),
    amount: amount ?? null,
    currency: currency === undefined ? null : shownText(currency),
    card: cardLabel(facts),
    intent: intent === undefined ? null : shownText(intent),
  };
}
