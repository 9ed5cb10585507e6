// A series of values as one line of text bars, for a message that cannot hold a chart.

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** At most `width` bars (neighbours are merged by their largest value); '' for fewer than two values. */
export function sparkline(values: readonly number[], width = 30): string {
  if (values.length < 2) return '';
  const columns = Math.min(width, values.length);
  const heights = Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / columns));
    return Math.max(0, ...values.slice(from, to).filter(Number.isFinite));
  });
  const top = Math.max(...heights);
  if (top <= 0) return '';
  return heights.map((height) => BARS[Math.round((height / top) * (BARS.length - 1))] ?? BARS[0]).join('');
}
