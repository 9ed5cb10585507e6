// `GET` and `POST /api/dead-letters`: what waits, why, and what a person wants done about it.
import type { DeadLetterDesk, Operation } from '../console/options.ts';
import { type DeadLetter, deadLetterId } from '../model/dead-letter.ts';
import { AppError, type ErrorDetail } from '../model/errors.ts';

const SHOWN = 100;
const MAX_SHOWN = 1_000;
/** Of one request: more take more requests. */
const MAX_HANDLED = 500;

export function deadLetterOperations(desk: DeadLetterDesk): Operation[] {
  return [
    {
      method: 'GET',
      path: '/dead-letters',
      run: async ({ query }) => ({ status: 200, body: await list(desk, query) }),
    },
    {
      method: 'POST',
      path: '/dead-letters',
      run: async ({ body, actor, signal }) => {
        const asked = await readRequest(desk, body);
        const results = await desk.handle({ ...asked, by: actor, signal });
        return { status: 200, body: { results, waiting: desk.waiting() } };
      },
    },
  ];
}

async function list(desk: DeadLetterDesk, query: URLSearchParams): Promise<object> {
  const unknown = [...query.keys()].filter((name) => !['id', 'source', 'reason', 'limit'].includes(name));
  if (unknown.length > 0)
    throw invalid(unknown.map((path) => ({ path: path.slice(0, 64), message: 'is not known here' })));
  const id = query.get('id');
  if (id !== null) {
    const shown = await desk.show(id);
    if (shown === null) throw noneWaits();
    return { deadLetter: letterJson(shown.letter), record: shown.record };
  }
  const wanted = await desk.list({ source: query.get('source'), reason: query.get('reason') });
  return { deadLetters: wanted.slice(0, limitOf(query.get('limit'))).map(letterJson), waiting: desk.waiting() };
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

type Request = { readonly action: 'retry' | 'drop'; readonly ids: readonly string[] };

async function readRequest(desk: DeadLetterDesk, body: unknown): Promise<Request> {
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
  const waiting = (await desk.list({ source: null, reason: null })).map(deadLetterId);
  if (all === true) return { action, ids: waiting.slice(0, MAX_HANDLED) };
  const known = new Set(waiting);
  const asked = [...new Set(ids as readonly string[])];
  if (!asked.every((id) => known.has(id))) throw noneWaits();
  return { action, ids: asked };
}

const noneWaits = (): AppError =>
  new AppError('not_found', 'No such dead letter waits.', {
    help: 'It may have been retried or dropped: list those that are left.',
  });

const invalid = (details: readonly ErrorDetail[]): AppError =>
  new AppError('invalid_request', 'The request is not understood.', {
    help: 'Correct what is named; docs/operations.md tells of dead letters.',
    details,
  });
