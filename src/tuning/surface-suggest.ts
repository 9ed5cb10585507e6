// Two suggestions read off the curve, each with its price: about three alerts a day, and no missed dispute. Pure.
import type { Suggestion, SurfacePoint } from '../model/curve.ts';
import { type DetectorSettings, ladder } from '../model/detector.ts';
import { valueInWords } from '../model/headline.ts';
import { formatCount, formatDuration } from '../model/words.ts';

const ALERTS_PER_WEEK = 21;

export type SuggestInput = {
  readonly settings: DetectorSettings;
  readonly current: SurfacePoint;
  readonly points: readonly SurfacePoint[];
};

/** None of what is in force already. */
export function suggestionsOf(input: SuggestInput): readonly Suggestion[] {
  const three = nearest(input);
  const none = catchingAll(input);
  return [
    ...(three === null ? [] : [suggestion('three_a_day', three, input)]),
    ...(none === null ? [] : [suggestion('no_missed_dispute', none, input)]),
  ];
}

const missedOf = ({ missedDisputes, missedWarnings }: SurfacePoint): number => missedDisputes + missedWarnings;

/** In the window in force: people know it. Of two as near the one that misses less, then the higher threshold. */
function nearest({ current, points }: SuggestInput): SurfacePoint | null {
  const apart = ({ perWeek }: SurfacePoint): number => Math.abs(Math.log((perWeek + 0.5) / (ALERTS_PER_WEEK + 0.5)));
  const [best] = points
    .filter(({ windowS, alerts }) => windowS === current.windowS && alerts > 0)
    .sort((a, b) => apart(a) - apart(b) || missedOf(a) - missedOf(b) || b.threshold - a.threshold);
  // As near as what is in force is no reason to change it.
  return best === undefined || apart(best) >= apart(current) ? null : best;
}

/** The fewest alerts with which as few as can be are missed; null: none is known, or what is in force misses no more. */
function catchingAll({ current, points }: SuggestInput): SurfacePoint | null {
  const least = Math.min(...points.map(({ missedDisputes }) => missedDisputes));
  if (current.missedDisputes <= least) return null;
  const [best] = points
    .filter(({ missedDisputes }) => missedDisputes === least)
    .sort((a, b) => a.alerts - b.alerts || a.windowS - b.windowS || b.threshold - a.threshold);
  return best ?? null;
}

function suggestion(name: Suggestion['name'], point: SurfacePoint, input: SuggestInput): Suggestion {
  return { name, point, change: changeTo(point, input.settings), words: wordsOf(point, input) };
}

/** Higher severities keep their distance, as a multiple, so that the ladder still rises. */
function changeTo({ threshold, windowS }: SurfacePoint, settings: DetectorSettings): Suggestion['change'] {
  const [lowest, ...higher] = ladder(settings.thresholds);
  if (lowest === undefined) return {};
  const isWhole = settings.count !== 'ratio';
  const thresholds: Record<string, number> = { [lowest.severity]: threshold };
  let before = threshold;
  for (const { severity, value } of higher) {
    const scaled = Math.max(value, (threshold * value) / lowest.value);
    const own = isWhole ? Math.ceil(scaled) : Math.min(1, scaled);
    // A share of all cannot be exceeded: that severity goes.
    if (own > before) thresholds[severity] = own;
    before = Math.max(before, own);
  }
  const dropped = higher.filter(({ severity }) => !(severity in thresholds)).map(({ severity }) => [severity, null]);
  const window = windowS === settings.windowS ? {} : { window: `${windowS}s` };
  const quietFor = windowS > settings.quietForS ? { quietFor: `${windowS}s` } : {};
  return { thresholds: { ...thresholds, ...Object.fromEntries(dropped) }, ...window, ...quietFor };
}

const perDay = ({ perWeek }: SurfacePoint): string => formatCount(Math.round((perWeek / 7) * 10) / 10);

function wordsOf(point: SurfacePoint, { settings, current }: SuggestInput): string {
  const share = point.precision;
  const percent = (value: number): string => `${Math.round(value * 100)} %`;
  return [
    `${valueInWords(point.threshold, settings)} in ${formatDuration(point.windowS)}: ${perDay(point)} alerts a day (now ${perDay(current)})`,
    share === null
      ? 'nobody has judged any of them yet'
      : `${percent(share.value)} of those judged were fraud (${percent(share.low)} to ${percent(share.high)})`,
    `${formatCount(point.missedDisputes)} disputes missed (now ${formatCount(current.missedDisputes)})`,
  ].join(', ');
}
