// What a change that is in force already would have done over the last 30 days: the words of proposals, for who announces it.
import type { DetectorSettings } from '../model/detector.ts';
import { whatIfWords } from '../model/what-if-words.ts';
import { plural } from '../model/words.ts';
import { type WhatIfParts, whatIf } from './what-if.ts';

export type ChangeQuestion = {
  readonly detector: string;
  /** null: it is new. */
  readonly before: DetectorSettings | null;
  readonly after: DetectorSettings;
};

const LOOKED_BACK_MS = 30 * 86_400_000;
const DAY_MS = 86_400_000;

/** `41 → 96 incidents in 30 days, +55, …`; of a new detector `12 incidents in 30 days`. Rejects as `whatIf` does. */
export async function changeWords(
  parts: WhatIfParts,
  { detector, before, after }: ChangeQuestion,
  signal: AbortSignal,
): Promise<string> {
  const sinceMs = parts.clock.now() - LOOKED_BACK_MS;
  const result = await whatIf(parts, { detector, before: before ?? after, settings: after, sinceMs, signal });
  if (before !== null) return whatIfWords(result);
  const days = Math.max(1, Math.round((result.untilMs - result.sinceMs) / DAY_MS));
  return `${plural(result.after.incidents, 'incident')} in ${plural(days, 'day')}`;
}
