// `declinewatch backfill`: has the past taken in by the running service, or by one opened for it, and shows how far it is.
import type { BackfillStatus } from '../ingest/backfill-progress.ts';
import { readBackfillRequest } from '../ingest/backfill-request.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import { knownCode } from '../model/error-codes.ts';
import { AppError } from '../model/errors.ts';
import { type ApiClient, withService } from './api-client.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, textOption, usageError } from './command.ts';

export const backfillCommand: CliCommand = {
  summary: 'take the past from Stripe’s Events API',
  help: `
usage: declinewatch backfill --since 30d [--account acct_… …] [--json]

  --since     how long ago: 30d, 12h, 90m; at most 30d, for so long Stripe keeps events
  --account   a connected account (Connect), may be given several times; default: the key's own
  --json      progress as lines of JSON, the last one the outcome

Needs STRIPE_API_KEY, a restricted key with Read on Events, Charges and Refunds, PaymentIntents, SetupIntents, Disputes and
Reviews. Goes forward in time at most 5 requests a second, slower when Stripe says so. Broken off at any point, it goes on where
it was. What webhooks delivered already is not counted twice, and nothing is posted for the past. While the service runs,
it does the work, and goes on when this command is interrupted.`,
  options: {
    since: { type: 'string' },
    account: { type: 'string', multiple: true },
    json: { type: 'boolean' },
  },
  run: async (context) => {
    const body = bodyOf(context);
    return await withService(async (api) => await followBackfill(api, context, { body }));
  },
};

type Body = { readonly since: string; readonly accounts?: readonly string[] };

function bodyOf(context: CommandContext): Body {
  const since = textOption(context, 'since');
  if (since === null) throw usageError('backfill takes --since, for example --since 30d.');
  const given = context.values.account;
  const accounts = Array.isArray(given) ? given.filter((id) => typeof id === 'string') : [];
  const body = { since, ...(accounts.length === 0 ? {} : { accounts }) };
  try {
    readBackfillRequest(body, 0);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw usageError(error.details.map(({ path, message }) => `--${path.replace(/s$/, '')} ${message}`).join('; '));
  }
  return body;
}

export type FollowOptions = { readonly body: Body; readonly clock?: Clock };

const LOOK_EVERY_MS = 500;
const LINE_EVERY_MS = 10_000;

/** Starts it, or joins the one that runs; resolves with the exit code when it has ended. */
export async function followBackfill(
  api: Pick<ApiClient, 'get' | 'post'>,
  context: Pick<CommandContext, 'stdout' | 'stderr' | 'values' | 'positionals'>,
  { body, clock = systemClock }: FollowOptions,
): Promise<number> {
  const show = createDisplay(context as CommandContext, clock);
  let status = await begin(api, context, body);
  while (status.state === 'running') {
    show.progress(status);
    await clock.sleep(LOOK_EVERY_MS);
    status = statusOf(await api.get('/api/backfill'));
  }
  show.end(status);
  if (status.state === 'failed') throw failureOf(status);
  return status.state === 'done' ? 0 : 1;
}

async function begin(
  api: Pick<ApiClient, 'get' | 'post'>,
  { stderr }: Pick<CommandContext, 'stderr'>,
  body: Body,
): Promise<BackfillStatus> {
  try {
    return statusOf(await api.post('/api/backfill', body));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'backfill_running') throw error;
    stderr.write('A backfill runs already; this shows how far it is.\n');
    return statusOf(await api.get('/api/backfill'));
  }
}

const statusOf = (answer: unknown): BackfillStatus => (answer as { readonly backfill: BackfillStatus }).backfill;

function failureOf({ error }: BackfillStatus): AppError {
  return new AppError(knownCode(error?.code, 'internal'), error?.message ?? 'The backfill failed.', {
    help: [error?.help, 'What was taken stays; the same command goes on from there.'].filter(Boolean).join(' '),
  });
}

type Display = { progress(status: BackfillStatus): void; end(status: BackfillStatus): void };

/** On a terminal one line that is written over, else a line now and then. */
function createDisplay(context: CommandContext, clock: Clock): Display {
  const { stdout } = context;
  const json = flagOption(context, 'json');
  const isTerminal = stdout.isTTY === true && !json;
  let writtenAt = Number.NEGATIVE_INFINITY;
  const write = (status: BackfillStatus): void => {
    writtenAt = clock.now();
    if (json) printJson(stdout, { backfill: status });
    else if (isTerminal) stdout.write(`\r\u001b[2K${progressLine(status, clock.now())}`);
    else stdout.write(`${progressLine(status, clock.now())}\n`);
  };
  return {
    progress: (status) => {
      if (isTerminal || clock.now() - writtenAt >= LINE_EVERY_MS) write(status);
    },
    end: (status) => {
      write(status);
      if (isTerminal) stdout.write('\n');
      if (!json && status.state === 'done') stdout.write(`${summaryLine(status)}\n`);
    },
  };
}

const BAR = 24;

export function progressLine(status: BackfillStatus, nowMs: number): string {
  const { fraction, events, eventsPerSecond, requestsPerSecond, reachedAt, expectedEndAt, waiting, account } = status;
  const full = Math.floor(fraction * BAR);
  const parts = [
    `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${String(Math.floor(fraction * 100)).padStart(3)} %`,
    ...(account === null ? [] : [account]),
    ...(reachedAt === null ? [] : [reachedAt.slice(0, 16).replace('T', ' ')]),
    `${events} events`,
    `${Math.round(eventsPerSecond)}/s`,
    `${Number(requestsPerSecond.toFixed(2))} requests/s`,
  ];
  if (waiting !== null) parts.push(`waits: ${waiting.message}`);
  else if (expectedEndAt !== null) parts.push(`ends in ${timeLeft(Date.parse(expectedEndAt) - nowMs)}`);
  return parts.join('  ');
}

function timeLeft(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

function summaryLine({ events, counted, requests, readBudgetUsed }: BackfillStatus): string {
  const share = (readBudgetUsed * 100).toFixed(1);
  return `${events} events taken, ${counted} of them attempts or signals; ${requests} reads (${share} % of the 10,000 that Stripe allows any account in a month).`;
}
