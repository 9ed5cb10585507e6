// The results of the fault matrix as a table: a row for each fault and form, over its seeds.
import type { CellResult } from './matrix.ts';
import type { Form } from './matrix-site.ts';

export const FORM_WORDS: Readonly<Record<Form, string>> = { embedded: 'embedded', services: 'Kafka + Redis' };

const HEAD = ['fault', 'installation', 'seeds', 'injected', 'incidents', 'missed', 'doubled', 'longest delay'];

export const isSound = ({ missed, doubled, problem }: CellResult): boolean =>
  problem === null && missed.length === 0 && doubled.length === 0;

/** Markdown. */
export function matrixTable(results: readonly CellResult[]): string {
  const groups = Map.groupBy(results, ({ fault, form }) => `${fault}|${form}`);
  const rows = [...groups.values()].map((cells) => {
    const sum = (value: (cell: CellResult) => number): string =>
      String(cells.reduce((total, cell) => total + value(cell), 0));
    const [{ fault, form } = { fault: '', form: 'embedded' as const }] = cells;
    return [
      fault,
      FORM_WORDS[form],
      String(cells.length),
      sum(({ injected }) => injected),
      sum(({ expected }) => expected),
      sum(({ missed, problem }) => missed.length + (problem === null ? 0 : 1)),
      sum(({ doubled }) => doubled.length),
      `${(Math.max(...cells.map(({ longestMs }) => longestMs)) / 1000).toFixed(1)} s`,
    ];
  });
  const widths = HEAD.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(HEAD), rule, ...rows.map(line)].join('\n');
}

/** One line for each cell as it ends; what is wrong below it. */
export function cellLine(cell: CellResult): string {
  const { fault, form, seed, expected, missed, doubled, longestMs, possiblyDuplicate, problem } = cell;
  const head = `${isSound(cell) ? 'fine ' : 'WRONG'}  ${fault}, ${FORM_WORDS[form]}, seed ${seed}`;
  const counted = possiblyDuplicate === 0 ? '' : `, ${possiblyDuplicate} possibly duplicate`;
  const figures = `${expected} incidents, longest delay ${(longestMs / 1000).toFixed(1)} s${counted}`;
  const wrong = [
    ...missed.map((what) => `missed: ${what}`),
    ...doubled.map((what) => `doubled: ${what}`),
    ...(problem === null ? [] : [problem]),
  ];
  return [`${head}: ${figures}`, ...wrong.map((what) => `         ${what}`)].join('\n');
}
