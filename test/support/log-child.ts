// A consumer in a process of its own that, while it handles a batch, kills or freezes itself: `node log-child.ts`, and the
// functions that start it.
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { EventLog, Hold } from '../../src/log/event-log.ts';
import type { TopicName } from '../../src/model/topics.ts';
import { endWithUs } from './local-process.ts';

export type ChildTask = {
  readonly topic: TopicName;
  readonly group: string;
  readonly maxRecords: number;
  /** How many records are handled before the signal. */
  readonly after: number;
};

/** The shortest that Kafka takes. */
export const SHORT_SESSION_MS = 6_000;

type Signal = 'SIGKILL' | 'SIGSTOP';

type ChildData = { readonly childArgs: readonly string[] };

export type LogChild = {
  /** Key and number of each record that it handled, as `key/number`, in order. */
  handled(): readonly string[];
  /** Whether it was certain of a partition at its first batch and right after the signal, and what it was told then. */
  certain(): readonly string[];
  /** Lets a frozen one go on. */
  resume(): void;
  /** Resolves when it was killed, or has stopped as asked; rejects with what it said if it failed. */
  readonly ended: Promise<void>;
  /** Asks it to close its log, and waits for its end. */
  stop(): Promise<void>;
};

/** Consumes until it has handled `after` records, then sends itself the signal, in the middle of a batch. */
export function startLogChild({ childArgs }: ChildData, task: ChildTask, signal: Signal): LogChild {
  const args = [fileURLToPath(import.meta.url), JSON.stringify({ ...task, signal }), ...childArgs];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  let isStopping = false;
  endWithUs(child);
  const ended = new Promise<void>((resolve, reject) =>
    child.once('close', (code, how) => {
      if (how === 'SIGKILL' || (isStopping && code === 0)) resolve();
      else reject(new Error(`The child ended by itself: ${errors}`));
    }),
  );
  return {
    handled: () => linesOf(output).filter((line) => !line.startsWith('#')),
    certain: () => linesOf(output).filter((line) => line.startsWith('#')),
    resume: () => void child.kill('SIGCONT'),
    ended,
    stop: async () => {
      isStopping = true;
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);

/** Closes the log, lets the child consume, and resolves with the numbers that it handled before it was killed. */
export async function killedWhileHandling(
  { log, childArgs }: ChildData & { readonly log: EventLog },
  task: ChildTask,
): Promise<number[]> {
  await log.close();
  const child = startLogChild({ childArgs }, task, 'SIGKILL');
  await child.ended;
  return child.handled().map((line) => Number(line.split('/')[1]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));

async function main([taskText = '{}', kind = '', ...rest]: string[]): Promise<void> {
  const task = JSON.parse(taskText) as ChildTask & { readonly signal: Signal };
  const log = await openLog(kind, rest);
  let handled = 0;
  let hold: Hold | null = null;
  /** At once: a promise that is kept needs no turn of the event loop. */
  const sayCertain = async (): Promise<void> => {
    const certain = hold?.certain(new AbortController().signal);
    const turn = new Promise<'unknown'>((resolve) => setImmediate(() => resolve('unknown')));
    const atOnce = await Promise.race([certain, turn]);
    writeSync(1, `#${atOnce}\n`);
    if (atOnce === 'unknown') void certain?.then((later) => writeSync(1, `#${later}\n`));
  };
  process.once('SIGTERM', () => void log.close().then(() => process.exit(0)));
  await log.consume({
    topic: task.topic,
    group: task.group,
    maxRecords: task.maxRecords,
    assigned: async (_, given) => {
      hold = given;
      return null;
    },
    batch: async ({ records }) => {
      if (handled === 0) await sayCertain();
      for (const { key, value } of records) {
        // At once, not through a stream: the next line may be the last.
        writeSync(1, `${key}/${(JSON.parse(value) as { n: number }).n}\n`);
        handled += 1;
        if (handled !== task.after) continue;
        // In the same turn: the batches of other partitions go on side by side.
        process.kill(process.pid, task.signal);
        await sayCertain();
      }
      return null;
    },
  });
}

async function openLog(kind: string, [place = '', prefix = '']: string[]): Promise<EventLog> {
  const logger = pino({ level: 'silent' });
  if (kind === 'sqlite') {
    const { openDatabase } = await import('../../src/log/database.ts');
    const { openSqliteLog } = await import('../../src/log/sqlite.ts');
    return await openSqliteLog({ database: await openDatabase({ file: place, owner: 'child' }), logger });
  }
  const { openKafkaLog } = await import('../../src/log/kafka.ts');
  return await openKafkaLog({
    brokers: place.split(','),
    topicPrefix: prefix,
    clientId: 'child',
    sessionTimeoutMs: SHORT_SESSION_MS,
    logger,
  });
}
