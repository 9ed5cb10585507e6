// The one error class of the program: a code from a closed list (each has a heading in docs/errors.md), what is wrong,
// and the cure. Expected outcomes are values; an AppError is for what the caller cannot go on from.
import type { ErrorCode } from './error-codes.ts';

export type ErrorDetail = { readonly path: string; readonly message: string };

export type AppErrorOptions = {
  /** What the reader should do about it, one sentence. */
  readonly help?: string;
  readonly details?: readonly ErrorDetail[];
  /** True if the same call may succeed later without a change by a person. */
  readonly retriable?: boolean;
  readonly cause?: unknown;
};

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly help: string;
  readonly details: readonly ErrorDetail[];
  readonly retriable: boolean;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.help = options.help ?? '';
    this.details = options.details ?? [];
    this.retriable = options.retriable ?? false;
  }
}

/** The message of anything thrown, for a log line or a wrapping error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
