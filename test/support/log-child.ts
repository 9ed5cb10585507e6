// A consumer in a process of its own that is killed with SIGKILL while it handles a batch: `node log-child.ts`, and the
// function that starts it.
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { EventLog } from '../../src/log/event-log.ts';
import type { TopicName } from '../../src/model/topics.ts';

type Task = {
  readonly topic: TopicName;
  readonly group: string;
  readonly maxRecords: number;
  /** How many records are handled before the kill. */
  readonly after: number;
};

type Killable = { readonly childArgs: readonly string[]; readonly log: EventLog };

/** Closes the log, lets the child consume, and resolves with the numbers that it handled before it was killed. */
export async function killedWhileHandling({ log, childArgs }: Killable, task: Task): Promise<number[]> {
  await log.close();
  const args = [fileURLToPath(import.meta.url), JSON.stringify(task), ...childArgs];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const signal = await new Promise((resolve) => child.once('close', (_code, how) => resolve(how)));
  if (signal !== 'SIGKILL') throw new Error(`The child ended by itself: ${errors}`);
  return output.trim().split('\n').map(Number);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));

async function main([taskText = '{}', kind = '', ...rest]: string[]): Promise<void> {
  const task = JSON.parse(taskText) as Task;
  const log = await openLog(kind, rest);
  let handled = 0;
  await log.consume({
    topic: task.topic,
    group: task.group,
    maxRecords: task.maxRecords,
    batch: async ({ records }) => {
      for (const { value } of records) {
        // At once, not through a stream: the next line may be the last.
        writeSync(1, `${(JSON.parse(value) as { n: number }).n}\n`);
        handled += 1;
        if (handled >= task.after) process.kill(process.pid, 'SIGKILL');
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
  return await openKafkaLog({ brokers: place.split(','), topicPrefix: prefix, clientId: 'child', logger });
}
