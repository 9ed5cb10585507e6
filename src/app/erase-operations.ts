// `GET` and `POST /api/erase`: takes a person out of what is kept, and says how far it is.
import type { Operation } from '../console/options.ts';
import type { Asked } from '../erasure/find.ts';
import { AppError, type ErrorDetail } from '../model/errors.ts';
import type { EraseJobs } from './erase-jobs.ts';

const KINDS = ['customer', 'email', 'card'] as const satisfies readonly Asked['kind'][];
/** An e-mail address has at most 320 characters, an id of Stripe's fewer. */
const MAX_VALUE = 320;

export function eraseOperations({ erases }: { readonly erases: EraseJobs }): Operation[] {
  return [
    {
      method: 'GET',
      path: '/erase',
      run: async ({ query }) => {
        const id = query.get('id');
        const erase = erases.status(id);
        if (erase === null && id !== null)
          throw new AppError('not_found', 'No such erase is known here.', {
            help: 'It may have been asked of another process, or before the last start: ask again, what is done stays done.',
          });
        return { status: 200, body: { erase } };
      },
    },
    {
      method: 'POST',
      path: '/erase',
      run: async ({ body, actor }) => ({ status: 202, body: { erase: erases.start({ ...readRequest(body), actor }) } }),
    },
  ];
}

function readRequest(body: unknown): { readonly asked: Asked; readonly dryRun: boolean } {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw invalid([{ path: '', message: 'the body is a JSON object' }]);
  const { dryRun = false, ...rest } = body as Readonly<Record<string, unknown>>;
  const problems: ErrorDetail[] = Object.keys(rest)
    .filter((name) => !(KINDS as readonly string[]).includes(name))
    .map((path) => ({ path: path.slice(0, 64), message: 'is not known here' }));
  if (typeof dryRun !== 'boolean') problems.push({ path: 'dryRun', message: 'is true or false' });
  const given = KINDS.filter((kind) => rest[kind] !== undefined);
  const [kind] = given;
  if (given.length !== 1 || kind === undefined)
    throw invalid([...problems, { path: '', message: 'name one of customer, email and card' }]);
  const value = rest[kind];
  const text = typeof value === 'string' ? value.trim() : '';
  if (text === '' || text.length > MAX_VALUE)
    problems.push({ path: kind, message: `is a text of 1 to ${MAX_VALUE} characters` });
  if (kind === 'email' && text !== '' && !text.includes('@'))
    problems.push({ path: kind, message: 'is an e-mail address' });
  if (/^\d{12,19}$/.test(text.replace(/[ -]/g, '')))
    problems.push({ path: kind, message: 'is not a card number: give the fingerprint, as the incident shows it' });
  if (problems.length > 0) throw invalid(problems);
  return { asked: { kind, value: kind === 'email' ? text.toLowerCase() : text }, dryRun: dryRun === true };
}

const invalid = (details: readonly ErrorDetail[]): AppError =>
  new AppError('invalid_request', 'The request is not understood.', {
    help: 'Correct what is named; docs/erase.md tells of erasing.',
    details,
  });
