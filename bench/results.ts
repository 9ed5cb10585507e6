// Figures of a run as a table, as the published files by date, and against the newest published ones.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, isRatio, median } from './measure.ts';

const RESULTS_FOLDER = join(import.meta.dirname, 'results');

/** Neutral: what the figures depend on, nothing of whose it is. */
export type Machine = {
  readonly cores: number;
  readonly memoryGb: number;
  readonly platform: string;
  readonly node: string;
  readonly kafka: string | null;
  readonly redis: string | null;
};

export type Results = {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly size: 'full' | 'quick';
  readonly rounds: number;
  readonly machine: Machine;
  readonly suites: Readonly<Record<string, { readonly title: string; readonly figures: readonly Figure[] }>>;
};

/** Quick runs are other measurements: kept, and compared, apart. */
const nameOf = ({ date, size }: Pick<Results, 'date' | 'size'>): string => (size === 'quick' ? `${date}-quick` : date);

/** Suites that were not run today keep what they had; those of another day stay with that day. */
export function publish(results: Results, folder = RESULTS_FOLDER): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${nameOf(results)}.json`);
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : null;
  const machine = { ...results.machine };
  const all: Results = {
    ...results,
    machine: {
      ...machine,
      kafka: machine.kafka ?? before?.machine.kafka ?? null,
      redis: machine.redis ?? before?.machine.redis ?? null,
    },
    suites: { ...before?.suites, ...results.suites },
  };
  writeFileSync(file, `${JSON.stringify(all, null, 1)}\n`);
  writeFileSync(file.replace(/\.json$/, '.md'), markdownOf(all));
  return file;
}

/** Of each suite the newest published figures of that size. */
export function newestPublished(size: Results['size'], folder = RESULTS_FOLDER): Results['suites'] {
  if (!existsSync(folder)) return {};
  const found: Record<string, Results['suites'][string]> = {};
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.json')) continue;
    const results = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Results;
    if (results.size === size) Object.assign(found, results.suites);
  }
  return found;
}

export type Worse = { readonly id: string; readonly title: string; readonly before: string; readonly now: string };

/** Ratios whose median is past all that was published, while the published median is past all that is measured now. */
export function worseRatios(now: readonly Figure[], before: readonly Figure[]): readonly Worse[] {
  const worse: Worse[] = [];
  for (const figure of now) {
    const published = before.find(({ id }) => id === figure.id);
    if (published === undefined || !isRatio(figure)) continue;
    const sign = figure.better === 'lower' ? 1 : -1;
    const [mine, theirs] = [figure, published].map(({ values }) => values.map((value) => value * sign));
    if (mine === undefined || theirs === undefined || mine.length === 0 || theirs.length === 0) continue;
    if (median(mine) > Math.max(...theirs) && median(theirs) < Math.min(...mine))
      worse.push({ id: figure.id, title: figure.title, before: shown(published), now: shown(figure) });
  }
  return worse;
}

/** `2.31 × (2.20–2.40)` */
export function shown({ values, unit }: Figure): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const spread = values.length > 1 ? ` (${short(low)}–${short(high)})` : '';
  return `${short(median(values))} ${unit}${spread}`;
}

function short(value: number): string {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en');
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export function verdictOf(figure: Figure): string {
  if (figure.target === null) return '';
  const value = median(figure.values);
  const isMet = figure.better === 'lower' ? value <= figure.target : value >= figure.target;
  const sign = figure.better === 'lower' ? '≤' : '≥';
  return `${sign} ${figure.target} ${figure.unit}: ${isMet ? 'met' : 'missed'}`;
}

export function tableOf(figures: readonly Figure[]): string {
  const width = Math.max(0, ...figures.map(({ title }) => title.length));
  return figures.map((one) => `  ${one.title.padEnd(width)}  ${shown(one).padEnd(26)} ${verdictOf(one)}`).join('\n');
}

function markdownOf({ date, size, rounds, machine, suites }: Results): string {
  const { cores, memoryGb, platform, node, kafka, redis } = machine;
  const with_ = [`Node ${node}`, kafka && `Kafka ${kafka}`, redis && `Redis ${redis}`].filter(Boolean).join(', ');
  const parts = Object.values(suites).map(
    ({ title, figures }) =>
      `## ${title}\n\n| | median (lowest–highest) | to reach |\n| --- | --- | --- |\n${figures
        .map((figure) => `| ${figure.title.trim()} | ${shown(figure)} | ${verdictOf(figure)} |`)
        .join('\n')}\n`,
  );
  return `# ${date}${size === 'quick' ? ', quick' : ''}

${cores} cores, ${memoryGb} GB, ${platform}, ${with_}. Medians of ${rounds} rounds. Method: [README](../README.md).

${parts.join('\n')}`;
}
