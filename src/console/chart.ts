// The picture of an episode: its value over time against the thresholds. An SVG that needs no script; with one, the chart
// library draws the same data with a cursor. Pure.
import { html } from 'hono/html';
import { ladder } from '../model/detector.ts';
import { valueInWords } from '../model/headline.ts';
import type { Incident } from '../model/incident.ts';
import { formatCount, SEVERITY_WORDS } from '../model/words.ts';
import type { Html } from './markup.ts';

const WIDTH = 720;
const HEIGHT = 220;
const LEFT = 52;
const RIGHT = 14;
const TOP = 14;
const BOTTOM = 28;

export type ChartData = {
  /** Seconds. */
  readonly times: readonly number[];
  readonly values: readonly number[];
  /** Of a storm: incidents that joined it in each step. Of an episode: values at breach instants, joined by a line. */
  readonly isStepped: boolean;
  readonly thresholds: readonly { readonly severity: string; readonly label: string; readonly value: number }[];
};

/** null: nothing to draw. */
export function chartData(incident: Incident): ChartData | null {
  const { fromS, stepS } = incident.evidence.series;
  const points = pointsOf(incident);
  const last = points.at(-1);
  if (last === undefined || !(stepS > 0) || !Number.isFinite(fromS)) return null;
  const isStepped = incident.kind === 'storm';
  // A step holds until the next begins; the last needs an end to be seen at all.
  const drawn = isStepped ? [...points, { step: last.step + 1, value: last.value }] : points;
  return {
    times: drawn.map(({ step }) => fromS + step * stepS),
    values: drawn.map(({ value }) => value),
    isStepped,
    thresholds: isStepped
      ? []
      : ladder(incident.thresholds).map(({ severity, value }) => ({
          severity,
          label: `${SEVERITY_WORDS[severity].toLowerCase()} ${valueInWords(value, incident)}`,
          value,
        })),
  };
}

/** A step of an episode without a breach instant is 0 in the evidence: not a value, none was taken. */
function pointsOf({ evidence, kind }: Incident): readonly { readonly step: number; readonly value: number }[] {
  return evidence.series.values.flatMap((value, step) =>
    Number.isFinite(value) && (kind === 'storm' || value > 0) ? [{ step, value }] : [],
  );
}

export function chartFigure(incident: Incident): Html | null {
  const data = chartData(incident);
  if (data === null) return null;
  const { count = 'attempts' } = incident;
  const about = aboutChart(data, incident);
  const rows = data.isStepped ? data.values.slice(0, -1) : data.values;
  return html`<figure class="chart">
<div class="plot" data-chart="${JSON.stringify({ ...data, kind: count })}" role="img" aria-label="${about}">${svg(data, incident)}</div>
<figcaption>${about}</figcaption>
<details><summary>As a table</summary><div class="scroll"><table class="values"><thead><tr><th scope="col">From (UTC)</th><th scope="col" class="number">Value</th></tr></thead><tbody>${rows.map(
    (value, index) =>
      html`<tr><td>${utcSecond(data.times[index] ?? 0)}</td><td class="number">${inWords(value, incident)}</td></tr>`,
  )}</tbody></table></div></details>
</figure>`;
}

function aboutChart({ times, thresholds, isStepped }: ChartData, incident: Incident): string {
  const range = `from ${utcMinute(times[0] ?? 0)} to ${utcMinute(times.at(-1) ?? 0)} UTC`;
  if (isStepped) return `Incidents that joined the storm over time, ${range}.`;
  const peak = valueInWords(incident.peak, incident);
  return `Value in the window at each breach, ${range}. Peak ${peak}; thresholds: ${thresholds.map(({ label }) => label).join(', ')}.`;
}

/** A storm counts incidents, whatever its detector counts. */
const inWords = (value: number, incident: Incident): string =>
  incident.kind === 'storm' ? formatCount(value) : valueInWords(value, incident);

function svg({ times, values, thresholds, isStepped }: ChartData, incident: Incident): Html {
  const first = times[0] ?? 0;
  const span = (times.at(-1) ?? 1) - first || 1;
  const top = Math.max(...values, ...thresholds.map(({ value }) => value)) * 1.12 || 1;
  const x = (time: number): string => (LEFT + ((time - first) / span) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (value: number): string =>
    (HEIGHT - BOTTOM - (Math.max(0, value) / top) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const line = values
    .map((value, index) => {
      const [across, up] = [x(times[index] ?? first), y(value)];
      if (index === 0) return `M${across} ${up}`;
      return isStepped ? `H${across}V${up}` : `L${across} ${up}`;
    })
    .join('');
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => first + span * part);
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" focusable="false">
<path class="area" d="${line}V${y(0)}H${x(first)}Z"/>
<path class="axis" d="M${LEFT} ${y(0)}H${WIDTH - RIGHT}"/>
${thresholds.map(
  ({ severity, label, value }) =>
    html`<path class="threshold ${severity}" d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}"/><text class="threshold-label ${severity}" x="${LEFT + 6}" y="${Number(y(value)) - 5}">${label}</text><text class="tick" x="${LEFT - 8}" y="${Number(y(value)) + 4}" text-anchor="end">${valueInWords(value, incident)}</text>`,
)}
<path class="line" d="${line}"/>
${isStepped ? null : values.map((value, index) => html`<circle class="point" cx="${x(times[index] ?? first)}" cy="${y(value)}" r="3"/>`)}
<text class="tick" x="${LEFT - 8}" y="${y(0)}" text-anchor="end">0</text>
${marks.map(
  (time, index) =>
    html`<text class="tick" x="${x(time)}" y="${HEIGHT - 8}" text-anchor="${index === 0 ? 'start' : index === 4 ? 'end' : 'middle'}">${span < 600 ? utcSecond(time).slice(11) : utcMinute(time).slice(11)}</text>`,
)}
</svg>`;
}

/** A small picture for a row of the list; null for fewer than two values. */
export function sparkline(incident: Incident): Html | null {
  const points = pointsOf(incident);
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first === last) return null;
  const top = Math.max(...points.map(({ value }) => value)) * 1.1 || 1;
  const x = (step: number): string => (((step - first.step) / (last.step - first.step)) * 98 + 1).toFixed(1);
  const y = (value: number): string => (27 - (Math.max(0, value) / top) * 25).toFixed(1);
  const line = points.map(({ step, value }, index) => `${index === 0 ? 'M' : 'L'}${x(step)} ${y(value)}`).join('');
  const lowest = incident.kind === 'storm' ? 0 : (ladder(incident.thresholds)[0]?.value ?? 0);
  return html`<svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true" focusable="false">${
    lowest > 0 && lowest < top ? html`<path class="spark-threshold" d="M0 ${y(lowest)}H100"/>` : null
  }<path class="spark-area" d="${line}V28H1Z"/><path class="spark-line" d="${line}"/></svg>`;
}

const utcSecond = (s: number): string => new Date(s * 1000).toISOString().slice(0, 19).replace('T', ' ');
const utcMinute = (s: number): string => utcSecond(s).slice(0, 16);
