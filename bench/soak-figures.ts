// What a soak measured: its figures, what is wrong with them, and a chart of them. Pure.
import { quantile } from './measure.ts';

export type Sample = {
  /** Seconds since the beginning. */
  readonly atS: number;
  readonly residentMb: number;
  readonly heapMb: number;
  readonly handles: number;
  readonly lag: number;
  readonly heldAttempts: number;
  /** Milliseconds from a webhook to its answer, of those answered since the last sample; null: none was. */
  readonly answerP50: number | null;
  readonly answerP99: number | null;
};

export type Summary = {
  readonly log: string;
  readonly minutes: number;
  readonly askedPerS: number;
  readonly sentPerS: number;
  readonly events: number;
  readonly refused: number;
  /** Of the second half, by least squares. */
  readonly residentMbPerHour: number;
  readonly heap: HeapGrowth;
  readonly handlesGrowth: number;
  readonly lagAtEnd: number;
  readonly lagMost: number;
  readonly answerMs: Percentiles;
  /** From the third decline of a card being sent to its incident being opened. */
  readonly incidentMs: Percentiles;
  readonly incidents: { readonly expected: number; readonly opened: number };
};

/** MB: from the third quarter of the time to the last, what was in use right after collections, and what it may have grown. */
export type HeapGrowth = { readonly before: number; readonly after: number; readonly allowed: number };

export type Percentiles = { readonly p50: number; readonly p95: number; readonly p99: number; readonly most: number };

export function percentiles(values: readonly number[]): Percentiles {
  if (values.length === 0) return { p50: 0, p95: 0, p99: 0, most: 0 };
  const at = (share: number): number => quantile(values, share);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), most: values.reduce((a, b) => Math.max(a, b), 0) };
}

/** MB a second. */
export function slopeOf(samples: readonly Sample[]): number {
  const n = samples.length;
  const [meanX, meanY] = [mean(samples.map(({ atS }) => atS)), mean(samples.map(({ residentMb }) => residentMb))];
  const over = samples.reduce((sum, { atS, residentMb }) => sum + (atS - meanX) * (residentMb - meanY), 0);
  const under = samples.reduce((sum, { atS }) => sum + (atS - meanX) ** 2, 0);
  return n < 2 || under === 0 ? 0 : over / under;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** Bytes that an attempt that is held may take, with its cells; and what chance may make of a heap's least. */
const HELD_BYTES = 1_000;
const CHANCE_MB = 32;
const CHANCE_SHARE = 0.25;

/** Of the samples of the second half. Resident memory follows the collector's moods; the least that was in use does not. */
export function heapGrowthOf(half: readonly Sample[]): HeapGrowth {
  const middle = Math.floor(half.length / 2);
  const [earlier, later] = [half.slice(0, middle), half.slice(middle)];
  const least = (samples: readonly Sample[]): number =>
    samples.length === 0 ? 0 : Math.min(...samples.map(({ heapMb }) => heapMb));
  const before = least(earlier);
  const held = Math.max(0, (later.at(-1)?.heldAttempts ?? 0) - (earlier[0]?.heldAttempts ?? 0));
  const allowed = CHANCE_MB + CHANCE_SHARE * before + (held * HELD_BYTES) / 1_048_576;
  return { before, after: least(later), allowed };
}

export function problemsOf(summary: Summary): readonly string[] {
  const { refused, sentPerS, askedPerS, heap, handlesGrowth, lagAtEnd, incidents } = summary;
  return [
    ...(refused > 0 ? [`${refused} webhooks were refused`] : []),
    ...(sentPerS < 0.9 * askedPerS ? [`${sentPerS} of ${askedPerS} events a second were taken`] : []),
    ...(heap.after - heap.before > heap.allowed
      ? [`the heap grew from ${heap.before.toFixed(0)} to ${heap.after.toFixed(0)} MB`]
      : []),
    ...(handlesGrowth > 20 ? [`${handlesGrowth} file handles more at the end than in the middle`] : []),
    ...(lagAtEnd > 0 ? [`${lagAtEnd} records behind a minute after the end`] : []),
    ...(incidents.opened < incidents.expected ? [`${incidents.opened} of ${incidents.expected} incidents opened`] : []),
  ];
}

/** Four panels over time, drawn by hand: nothing is needed to look at it. */
export function chartOf(title: string, samples: readonly Sample[]): string {
  const panels = [
    { name: 'memory, MB: resident, heap', lines: [samples.map((s) => s.residentMb), samples.map((s) => s.heapMb)] },
    { name: 'file handles', lines: [samples.map((s) => s.handles)] },
    { name: 'records behind', lines: [samples.map((s) => s.lag)] },
    {
      name: 'webhook to answer, ms: p99, p50',
      lines: [samples.map((s) => s.answerP99 ?? 0), samples.map((s) => s.answerP50 ?? 0)],
    },
  ];
  const endS = samples.at(-1)?.atS ?? 1;
  const drawn = panels.map(({ name, lines }, i) => {
    const most = Math.max(1, ...lines.flat());
    const paths = lines.map((values, line) => {
      const points = values.map((value, at) => {
        const x = 60 + (700 * (samples[at]?.atS ?? 0)) / endS;
        return `${x.toFixed(1)},${(140 - (100 * value) / most).toFixed(1)}`;
      });
      return `<polyline fill="none" stroke="${line === 0 ? '#0b62a4' : '#c26a00'}" stroke-width="1.5" points="${points.join(' ')}"/>`;
    });
    return `<g transform="translate(0 ${30 + i * 160})"><text x="60" y="30">${name}</text><text x="52" y="46" text-anchor="end">${Math.ceil(most)}</text><text x="52" y="143" text-anchor="end">0</text><path d="M60 40V140H760" fill="none" stroke="#999"/>${paths.join('')}<text x="760" y="156" text-anchor="end">${Math.round(endS)} s</text></g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 690" font-family="system-ui,sans-serif" font-size="12"><rect width="800" height="690" fill="#fff"/><text x="60" y="24" font-size="15">${title}</text>${drawn.join('')}</svg>\n`;
}
