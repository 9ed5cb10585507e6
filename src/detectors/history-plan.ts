// Which stretches of event time the history lane has to look at again, how much around them it must know, and for which
// range of first breach instants it can then speak. Pure.
import type { Span } from './history-index.ts';

export const HOUR_S = 3_600;
/** Seconds that the views of one attempt are apart at most: an intent's failure comes within moments of its charge. */
export const SLACK_S = 3_600;

/** Seconds: the longest window and quiet gap. */
export type Reach = { readonly windowS: number; readonly quietForS: number };

export type Piece = {
  /** Instants that waiting views may have changed begin and end within it, but for the last window. */
  readonly seed: Span;
  /** Loaded beyond what the seed asks for, because an episode goes on: seconds. */
  readonly tailS: number;
};

/** Of first breach instants: what a report on the piece is complete for. */
export function rangeOf({ seed }: Piece, { windowS, quietForS }: Reach): Span {
  return { fromS: seed.fromS, toS: seed.toS + windowS + quietForS + 1 };
}

/** Of event times: what must be read so that the range is exact. */
export function loadOf(piece: Piece, reach: Reach): Span {
  const { fromS, toS } = rangeOf(piece, reach);
  return {
    fromS: fromS - reach.quietForS - reach.windowS - SLACK_S,
    toS: toS + reach.quietForS + SLACK_S + piece.tailS,
  };
}

/** An episode begins before what is spoken of: twice as far back, and at least to where it seems to begin. */
export function reachBack({ seed, tailS }: Piece, firstBreachAt: number): Piece {
  const lengthS = Math.max(HOUR_S, seed.toS - seed.fromS);
  return { seed: { ...seed, fromS: Math.min(firstBreachAt, seed.fromS - lengthS) }, tailS };
}

/** An episode may go on after what is known: twice as far. */
export function reachOn({ seed, tailS }: Piece): Piece {
  return { seed, tailS: tailS + Math.max(HOUR_S, seed.toS - seed.fromS + tailS) };
}

export type PlanInput = {
  /** Event hours with views that wait. */
  readonly hours: Iterable<number>;
  readonly reach: Reach;
  /** Views with an event time in the span. */
  readonly count: (span: Span) => number;
  /** Most views of a piece, unless a single hour with its surroundings has more. */
  readonly maxViews: number;
};

/** Ascending; hours whose surroundings meet are one piece as long as it is small enough. */
export function planPieces({ hours, reach, count, maxViews }: PlanInput): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const hour of [...hours].sort((a, b) => a - b)) {
    const own: Piece = { seed: { fromS: hour * HOUR_S - SLACK_S, toS: (hour + 1) * HOUR_S + SLACK_S }, tailS: 0 };
    const last = pieces.at(-1);
    const both = last === undefined ? null : { seed: { fromS: last.seed.fromS, toS: own.seed.toS }, tailS: 0 };
    const meets = last !== undefined && loadOf(own, reach).fromS <= loadOf(last, reach).toS;
    if (both !== null && meets && count(loadOf(both, reach)) <= maxViews) pieces[pieces.length - 1] = both;
    else pieces.push(own);
  }
  return pieces;
}
