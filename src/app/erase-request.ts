// What an erase is asked for with, from the API and from the console: understood, or every problem named. Pure.
import { type Asked, ERASE_KINDS, type EraseKind } from '../model/erase-status.ts';
import { AppError, type ErrorDetail } from '../model/errors.ts';

/** An e-mail address has at most 320 characters, an id of Stripe's fewer. */
const MAX_VALUE = 320;
const CARD_NUMBER = /^\d{12,19}$/;
/** Ids of Stripe's that are often at hand, and are neither a customer nor a fingerprint. */
const OTHER_ID = /^(?:card|ch|dp|du|evt|in|pi|pm|py|seti|setatt|src|sub|tok)_/;

export const isEraseKind = (kind: string): kind is EraseKind => (ERASE_KINDS as readonly string[]).includes(kind);

/** Throws `invalid_request`. */
export function readEraseRequest(body: unknown): { readonly asked: Asked; readonly dryRun: boolean } {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw invalid([{ path: '', message: 'the body is a JSON object' }]);
  const { dryRun = false, ...rest } = body as Readonly<Record<string, unknown>>;
  const problems: ErrorDetail[] = Object.keys(rest)
    .filter((name) => !isEraseKind(name))
    .map((path) => ({ path: path.slice(0, 64), message: 'is not known here' }));
  if (typeof dryRun !== 'boolean') problems.push({ path: 'dryRun', message: 'is true or false' });
  const given = ERASE_KINDS.filter((kind) => rest[kind] !== undefined);
  const [kind] = given;
  if (given.length !== 1 || kind === undefined)
    throw invalid([...problems, { path: '', message: 'name one of customer, email and card' }]);
  const value = plainValue(kind, rest[kind]);
  const problem = problemOf(kind, value);
  if (problem !== null) problems.push({ path: kind, message: problem });
  if (problems.length > 0) throw invalid(problems);
  return { asked: { kind, value }, dryRun: dryRun === true };
}

/** As it stands in the log; '' if it is no text. */
export function plainValue(kind: EraseKind, value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  return kind === 'email' ? text.toLowerCase() : text;
}

/** Somebody else's value, or none, would find nothing: that is not to be taken for a person who is not known. */
function problemOf(kind: EraseKind, text: string): string | null {
  if (text === '' || text.length > MAX_VALUE) return `is a text of 1 to ${MAX_VALUE} characters`;
  if (CARD_NUMBER.test(text.replace(/[ -]/g, '')))
    return 'is not a card number: give the fingerprint, as the incident shows it';
  if (text.includes('•')) return 'is a mask: give the whole value, as Stripe has it';
  if (/[\s\p{Cc}\p{Cf}]/u.test(text)) return 'has a space or an invisible character in it: give one value';
  if (kind === 'email') return text.includes('@') ? null : 'is an e-mail address';
  if (text.includes('@')) return 'is not an e-mail address: ask for it as one';
  if (OTHER_ID.test(text) || (kind === 'card' && text.startsWith('cus_')))
    return kind === 'card'
      ? 'is the fingerprint of a card, not an id: the incident shows it, and Stripe beside the card'
      : 'is the id of a customer, such as cus_…, not of something else';
  return null;
}

const invalid = (details: readonly ErrorDetail[]): AppError =>
  new AppError('invalid_request', 'The request is not understood.', {
    help: 'Correct what is named; docs/erase.md tells of erasing.',
    details,
  });
