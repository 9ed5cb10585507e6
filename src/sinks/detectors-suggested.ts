// What the past suggests for a detector, by the word that an analyst chooses for it in Status. Pure.
import type { Suggestions } from '../model/suggestions.ts';
import type { StatusAsk } from './detectors-rows.ts';

/** What proposes what the past suggests, and what promotes a detector out of the shadow. */
const SUGGESTED_ASKS = ['three a day', 'no missed dispute', 'promote'] as const satisfies readonly StatusAsk[];
type SuggestedAsk = (typeof SUGGESTED_ASKS)[number];

export type Suggested = {
  readonly ask: SuggestedAsk;
  readonly words: string;
  /** In the form of detectors.yaml. */
  readonly change: Readonly<Record<string, unknown>>;
};

export const isSuggestedAsk = (ask: StatusAsk | null): ask is SuggestedAsk =>
  SUGGESTED_ASKS.some((suggested) => suggested === ask);

export function suggestedFor(
  suggestions: Pick<Suggestions, 'of' | 'promotions'> | undefined,
  detector: string,
): readonly Suggested[] {
  if (suggestions === undefined) return [];
  const promotion = suggestions.promotions().find((one) => one.detector === detector);
  return [
    ...suggestions.of(detector).map(({ name, words, change }): Suggested => {
      return { ask: name === 'three_a_day' ? 'three a day' : 'no missed dispute', words, change };
    }),
    ...(promotion === undefined
      ? []
      : [{ ask: 'promote', words: `mode alert, it ${promotion.words}`, change: promotion.change } as const]),
  ];
}

/** For the cell of a detector of which nothing is asked. */
export function suggestionWords(suggested: readonly Suggested[]): string {
  return suggested.map(({ ask, words }) => `“${ask}” would be ${words}`).join(' | ');
}
