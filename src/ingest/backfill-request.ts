// The words with which a person asks for a backfill (`30d`; connected accounts), of the API and of the CLI. Pure.
import { AppError, type ErrorDetail } from '../model/errors.ts';
import type { BackfillRequest } from './backfill-jobs.ts';

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000 };
/** So long Stripe keeps events. */
const LONGEST_MS = 30 * 86_400_000;
const MAX_ACCOUNTS = 1_000;

/** `{ "since": "30d", "accounts": ["acct_…"] }`. Throws AppError `invalid_request` with every problem. */
export function readBackfillRequest(body: unknown, nowMs: number): BackfillRequest {
  const details: ErrorDetail[] = [];
  const given = (body !== null && typeof body === 'object' ? body : {}) as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(given))
    if (name !== 'since' && name !== 'accounts')
      details.push({ path: name, message: 'is not known; there are since and accounts' });
  const agoMs = typeof given.since === 'string' ? agoOf(given.since) : null;
  if (agoMs === null)
    details.push({
      path: 'since',
      message: 'takes how long ago, as 30d, 12h or 90m; at most 30d, for so long Stripe keeps events',
    });
  const accounts = given.accounts ?? [];
  if (!isAccounts(accounts))
    details.push({ path: 'accounts', message: `takes at most ${MAX_ACCOUNTS} ids of connected accounts (acct_…)` });
  if (agoMs === null || !isAccounts(accounts) || details.length > 0)
    throw new AppError('invalid_request', 'This is no request for a backfill.', {
      help: 'Correct what is named, for example {"since":"30d"}.',
      details,
    });
  return { sinceMs: nowMs - agoMs, accounts: [...new Set(accounts)] };
}

function agoOf(text: string): number | null {
  const parts = /^(\d{1,6})([dhm])$/.exec(text.trim());
  const ms = Number(parts?.[1]) * (UNIT_MS[parts?.[2] ?? ''] ?? Number.NaN);
  return ms > 0 && ms <= LONGEST_MS ? ms : null;
}

const isAccounts = (value: unknown): value is string[] =>
  Array.isArray(value) &&
  value.length <= MAX_ACCOUNTS &&
  value.every((id) => typeof id === 'string' && /^acct_\w{1,64}$/.test(id));
