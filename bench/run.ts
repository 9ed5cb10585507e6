// Runs all benchmarks or the named ones, prints the table, and publishes it by date; `--check` compares instead.
import { mkdtempSync, rmSync } from 'node:fs';
import { arch, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Bench,
  type Figure,
  type FigureSpec,
  type Services,
  type Sizes,
  type Suite,
  startJob,
} from './measure.ts';
import { type Machine, newestPublished, publish, type Results, tableOf, worseRatios } from './results.ts';
import { createServices, type VersionedServices } from './services.ts';
import { SUITES } from './suites.ts';

const HELP = `usage: npm run bench [-- SUITE…] [--quick] [--check] [--rounds 5]

  SUITE…    ${Object.keys(SUITES).join(', ')} (default: all)
  --quick   smaller sizes, three rounds; published and compared apart
  --check   publishes nothing; exit 1 if a ratio is worse, beyond the spread, than the newest published one
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(SUITES);
  const unknown = names.filter((name) => !Object.hasOwn(SUITES, name));
  const rounds = values.rounds === undefined ? (values.quick ? 3 : 5) : Number(values.rounds);
  if (values.help || unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
    process.stderr.write(unknown.length > 0 ? `There is no suite ${unknown.join(', ')}.\n${HELP}` : HELP);
    return values.help ? 0 : 2;
  }
  const sizes: Sizes = { quick: values.quick, rounds };
  const services = createServices();
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-bench-'));
  try {
    const suites: Record<string, Results['suites'][string]> = {};
    for (const name of names) {
      const suite = await SUITES[name]?.();
      if (suite === undefined) continue;
      const figures = await runSuite(suite, { sizes, services, folder });
      suites[name] = { title: suite.title, figures };
      process.stdout.write(`\n${suite.title}\n${tableOf(figures)}\n`);
    }
    const size = sizes.quick ? 'quick' : 'full';
    if (values.check) return check(suites, newestPublished(size));
    const date = new Date().toISOString().slice(0, 10);
    const file = publish({ date, size, rounds, machine: machineOf(services), suites });
    process.stdout.write(`\npublished: ${file}\n`);
    return 0;
  } finally {
    await services.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Parts = { readonly sizes: Sizes; readonly services: Services; readonly folder: string };

async function runSuite(suite: Suite, parts: Parts): Promise<readonly Figure[]> {
  const figures = new Map<string, { readonly spec: FigureSpec; readonly values: number[] }>();
  const bench: Bench = {
    ...parts,
    job: async (job, params = {}) => await startJob({ suite: suite.name, job, params }).figures,
    start: (job, params = {}) => startJob({ suite: suite.name, job, params }),
    record: (spec, value) => {
      if (!Number.isFinite(value)) throw new Error(`${spec.id} is no number`);
      const figure = figures.get(spec.id) ?? { spec, values: [] };
      figure.values.push(value);
      figures.set(spec.id, figure);
    },
    progress: (text) => process.stderr.write(`${suite.name}: ${text}\n`),
  };
  await suite.run(bench);
  return [...figures.values()].map(({ spec, values }) => ({ ...spec, values }));
}

function check(now: Results['suites'], published: Results['suites']): number {
  let code = 0;
  for (const [name, { figures }] of Object.entries(now)) {
    const before = published[name]?.figures;
    if (before === undefined) {
      process.stdout.write(`${name}: nothing is published to compare with\n`);
      continue;
    }
    for (const { title, before: was, now: is } of worseRatios(figures, before)) {
      process.stdout.write(`worse: ${title.trim()}: ${is}, was ${was}\n`);
      code = 1;
    }
  }
  if (code === 0) process.stdout.write('\nno ratio is worse than published\n');
  return code;
}

function machineOf({ versions }: VersionedServices): Machine {
  return {
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1_073_741_824),
    platform: `${process.platform} ${arch()}`,
    node: process.versions.node,
    ...versions(),
  };
}

/** The version of Node that runs the benchmarks is the one that runs the program: older ones cannot. */
function assertNode(): void {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 24) throw new Error(`The benchmarks need Node 24, this is ${process.versions.node}: start them by npm.`);
}

assertNode();
process.exitCode = await main();
