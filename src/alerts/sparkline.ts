// A series of values as one line of text bars, for a message that cannot hold a chart.

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

export type SparklineOptions = {
  readonly width?: number;
  /** A step of 0 is one in which no value was taken (an episode's series): it is bridged, not drawn as a dip. */
  readonly isZeroGap?: boolean;
};

/** At most `width` bars (neighbours are merged by their largest value); '' for fewer than two values. */
export function sparkline(values: readonly number[], options: SparklineOptions = {}): string {
  const { width = 30, isZeroGap = false } = options;
  if (values.length < 2) return '';
  const columns = Math.min(width, values.length);
  const heights = Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / columns));
    return Math.max(0, ...values.slice(from, to).filter(Number.isFinite));
  });
  const drawn = isZeroGap ? bridged(heights) : heights;
  const top = Math.max(...drawn);
  if (top <= 0) return '';
  return drawn.map((height) => BARS[Math.round((height / top) * (BARS.length - 1))] ?? BARS[0]).join('');
}

/** Zeros between two values lie on the line that joins them, as the console draws it; those at an end take the nearest. */
function bridged(heights: readonly number[]): readonly number[] {
  return heights.map((height, index) => {
    if (height > 0) return height;
    const left = heights.findLastIndex((value, at) => at < index && value > 0);
    const right = heights.findIndex((value, at) => at > index && value > 0);
    const [before, after] = [heights[left] ?? 0, heights[right] ?? 0];
    if (left === -1) return after;
    if (right === -1) return before;
    return before + ((after - before) * (index - left)) / (right - left);
  });
}
