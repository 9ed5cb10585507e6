// Errors as the API says them (design §7): one form, a closed list of codes, each with its HTTP status.
import type { Refusal } from '../model/commands.ts';
import { AppError, type ErrorDetail } from '../model/errors.ts';

export const HTTP_STATUS = {
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  already_acknowledged: 409,
  invalid_transition: 409,
  stale_version: 409,
  approval_needed: 409,
  repeated: 409,
  backfill_running: 409,
  too_large: 413,
  unsupported_media_type: 415,
  invalid_detector: 422,
  field_not_kept: 422,
  stripe_key_missing: 422,
  too_many_requests: 429,
  internal: 500,
  log_unavailable: 503,
  too_many_streams: 503,
} as const;

export type ErrorCode = keyof typeof HTTP_STATUS;
export type ErrorStatus = (typeof HTTP_STATUS)[ErrorCode];

export type ErrorJson = {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly help: string;
    readonly details: readonly ErrorDetail[];
  };
};

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(HTTP_STATUS, code);
}

/** What a request cannot be answered for; thrown by handlers, answered in one place. */
export function httpError(
  code: ErrorCode,
  message: string,
  { help = '', details = [] }: { readonly help?: string; readonly details?: readonly ErrorDetail[] } = {},
): AppError {
  return new AppError(code, message, { help, details });
}

const REFUSAL_HELP: Readonly<Record<Refusal['code'], string>> = {
  already_acknowledged: 'Nothing is to be done: somebody has it.',
  invalid_transition: 'Look at the incident as it is now.',
  stale_version: 'Read it again, and try from what is there now.',
  approval_needed: 'Propose it, on the curve of the detector or with POST /api/proposals; somebody else applies it.',
  not_found: 'Look at the list of incidents.',
  invalid_request: 'Correct the request and send it again.',
  repeated: 'The first of the two requests was done.',
};

export function refusalError({ code, message }: Refusal): AppError {
  return httpError(code, message, { help: REFUSAL_HELP[code] });
}

/** Status and body for anything thrown. What is not ours says nothing about itself: it may hold what must not go out. */
export function errorAnswer(error: unknown): { readonly status: ErrorStatus; readonly body: ErrorJson } {
  if (error instanceof AppError && isErrorCode(error.code)) {
    const { code, message, help, details } = error;
    return { status: HTTP_STATUS[code], body: { error: { code, message, help, details } } };
  }
  const message = 'This could not be done: something failed inside.';
  const help = 'The log of the service says what.';
  return { status: 500, body: { error: { code: 'internal', message, help, details: [] } } };
}
