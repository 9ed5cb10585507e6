// What an answer of Stripe's API means, and its cure: every status, a time-out, DNS, TLS, and JSON that is not what was
// asked for. Nothing of a key gets into a message.
import type { ErrorCode } from '../model/error-codes.ts';
import { AppError, messageOf } from '../model/errors.ts';
import { isJson, textOf } from './json.ts';
import { permissionLabel } from './stripe-types.ts';

/** What the SDK throws, as far as it can be relied on. */
type Raised = {
  readonly type: string | null;
  readonly status: number | null;
  readonly code: string | null;
  readonly param: string | null;
  readonly message: string;
  readonly requestId: string | null;
  /** Of the connection underneath: `ENOTFOUND`, `ETIMEDOUT`, `CERT_HAS_EXPIRED`, … */
  readonly system: string | null;
  readonly limitReason: string | null;
};

/** `doing`: what was asked for, e.g. "listing events". An AppError passes through. */
export function stripeError(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  const raised = raisedOf(error);
  const { code, help, retriable, why } = raised.status === null ? ofConnection(raised) : ofStatus(raised);
  const request = raised.requestId === null ? '' : ` (request ${raised.requestId})`;
  const permission = permissionOf(raised.message);
  return new AppError(code, `Stripe: ${doing}: ${why}${request}.`, {
    help,
    retriable,
    cause: error,
    details: permission === null ? [] : [{ path: permission, message: permissionLabel(permission) }],
  });
}

/** A 2xx (or any other) answer that is JSON without an `error`, and yet not what was asked for. */
export function badAnswer(status: number, doing: string, what: string): AppError {
  if (status >= 500 || status === 429) return stripeError({ statusCode: status, message: what }, doing);
  return new AppError('stripe_bad_answer', `Stripe: ${doing}: ${what} (HTTP ${status}).`, {
    help: 'Something between here and Stripe answers in its place: check STRIPE_API_URL and the proxy.',
  });
}

/** The event id given as a cursor is no longer there: older than 30 days. */
export function isCursorGone(error: unknown): boolean {
  if (!(error instanceof AppError) || !isJson(error.cause)) return false;
  const { code, param } = raisedOf(error.cause);
  return code === 'resource_missing' && (param === 'ending_before' || param === 'starting_after');
}

type Meaning = { readonly code: ErrorCode; readonly why: string; readonly help: string; readonly retriable: boolean };

const fatal = (code: ErrorCode, why: string, help: string): Meaning => ({ code, why, help, retriable: false });
const passing = (code: ErrorCode, why: string, help: string): Meaning => ({ code, why, help, retriable: true });

function ofStatus(raised: Raised): Meaning {
  const { status, message } = raised;
  if (permissionOf(message) !== null || (status === 403 && raised.code !== 'account_invalid')) return forbidden(raised);
  switch (status) {
    case 401:
      return fatal(
        'stripe_unauthorized',
        'the key is wrong, expired or rolled (HTTP 401)',
        'Make a restricted key in the Dashboard (Developers → API keys) and set STRIPE_API_KEY.',
      );
    case 403:
      return fatal(
        'stripe_forbidden',
        'the key may not act for this account (HTTP 403)',
        'Use a key of the platform that the account is connected to, and check that it still is.',
      );
    case 404:
      return fatal(
        'stripe_not_found',
        'there is no such object (HTTP 404)',
        'It may be of the other mode (test or live) or of another account: compare the key with it.',
      );
    case 409:
    case 424:
      return passing(
        'stripe_conflict',
        `another request is in the way (HTTP ${status})`,
        'Nothing to do: it is tried again.',
      );
    case 429:
      return rateLimited(raised);
    default:
      if (status !== null && status >= 500)
        return passing(
          'stripe_unavailable',
          `Stripe cannot answer now (HTTP ${status})`,
          'It is tried again; see status.stripe.com if it lasts.',
        );
      if (raised.type === 'StripeRateLimitError') return rateLimited(raised);
      return fatal(
        'stripe_invalid_request',
        `the request is refused (HTTP ${status}): ${withoutKeys(message)}`,
        'This is a fault of declinewatch or of a proxy in between: report it with the request id.',
      );
  }
}

const rateLimited = ({ limitReason }: Raised): Meaning =>
  passing(
    'stripe_rate_limited',
    `too many requests (HTTP 429${limitReason === null ? '' : `, ${limitReason}`})`,
    'It goes on by itself, slower; other programs with this account share the limit.',
  );

function forbidden({ message, status }: Raised): Meaning {
  const slug = permissionOf(message);
  const help =
    slug === null
      ? 'Give the restricted key the Read permissions that docs/backfill.md lists.'
      : `In the Dashboard (Developers → API keys) edit the key and give it ${permissionLabel(slug)}.`;
  const why = slug === null ? 'the key lacks a permission' : `the key lacks the permission ${slug}`;
  return fatal('stripe_forbidden', `${why} (HTTP ${status})`, help);
}

const TLS = /^(?:CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|EPROTO)/;

function ofConnection({ system, message, type }: Raised): Meaning {
  if (system === 'ETIMEDOUT' || /timeout/i.test(message))
    return passing('stripe_timeout', 'no answer in time', 'It is tried again; check the network if it lasts.');
  if (system === 'ENOTFOUND' || system === 'EAI_AGAIN')
    return passing(
      'stripe_unreachable',
      `the name of the server cannot be resolved (${system})`,
      'Check DNS, and STRIPE_API_URL if it is set.',
    );
  if (system !== null && TLS.test(system))
    return fatal(
      'stripe_untrusted',
      `the server’s certificate is not accepted (${system})`,
      'A proxy may stand in between: let Node trust its authority (NODE_EXTRA_CA_CERTS), and check this machine’s clock.',
    );
  if (type === 'StripeConnectionError' || system !== null)
    return passing(
      'stripe_unreachable',
      `the connection failed (${system ?? 'lost'})`,
      'It is tried again; check the network, a firewall, and STRIPE_API_URL if it is set.',
    );
  if (type === 'StripeAPIError')
    return passing(
      'stripe_unavailable',
      'the answer is not JSON',
      'A proxy may have answered in Stripe’s place: check STRIPE_API_URL if it lasts.',
    );
  return fatal('stripe_failed', withoutKeys(message), 'This is a fault of declinewatch: report it.');
}

function raisedOf(error: unknown): Raised {
  const raised = isJson(error) ? error : null;
  const detail = isJson(raised?.detail) ? raised.detail : null;
  const status = raised?.statusCode;
  const headers = isJson(raised?.headers) ? raised.headers : null;
  // Of an answer that breaks off, the SDK wraps the cause once more.
  const inner = isJson(detail?.cause) ? detail.cause : null;
  return {
    type: textOf(raised?.type),
    status: typeof status === 'number' ? status : null,
    code: textOf(raised?.code),
    param: textOf(raised?.param),
    message: messageOf(error),
    requestId: textOf(raised?.requestId),
    system: textOf(detail?.code) ?? textOf(inner?.code),
    limitReason: textOf(headers?.['stripe-rate-limited-reason']),
  };
}

/** `rak_charge_read` of "Having the 'rak_charge_read' permission would allow this request to continue". */
function permissionOf(message: string): string | null {
  return /'(rak_[a-z0-9_]{1,64})'/.exec(message)?.[1] ?? null;
}

function withoutKeys(message: string): string {
  return message.replace(/\b(?:sk|rk|whsec)_[\w*]+/g, '[key]').slice(0, 300);
}
