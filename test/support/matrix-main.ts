// `npm run faults`: the whole fault matrix in one command. Progress on standard error, the table on standard output.
import { parseArgs } from 'node:util';
import { FAULTS } from './faults.ts';
import { runMatrix } from './matrix.ts';
import type { Form } from './matrix-site.ts';
import { cellLine, FORM_WORDS, isSound, matrixTable } from './matrix-table.ts';

const USAGE = `usage: npm run faults -- [--seeds N] [--quick] [--only FAULT,…] [--form embedded|services]

  --seeds N   seeds of each fault and form (default 20)
  --quick     outages of 4 s instead of 15 s, less traffic
  --only      of: ${FAULTS.map(({ name }) => name).join(', ')}
  --form      one installation instead of both: embedded, or services (${FORM_WORDS.services})

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
  const results = await runMatrix({
    ...options,
    told: (cell) => void process.stderr.write(`${cellLine(cell)}\n`),
  });
  process.stdout.write(`${matrixTable(results)}\n`);
  return results.length > 0 && results.every(isSound) ? 0 : 1;
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
      },
    });
    const count = Number(values.seeds);
    const faults = values.only?.split(',').map((name) => name.trim()) ?? null;
    const areKnown = (faults ?? []).every((name) => FAULTS.some((fault) => fault.name === name));
    const forms: readonly Form[] = (['embedded', 'services'] as const).filter((form) => form === (values.form ?? form));
    if (!Number.isSafeInteger(count) || count < 1 || count > 1_000 || !areKnown || forms.length === 0) return null;
    const seeds = Array.from({ length: count }, (_, index) => index + 1);
    return { forms, faults, seeds, isQuick: values.quick };
  } catch {
    return null;
  }
}
