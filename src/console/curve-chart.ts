// The pictures of a curve over one window: alerts a week, precision with its interval, what would have been missed. SVGs that
// need no script; with one, the chart library draws the same data with one cursor for all of them. Pure.
import { html } from 'hono/html';
import type { Surface, SurfacePoint } from '../model/curve.ts';
import type { DetectorSettings } from '../model/detector.ts';
import { valueInWords } from '../model/headline.ts';
import { formatCount, formatDuration } from '../model/words.ts';
import type { Html } from './markup.ts';

const WIDTH = 720;
const HEIGHT = 190;
const LEFT = 52;
const RIGHT = 14;
const TOP = 28;
const BOTTOM = 26;
const LEAST_DRAWN = 10;

/** By index of the threshold, evenly apart: a few that lie far off do not press the others together. */
type CurveLine = {
  readonly label: string;
  /** null: there is none, or none that the scale has. */
  readonly values: readonly (number | null)[];
  readonly kind: 'line' | 'second' | 'low' | 'high';
};

export type CurvePicture = {
  readonly name: 'alerts' | 'precision' | 'missed';
  readonly title: string;
  readonly about: string;
  /** Of the thresholds, in the detector's unit. */
  readonly labels: readonly string[];
  readonly lines: readonly CurveLine[];
  readonly scale: 'log' | 'share' | 'count';
  readonly low: number;
  readonly high: number;
  readonly marks: readonly CurveMark[];
  /** Of the first picture: each threshold in a sentence, and the threshold as a form takes it. */
  readonly points?: readonly { readonly says: string; readonly value: number }[];
};

export type CurveMark = { readonly at: number; readonly label: string; readonly kind: 'current' | 'suggested' };

type Unit = Pick<DetectorSettings, 'count' | 'currency'>;

export const SUGGESTION_WORDS = {
  three_a_day: 'about three alerts a day',
  no_missed_dispute: 'no missed dispute',
} as const;

/** Of one window, by threshold. */
export function pointsOf({ windows, thresholds, points }: Surface, windowS: number): readonly SurfacePoint[] {
  const at = windows.indexOf(windowS) * thresholds.length;
  return at < 0 ? [] : points.slice(at, at + thresholds.length);
}

/** What a point is, beside its figures: in force, suggested. */
function marksOf(surface: Surface, point: SurfacePoint): readonly Omit<CurveMark, 'at'>[] {
  const isSame = (one: SurfacePoint): boolean => one.windowS === point.windowS && one.threshold === point.threshold;
  return [
    ...(isSame(surface.current) ? [{ label: 'in force', kind: 'current' } as const] : []),
    ...surface.suggestions.flatMap(({ name, point: one }) =>
      isSame(one) ? [{ label: SUGGESTION_WORDS[name], kind: 'suggested' } as const] : [],
    ),
  ];
}

/** Nothing to be judged or missed has no picture. Thresholds above those that would alert are left to the table. */
export function curvePictures(surface: Surface, windowS: number, unit: Unit): readonly CurvePicture[] {
  const all = pointsOf(surface, windowS);
  const last = all.findLastIndex((point) => point.alerts > 0 || marksOf(surface, point).length > 0);
  const points = all.slice(0, Math.max(LEAST_DRAWN, last + 2));
  const common = {
    labels: points.map(({ threshold }) => valueInWords(threshold, unit)),
    marks: points.flatMap((point, at) => marksOf(surface, point).map((mark) => ({ at, ...mark }))),
  };
  return [
    alertsPicture(points, common, unit),
    ...(points.some(({ judged }) => judged > 0) ? [precisionPicture(points, common)] : []),
    ...(surface.disputes + surface.warnings > 0 ? [missedPicture(points, common, surface)] : []),
  ];
}

type Common = Pick<CurvePicture, 'labels' | 'marks'>;

function alertsPicture(points: readonly SurfacePoint[], common: Common, unit: Unit): CurvePicture {
  const values = points.map(({ perWeek }) => (perWeek > 0 ? perWeek : null));
  const known = values.filter((value) => value !== null);
  const decade = (value: number, round: (power: number) => number): number => 10 ** round(Math.log10(value));
  const low = decade(Math.min(1, ...known), Math.floor);
  return {
    ...{ name: 'alerts', title: 'Alerts a week', scale: 'log', ...common, low },
    about: `Alerts a week by lowest threshold, on a logarithmic scale. ${common.marks.map(({ at, label }) => `${label}: ${common.labels[at] ?? ''}`).join('; ')}`,
    high: decade(Math.max(10 * low, ...known), Math.ceil),
    lines: [{ label: 'alerts a week', values, kind: 'line' }],
    points: points.map((point) => ({ says: sentenceOf(point, unit), value: point.threshold })),
  };
}

function precisionPicture(points: readonly SurfacePoint[], common: Common): CurvePicture {
  return {
    ...{ name: 'precision', title: 'Precision', scale: 'share', ...common, low: 0, high: 1 },
    about: 'Of the alerts of which it is known what they were, the share that was fraud, with its 95 % interval.',
    lines: [
      { label: 'from', values: points.map(({ precision }) => precision?.low ?? null), kind: 'low' },
      { label: 'to', values: points.map(({ precision }) => precision?.high ?? null), kind: 'high' },
      { label: 'precision', values: points.map(({ precision }) => precision?.value ?? null), kind: 'line' },
    ],
  };
}

function missedPicture(points: readonly SurfacePoint[], common: Common, surface: Surface): CurvePicture {
  const { disputes, warnings } = surface;
  const lines: readonly (CurveLine & { readonly of: number })[] = [
    {
      label: 'missed disputes',
      values: points.map(({ missedDisputes }) => missedDisputes),
      kind: 'line',
      of: disputes,
    },
    { label: 'missed warnings', values: points.map((one) => one.missedWarnings), kind: 'second', of: warnings },
  ];
  return {
    ...{ name: 'missed', title: 'Missed', scale: 'count', ...common, low: 0, high: Math.max(1, disputes, warnings) },
    about: `Of ${formatCount(disputes)} disputes and ${formatCount(warnings)} early fraud warnings those of which no alert would have spoken.`,
    lines: lines.filter(({ of }) => of > 0).map(({ of: _, ...line }) => line),
  };
}

/** `3: 9.6 alerts a week, 70 % of 20 judged were fraud (48 % to 85 %), 2 disputes and 0 warnings missed`. */
export function sentenceOf(point: SurfacePoint, unit: Unit): string {
  const { threshold, perWeek, precision, judged, missedDisputes, missedWarnings } = point;
  const share =
    precision === null
      ? 'none judged'
      : `${percent(precision.value)} of ${formatCount(judged)} judged were fraud (${percent(precision.low)} to ${percent(precision.high)})`;
  const missed = `${formatCount(missedDisputes)} disputes and ${formatCount(missedWarnings)} warnings missed`;
  return `${valueInWords(threshold, unit)}: ${rate(perWeek)} alerts a week, ${share}, ${missed}`;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Two digits are enough, and `0.23` is not `0`. */
export const rate = (value: number): string =>
  formatCount(value >= 10 ? Math.round(value) : Math.round(value * 100) / 100);

export function curveFigure(picture: CurvePicture): Html {
  const { title, about } = picture;
  return html`<figure class="chart curve"><h3>${title}</h3>
<div class="plot" data-curve="${JSON.stringify(picture)}" role="img" aria-label="${about}">${svg(picture)}</div>
<figcaption>${about}</figcaption></figure>`;
}

function svg({ labels, lines, scale, low, high, marks }: CurvePicture): Html {
  const last = Math.max(1, labels.length - 1);
  const x = (at: number): string => (LEFT + (at / last) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const height = (value: number): number =>
    scale === 'log' ? Math.log10(value / low) / Math.log10(high / low) : (value - low) / (high - low);
  const y = (value: number): string => (HEIGHT - BOTTOM - height(value) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const drawn = lines.filter(({ kind }) => kind === 'line' || kind === 'second');
  const [from, to] = [lines.find(({ kind }) => kind === 'low'), lines.find(({ kind }) => kind === 'high')];
  const shown = labels.flatMap((label, at) => (at % Math.ceil(labels.length / 10) === 0 ? [{ label, at }] : []));
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" focusable="false">
${ticksOf({ scale, low, high }).map(({ value, label }) => html`<path class="axis" d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}"/><text class="tick" x="${LEFT - 8}" y="${Number(y(value)) + 4}" text-anchor="end">${label}</text>`)}
${from === undefined || to === undefined ? null : html`<path class="interval" d="${band(from, to, { x, y })}"/>`}
${marks.map(({ at, label, kind }) => html`<path class="mark ${kind}" d="M${x(at)} ${TOP}V${HEIGHT - BOTTOM}"/><text class="mark-label ${kind}" x="${x(at)}" y="${kind === 'current' ? 10 : 22}" text-anchor="${at > last / 2 ? 'end' : 'start'}">${label}</text>`)}
${drawn.map(({ values, kind }) => html`<path class="${kind}" d="${path(values, { x, y })}"/>`)}
${shown.map(({ label, at }) => html`<text class="tick" x="${x(at)}" y="${HEIGHT - 8}" text-anchor="${at === 0 ? 'start' : 'middle'}">${label}</text>`)}
</svg>`;
}

type Axes = { readonly x: (at: number) => string; readonly y: (value: number) => string };

/** Where there is no value the line ends, and begins again after it. */
function path(values: readonly (number | null)[], { x, y }: Axes): string {
  return values
    .map((value, at) => {
      if (value === null) return '';
      const before = at === 0 ? null : (values[at - 1] ?? null);
      return `${before === null ? 'M' : 'L'}${x(at)} ${y(value)}`;
    })
    .join('');
}

function band(from: CurveLine, to: CurveLine, { x, y }: Axes): string {
  const known = from.values.flatMap((low, at) => {
    const high = to.values[at] ?? null;
    return low === null || high === null ? [] : [{ at, low, high }];
  });
  const there = known.map(({ at, high }) => `${x(at)} ${y(high)}`);
  const back = known.map(({ at, low }) => `${x(at)} ${y(low)}`).reverse();
  return known.length === 0 ? '' : `M${[...there, ...back].join('L')}Z`;
}

function ticksOf({ scale, low, high }: Pick<CurvePicture, 'scale' | 'low' | 'high'>) {
  if (scale === 'share') return [0, 0.5, 1].map((value) => ({ value, label: percent(value) }));
  if (scale === 'count') return [low, high].map((value) => ({ value, label: formatCount(value) }));
  const decades = Math.round(Math.log10(high / low));
  const every = Math.ceil(decades / 5);
  return Array.from({ length: decades + 1 }, (_, n) => low * 10 ** n)
    .filter((_, n) => n % every === 0)
    .map((value) => ({ value, label: formatCount(value) }));
}

/** All points of the window, for whoever reads rather than looks. */
export function curveTable(surface: Surface, windowS: number, unit: Unit): Html {
  const points = pointsOf(surface, windowS);
  return html`<details class="as-table"><summary>As a table</summary><div class="scroll"><table class="values"><caption>By lowest threshold, in a window of ${formatDuration(windowS)}</caption>
<thead><tr><th scope="col" class="number">Threshold</th><th scope="col" class="number">Alerts</th><th scope="col" class="number">a week</th><th scope="col" class="number">Judged</th><th scope="col" class="number">Precision</th><th scope="col" class="number">Missed disputes</th><th scope="col" class="number">Missed warnings</th><th scope="col">Is</th></tr></thead>
<tbody>${points.map((point) => curveRow(point, marksOf(surface, point), unit))}</tbody></table></div></details>`;
}

function curveRow(point: SurfacePoint, marks: readonly Omit<CurveMark, 'at'>[], unit: Unit): Html {
  const { threshold, alerts, perWeek, judged, precision, missedDisputes, missedWarnings } = point;
  const share =
    precision === null ? '–' : `${percent(precision.value)} (${percent(precision.low)} to ${percent(precision.high)})`;
  return html`<tr${marks.length === 0 ? '' : html` class="trigger"`}><th scope="row" class="number">${valueInWords(threshold, unit)}</th><td class="number">${formatCount(alerts)}</td><td class="number">${rate(perWeek)}</td><td class="number">${formatCount(judged)}</td><td class="number">${share}</td><td class="number">${formatCount(missedDisputes)}</td><td class="number">${formatCount(missedWarnings)}</td><td>${marks.map(({ label }) => label).join(', ')}</td></tr>`;
}
