// Draws the pictures of a page anew with a cursor, by uPlot, which the page loads before this. What the server drew stays where
// there is no script.

/** What is drawn, by its place. */
const drawn = new Map();

document.addEventListener('decorate', ({ target }) => {
  forgetGone();
  drawAll(target);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawAll(document));
document.addEventListener('input', ({ target }) => {
  if (target.matches('[data-lowest]')) pointAt(Number(target.value));
});

function drawAll(root) {
  if (typeof uPlot === 'undefined') return;
  for (const plot of root.querySelectorAll('[data-chart]')) drawEpisode(plot);
  for (const plot of root.querySelectorAll('[data-curve]')) drawCurve(plot);
}

/** A chart that is not on the page any more would still follow the cursor of the others. */
function forgetGone() {
  for (const [plot, { chart, observer }] of drawn) {
    if (plot.isConnected) continue;
    observer.disconnect();
    chart.destroy();
    drawn.delete(plot);
  }
}

function draw(plot, options, data) {
  const before = drawn.get(plot);
  before?.observer.disconnect();
  before?.chart.destroy();
  plot.replaceChildren();
  const { height } = options;
  const chart = new uPlot({ ...options, width: plot.clientWidth }, data, plot);
  const observer = new ResizeObserver(() => chart.setSize({ width: plot.clientWidth, height }));
  observer.observe(plot);
  drawn.set(plot, { chart, observer });
  return chart;
}

function coloursOf(plot) {
  const style = getComputedStyle(document.documentElement);
  return (name) => resolved(style.getPropertyValue(`--${name}`), plot);
}

/** A canvas knows no `light-dark()`: the browser is asked what it comes to. */
function resolved(value, near) {
  const probe = document.createElement('span');
  probe.hidden = true;
  probe.style.color = value;
  near.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const axisOf = (colour) => ({
  stroke: colour('muted'),
  grid: { stroke: colour('line'), width: 1 },
  ticks: { stroke: colour('line') },
});

// An episode

function drawEpisode(plot) {
  const { times, values, thresholds, kind, isStepped } = JSON.parse(plot.dataset.chart);
  const colour = coloursOf(plot);
  const shown = (value) =>
    value === null ? '' : kind === 'ratio' ? `${Math.round(value * 1000) / 10} %` : String(value);
  const lines = thresholds.map(({ severity, label, value }) => ({
    label,
    stroke: colour(severity),
    width: 1,
    dash: [5, 4],
    points: { show: false },
    value: () => shown(value),
  }));
  const top = Math.max(...values, ...thresholds.map(({ value }) => value)) * 1.12;
  const options = {
    height: 240,
    padding: [8, 28, 0, 0],
    cursor: { y: false },
    scales: { y: { range: () => [0, top] } },
    axes: [
      { ...axisOf(colour), values: (_, ticks) => ticks.map(clock) },
      { ...axisOf(colour), size: 56, values: (_, ticks) => ticks.map(shown) },
    ],
    series: [
      { label: 'time', value: (_, time) => (time === null ? '' : clock(time)) },
      {
        label: 'value',
        stroke: colour('brand'),
        fill: colour('critical-back'),
        width: 2,
        ...(isStepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
        points: { show: !isStepped, size: 6 },
        value: (_, value) => shown(value),
      },
      ...lines,
    ],
  };
  draw(plot, options, [times, values, ...thresholds.map(({ value }) => times.map(() => value))]);
}

/** As the reader's own clock has it; seconds since the epoch. */
function clock(time) {
  return new Date(time * 1000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

// A curve

const SHOWN = {
  log: (value) => String(Math.round(value * 100) / 100),
  share: (value) => `${Math.round(value * 100)} %`,
  count: (value) => String(value),
};
const STROKES = { line: 'brand', second: 'notice', low: 'calm', high: 'calm' };

function drawCurve(plot) {
  const picture = JSON.parse(plot.dataset.curve);
  const { labels, lines, scale, low, high, marks } = picture;
  const colour = coloursOf(plot);
  const shown = (value) => (value === null || value === undefined ? '' : SHOWN[scale](value));
  const at = (kind) => lines.findIndex((line) => line.kind === kind) + 1;
  const options = {
    height: 205,
    padding: [30, 14, 0, 0],
    cursor: { y: false, sync: { key: 'curve', setSeries: false }, points: { size: 7 } },
    scales: {
      x: { time: false, range: () => [0, Math.max(1, labels.length - 1)] },
      y: { ...(scale === 'log' ? { distr: 3, log: 10 } : {}), range: () => [low, high] },
    },
    axes: [
      {
        ...axisOf(colour),
        size: 34,
        incrs: [1, 2, 5, 10, 20, 50],
        values: (_, ticks) => ticks.map((tick) => labels[tick] ?? ''),
      },
      {
        ...axisOf(colour),
        size: 52,
        ...(scale === 'share' ? { splits: () => [0, 0.5, 1] } : {}),
        ...(scale === 'count' ? { incrs: [1, 2, 5, 10, 20, 50, 100, 500, 1_000, 10_000, 100_000] } : {}),
        values: (_, ticks) => ticks.map(shown),
      },
    ],
    series: [
      { label: 'threshold', value: (_, index) => (index === null ? '–' : (labels[index] ?? '')) },
      ...lines.map(({ label, kind }) => ({
        label,
        stroke: colour(STROKES[kind]),
        width: kind === 'line' || kind === 'second' ? 2 : 1,
        ...(kind === 'second' ? { dash: [5, 4] } : {}),
        points: { show: kind === 'line' && labels.length < 60, size: 4 },
        value: (_, value) => (value === null || value === undefined ? '–' : shown(value)),
      })),
    ],
    ...(at('high') > 0 ? { bands: [{ series: [at('high'), at('low')], fill: colour('notice-back') }] } : {}),
    hooks: {
      draw: [(chart) => drawMarks(chart, marks, colour)],
      ...(picture.points === undefined ? {} : { setCursor: [({ cursor }) => say(picture, cursor.idx)] }),
    },
  };
  const values = lines.map((line) => line.values);
  const chart = draw(plot, options, [labels.map((_, index) => index), ...values]);
  if (picture.points !== undefined) makeSlider(plot, chart, picture);
}

function drawMarks({ ctx, bbox, valToPos }, marks, colour) {
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.lineWidth = 2 * ratio;
  for (const { at, label, kind } of marks) {
    const x = valToPos(at, 'x', true);
    const tint = colour(kind === 'current' ? 'critical' : 'good');
    ctx.strokeStyle = tint;
    ctx.fillStyle = tint;
    ctx.setLineDash(kind === 'current' ? [] : [5 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.textAlign = x > bbox.left + bbox.width / 2 ? 'right' : 'left';
    ctx.fillText(label, x, bbox.top - (kind === 'current' ? 18 : 5) * ratio);
  }
  ctx.restore();
}

/** By keyboard: the arrows go from threshold to threshold, Enter takes one into the form. */
function makeSlider(plot, chart, picture) {
  const last = picture.labels.length - 1;
  const start = picture.marks.find(({ kind }) => kind === 'current')?.at ?? 0;
  let index = start;
  const go = (to) => {
    index = Math.min(last, Math.max(0, to));
    moveTo(chart, index);
  };
  plot.tabIndex = 0;
  plot.setAttribute('role', 'slider');
  plot.setAttribute('aria-label', `${picture.title}: lowest threshold. Arrows to look, Enter to take it into the form`);
  plot.setAttribute('aria-valuemin', '0');
  plot.setAttribute('aria-valuemax', String(last));
  say(picture, start);
  plot.onkeydown = (event) => {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    if (event.key in steps) go(index + steps[event.key]);
    else if (event.key === 'Home') go(0);
    else if (event.key === 'End') go(last);
    else if (event.key === 'Enter') take(picture, index)?.focus();
    else return;
    event.preventDefault();
  };
  chart.over.addEventListener('click', () => {
    index = chart.cursor.idx ?? index;
    take(picture, index);
  });
}

function moveTo(chart, index) {
  chart.setCursor({ left: chart.valToPos(index, 'x'), top: chart.over.clientHeight / 2 });
}

/** What the cursor is at, in words: for the eye below the pictures, for a screen reader as the slider's value. */
function say(picture, index) {
  const plot = document.querySelector('[data-curve][role="slider"]');
  const words = picture.points[index]?.says;
  if (plot === null || words === undefined) return;
  plot.setAttribute('aria-valuenow', String(index));
  plot.setAttribute('aria-valuetext', words);
  const line = document.querySelector('[data-says]');
  if (line === null) return;
  line.hidden = false;
  line.textContent = words;
}

/** Into the form beside it, with the window that is shown. Answers the field. */
function take(picture, index) {
  const field = document.querySelector('[data-lowest]');
  const point = picture.points[index];
  if (field === null || point === undefined) return null;
  field.value = String(point.value);
  const window = document.querySelector('.curves')?.dataset.window;
  const choice = field.form.elements.window;
  if (window !== undefined && choice !== null) choice.value = window;
  return field;
}

/** What is typed into the form is shown in the pictures. */
function pointAt(value) {
  for (const [plot, { chart }] of drawn) {
    if (plot.dataset.curve === undefined) continue;
    const { points } = JSON.parse(plot.dataset.curve);
    const index = points?.findIndex((point) => point.value === value) ?? -1;
    if (index >= 0) moveTo(chart, index);
  }
}
