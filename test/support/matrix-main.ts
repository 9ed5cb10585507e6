// `npm run faults`: the whole fault matrix in one command. Progress on standard error, the table on standard output.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FAULTS } from './faults.ts';
import { type CellResult, runMatrix } from './matrix.ts';
import type { Form } from './matrix-site.ts';
import { cellLine, FORM_WORDS, isSound, matrixTable } from './matrix-table.ts';

const USAGE = `usage: npm run faults -- [--seeds N|N,N,…] [--quick] [--only FAULT,…] [--form embedded|services] [--lanes N] [--record FILE]

  --seeds N   so many seeds of each fault and form (default 20), or these
  --quick     outages of 4 s instead of 15 s, less traffic
  --only      of: ${FAULTS.map(({ name }) => name).join(', ')}
  --form      one installation instead of both: embedded, or services (${FORM_WORDS.services})
  --lanes N   so many cells of each form side by side, each over a Kafka and a Redis of its own (default 1)
  --record    keeps each result in the file; what is in it and was fine is not run again

Kafka and Redis are started by the command itself: in Docker, or from Java 17 and Maven. Exit 1: something was missed or doubled.
`;

/** Resolves with the exit code. */
export async function faultsMain(args: readonly string[]): Promise<number> {
  const options = read(args);
  if (options === null) {
    process.stderr.write(USAGE);
    return 2;
  }
  // Leaving so takes along what was started.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const { record } = options;
  const known = record === null ? [] : knownIn(record);
  const results = await runMatrix({
    ...options,
    known,
    told: (cell) => {
      process.stderr.write(`${cellLine(cell)}\n`);
      if (record !== null) appendFileSync(record, `${JSON.stringify(cell)}\n`);
    },
  });
  process.stdout.write(`${matrixTable(results)}\n`);
  return results.length > 0 && results.every(isSound) ? 0 : 1;
}

function knownIn(file: string): readonly CellResult[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as CellResult).filter(isSound);
}

function read(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seeds: { type: 'string', default: '20' },
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        form: { type: 'string' },
        lanes: { type: 'string', default: '1' },
        record: { type: 'string' },
      },
    });
    const seeds = seedsOf(values.seeds);
    const lanes = Number(values.lanes);
    const faults = values.only?.split(',').map((name) => name.trim()) ?? null;
    const areKnown = (faults ?? []).every((name) => FAULTS.some((fault) => fault.name === name));
    const forms: readonly Form[] = (['embedded', 'services'] as const).filter((form) => form === (values.form ?? form));
    const isSane = seeds.length > 0 && Number.isSafeInteger(lanes) && lanes >= 1 && lanes <= 16;
    if (!isSane || !areKnown || forms.length === 0) return null;
    return { forms, faults, seeds, lanes, isQuick: values.quick, record: values.record ?? null };
  } catch {
    return null;
  }
}

/** None: that is neither a count nor a list of them. */
function seedsOf(text: string): readonly number[] {
  const numbers = text.split(',').map(Number);
  const areSane = numbers.every((number) => Number.isSafeInteger(number) && number >= 1 && number <= 1_000);
  if (!areSane) return [];
  if (text.includes(',')) return numbers;
  return Array.from({ length: numbers[0] ?? 0 }, (_, index) => index + 1);
}
