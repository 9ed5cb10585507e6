// `GET` and `POST /api/dead-letters`: what waits, why, and what a person wants done about it.
import type { Operation } from '../console/options.ts';
import type { DeadLetterIndex } from '../feed/dead-letter-index.ts';
import { type DeadLetter, deadLetterId } from '../model/dead-letter.ts';
import { AppError, type ErrorDetail } from '../model/errors.ts';
import { type DeadLetterParts, dropLetter, type LetterResult, recordFacts, retryLetter } from './dead-letters.ts';

export type DeadLetterOperationParts = DeadLetterParts & { readonly deadLetters: DeadLetterIndex };

const CAUGHT_UP_MS = 2_000;
const SHOWN = 100;
const MAX_SHOWN = 1_000;
/** Of one request: more take more requests. */
const MAX_HANDLED = 500;

export function deadLetterOperations(parts: DeadLetterOperationParts): Operation[] {
  return [
    {
      method: 'GET',
      path: '/dead-letters',
      run: async ({ query }) => ({ status: 200, body: await list(parts, query) }),
    },
    {
      method: 'POST',
      path: '/dead-letters',
      run: async ({ body, actor, signal }) => {
        const { action, letters } = await readRequest(parts, body);
        const results: LetterResult[] = [];
        for (const letter of letters) {
          if (signal.aborted) break;
          results.push(await (action === 'retry' ? retryLetter : dropLetter)(parts, letter, actor));
        }
        await caughtUp(parts);
        return { status: 200, body: { results, waiting: totalOf(parts) } };
      },
    },
  ];
}

async function list(parts: DeadLetterOperationParts, query: URLSearchParams): Promise<object> {
  const unknown = [...query.keys()].filter((name) => !['id', 'source', 'reason', 'limit'].includes(name));
  if (unknown.length > 0)
    throw invalid(unknown.map((path) => ({ path: path.slice(0, 64), message: 'is not known here' })));
  await caughtUp(parts);
  const id = query.get('id');
  if (id !== null) {
    const letter = find(parts, id);
    return { deadLetter: letterJson(letter), record: await recordFacts(parts, letter) };
  }
  const [source, reason] = [query.get('source'), query.get('reason')];
  const wanted = parts.deadLetters
    .waiting()
    .filter((letter) => (source === null || letter.source === source) && (reason === null || letter.reason === reason));
  return { deadLetters: wanted.slice(0, limitOf(query.get('limit'))).map(letterJson), waiting: totalOf(parts) };
}

function limitOf(text: string | null): number {
  if (text === null) return SHOWN;
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= MAX_SHOWN) return limit;
  throw invalid([{ path: 'limit', message: `is a whole number from 1 to ${MAX_SHOWN}` }]);
}

/** Without what only the program needs; times as everywhere in the API. */
const letterJson = (letter: DeadLetter): object => {
  const { source, partition, offset, reason, message, tries, at, subject } = letter;
  return {
    id: deadLetterId(letter),
    source,
    partition,
    offset,
    reason,
    message,
    tries,
    at: new Date(at).toISOString(),
    subject,
  };
};

const totalOf = ({ deadLetters }: DeadLetterOperationParts): number =>
  [...deadLetters.counts().values()].reduce((sum, count) => sum + count, 0);

async function caughtUp({ deadLetters, clock }: DeadLetterOperationParts): Promise<void> {
  const enough = new AbortController();
  await Promise.race([deadLetters.caughtUp(), clock.sleep(CAUGHT_UP_MS, enough.signal)]);
  enough.abort();
}

type Request = { readonly action: 'retry' | 'drop'; readonly letters: readonly DeadLetter[] };

async function readRequest(parts: DeadLetterOperationParts, body: unknown): Promise<Request> {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw invalid([{ path: '', message: 'the body is a JSON object' }]);
  const { action, ids, all, ...rest } = body as Readonly<Record<string, unknown>>;
  const problems: ErrorDetail[] = Object.keys(rest).map((path) => ({
    path: path.slice(0, 64),
    message: 'is not known here',
  }));
  if (action !== 'retry' && action !== 'drop') problems.push({ path: 'action', message: 'is retry or drop' });
  const isList =
    Array.isArray(ids) && ids.length > 0 && ids.length <= MAX_HANDLED && ids.every((id) => typeof id === 'string');
  if (all !== undefined && all !== true) problems.push({ path: 'all', message: 'is true, or left out' });
  else if (all === true && ids !== undefined) problems.push({ path: 'all', message: 'and ids: name one of the two' });
  else if (all !== true && !isList) problems.push({ path: 'ids', message: `is a list of 1 to ${MAX_HANDLED} ids` });
  if (problems.length > 0 || (action !== 'retry' && action !== 'drop')) throw invalid(problems);
  await caughtUp(parts);
  const letters =
    all === true
      ? parts.deadLetters.waiting().slice(0, MAX_HANDLED)
      : [...new Set(ids as readonly string[])].map((id) => find(parts, id));
  return { action, letters };
}

function find({ deadLetters }: DeadLetterOperationParts, id: string): DeadLetter {
  const letter = deadLetters.get(id);
  if (letter !== null) return letter;
  throw new AppError('not_found', 'No such dead letter waits.', {
    help: 'It may have been retried or dropped: list those that are left.',
  });
}

const invalid = (details: readonly ErrorDetail[]): AppError =>
  new AppError('invalid_request', 'The request is not understood.', {
    help: 'Correct what is named; docs/operations.md tells of dead letters.',
    details,
  });
