// A backfill in a process of its own, to be killed: embedded log and what is kept in the folder given, Stripe at the URL
// given; and the function that starts it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { createAcceptor } from '../../src/ingest/accept.ts';
import { createBackfills } from '../../src/ingest/backfill-jobs.ts';
import { createStripeApi } from '../../src/ingest/stripe-client.ts';
import { openDatabase } from '../../src/log/database.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { systemClock } from '../../src/model/clock.ts';
import { LOCAL_KEY } from './local-stripe.ts';

export type BackfillChild = {
  kill(): void;
  /** Exit code (null: killed) and what it said: `done` and the number of events. */
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
};

export function startBackfillChild(options: { folder: string; apiUrl: string; sinceMs: number }): BackfillChild {
  const { folder, apiUrl, sinceMs } = options;
  const args = [fileURLToPath(import.meta.url), folder, apiUrl, String(sinceMs)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.on('exit', kill);
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once('close', (code) => {
      process.off('exit', kill);
      resolve({ code, output });
    }),
  );
  return { kill, ended };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));

async function main([folder = '', apiUrl = '', sinceMs = '']: string[]): Promise<void> {
  const logger = pino({ level: 'silent' });
  const database = await openDatabase({ file: join(folder, 'log.db'), owner: 'backfill child' });
  const log = await openSqliteLog({ database, logger });
  await log.ensureTopics();
  const acceptor = createAcceptor({
    log,
    context: () => ({ metadata: { ip: null, keys: [] } }),
    latenessMs: () => 3 * 86_400_000,
  });
  const api = createStripeApi({ apiKey: LOCAL_KEY, apiUrl, clock: systemClock, perSecond: 1_000_000 });
  const file = join(folder, 'backfill.json');
  const backfills = createBackfills({ api, acceptor, clock: systemClock, logger, file });
  await backfills.resume();
  if (backfills.status().state === 'idle') await backfills.start({ sinceMs: Number(sinceMs), accounts: [] });
  await backfills.idle();
  const { state, events, error } = backfills.status();
  api.close();
  await log.close();
  await database.close();
  process.stdout.write(`${state} ${events} ${error?.code ?? ''}\n`);
}
