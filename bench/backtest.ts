// A backtest of a million compact attempts, and of raw Stripe events against a bare JSON.parse of the same lines.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBacktest } from '../src/tuning/backtest.ts';
import { settingsOf, THREE } from './detectors.ts';
import { eventStream } from './events.ts';
import { type Bench, cpuMicros, type Figures, type JobParams, type Jobs, type Suite } from './measure.ts';
import { recordStream, STREAM, writeLines } from './streams.ts';

const GENERAL = { latenessMs: 72 * 3_600_000, metadata: { ip: null, keys: [] } };

const newBacktest = () => createBacktest({ detectors: THREE.map(settingsOf), general: GENERAL });

/** As many texts as lines: a file as large as this cannot be one text. */
function linesIn(file: string): readonly string[] {
  const bytes = readFileSync(file);
  const lines: string[] = [];
  for (let from = 0, to = bytes.indexOf(10); to !== -1; from = to + 1, to = bytes.indexOf(10, from))
    lines.push(bytes.toString('latin1', from, to));
  return lines;
}

async function parseJob({ file }: JobParams): Promise<Figures> {
  const lines = linesIn(String(file));
  let kept: unknown;
  const before = cpuMicros();
  for (const line of lines) kept = JSON.parse(line);
  return { micros: (cpuMicros() - before) / lines.length, kept: kept === undefined ? 0 : 1 };
}

async function rawJob({ file }: JobParams): Promise<Figures> {
  const lines = linesIn(String(file));
  const before = cpuMicros();
  const backtest = newBacktest();
  for (const line of lines) {
    const problem = backtest.addLine(line);
    if (problem !== null) throw new Error(problem);
  }
  const printed = print(backtest);
  return { micros: (cpuMicros() - before) / lines.length, printed };
}

/** Records, as the log gives them. */
const PAGE = 1_000;

async function compactJob({ file }: JobParams): Promise<Figures> {
  const lines = linesIn(String(file));
  const before = cpuMicros();
  const backtest = newBacktest();
  for (let at = 0; at < lines.length; at += PAGE) {
    const page = lines.slice(at, at + PAGE);
    backtest.addRecords(
      page.map((value, i) => ({ partition: 0, offset: at + i, key: null, value, timeMs: 0 })),
      (_, why) => {
        throw new Error(why);
      },
    );
  }
  const printed = print(backtest);
  return { micros: (cpuMicros() - before) / lines.length, printed };
}

/** Everything that the command prints; its characters. */
function print(backtest: ReturnType<typeof newBacktest>): number {
  let characters = 0;
  for (const episode of backtest.episodes()) characters += JSON.stringify(episode).length;
  return characters + JSON.stringify(backtest.summary()).length;
}

const jobs: Jobs = { parse: parseJob, raw: rawJob, compact: compactJob };

const MILLION = 1_000_000;

async function run(bench: Bench): Promise<void> {
  const { quick, rounds } = bench.sizes;
  const compact = join(bench.folder, 'compact.jsonl');
  const raw = join(bench.folder, 'raw.jsonl');
  const stream = { ...STREAM, declined: 0.1 };
  bench.progress('writing the files');
  await writeLines(compact, recordStream({ ...stream, count: quick ? 100_000 : MILLION }));
  await writeLines(raw, eventStream({ ...stream, count: quick ? 50_000 : 100_000 }));
  for (let round = 0; round < rounds; round++) {
    bench.progress(`round ${round + 1}`);
    const base = await bench.job('parse', { file: raw });
    const own = await bench.job('raw', { file: raw });
    const short = await bench.job('compact', { file: compact });
    const parsed = await bench.job('parse', { file: compact });
    const ratio = { unit: '×', better: 'lower' } as const;
    bench.record(
      { ...ratio, id: 'backtest.raw.ratio', title: 'backtest, raw Stripe events: to JSON.parse', target: 2 },
      (own.micros ?? 0) / (base.micros ?? 1),
    );
    const micros = { unit: 'µs', better: 'lower', target: null } as const;
    bench.record({ ...micros, id: 'backtest.raw.micros', title: '  an event' }, own.micros ?? 0);
    bench.record({ ...micros, id: 'backtest.raw.parse', title: '  JSON.parse of an event' }, base.micros ?? 0);
    bench.record(
      {
        id: 'backtest.compact',
        title: 'backtest, a million compact attempts: processor',
        unit: 's',
        better: 'lower',
        target: 5,
      },
      short.micros ?? 0,
    );
    bench.record(
      { ...ratio, id: 'backtest.compact.ratio', title: '  to JSON.parse of the same records', target: null },
      (short.micros ?? 0) / (parsed.micros ?? 1),
    );
  }
}

export const backtestSuite: Suite = { name: 'backtest', title: 'Backtest', jobs, run };
