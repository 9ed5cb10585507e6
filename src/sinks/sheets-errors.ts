// What an error of the Sheets API means, with its cure. Source: Google's pages on API errors and on the Sheets API's
// limits; an error body is `{error: {code, message, status, details: [{"@type": …ErrorInfo, reason}]}}`.
import type { Result } from '../deliveries/sink.ts';
import { AppError, messageOf } from '../model/errors.ts';

export type SheetsFailure = {
  readonly code:
    | 'sheet_quota'
    | 'sheet_unavailable'
    | 'sheet_not_shared'
    | 'sheet_read_only'
    | 'sheet_api_off'
    | 'sheet_wrong_id'
    | 'sheet_not_a_sheet'
    | 'sheet_key_invalid'
    | 'sheet_protected'
    | 'sheet_full'
    | 'sheet_bad_request'
    | 'sheet_is_a_copy'
    | 'sheet_of_another';
  readonly message: string;
  /** The cure. */
  readonly help: string;
  /** `no`: surely not carried out. */
  readonly sent: 'no' | 'maybe';
};

export type CallContext = {
  /** The service account. */
  readonly email: string;
  readonly spreadsheetId: string;
  /** Only a write that is refused while reading works tells a read-only share from none. */
  readonly isWrite: boolean;
};

/** Carries a failure through code that rejects. */
export class SheetsError extends Error {
  readonly failure: SheetsFailure;

  constructor(failure: SheetsFailure, options: { readonly cause?: unknown } = {}) {
    super(failure.message, options);
    this.name = 'SheetsError';
    this.failure = failure;
  }
}

const NOT_CONNECTED = /\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)\b/;
const TRANSIENT = new Set([408, 409, 500, 502, 503, 504]);

/** Any rejection of the client as a failure. */
export function failureOf(error: unknown, context: CallContext): SheetsFailure {
  if (error instanceof SheetsError) return error.failure;
  const answer = answerOf(error);
  return answer === null ? withoutAnswer(error) : withAnswer(answer, context);
}

/** For the command line: the same words as an error with a cure. */
export function appErrorOf({ code, message, help, sent }: SheetsFailure, cause: unknown): AppError {
  return new AppError(code, message, { help, retriable: sent === 'maybe' || code === 'sheet_quota', cause });
}

/** For the delivery loop: everything of this output waits, loudly, until it can go on. */
export function retryOf({ code, message, help, sent }: SheetsFailure, nowMs: number): Result {
  const error = help === '' ? message : `${message} ${help}`;
  const result = { outcome: 'retry', scope: 'output', sent, error } as const;
  return code === 'sheet_quota' ? { ...result, retryAfterMs: untilNextMinute(nowMs) } : result;
}

/** Google's quotas are refilled each minute; a little later than that, so that clocks may differ. */
function untilNextMinute(nowMs: number): number {
  return 60_000 - (nowMs % 60_000) + 2_000;
}

type Answer = {
  readonly status: number;
  readonly message: string;
  readonly name: string;
  readonly reasons: readonly string[];
};

function answerOf(error: unknown): Answer | null {
  const response = field(error, 'response');
  const status = Number(field(response, 'status'));
  if (!Number.isInteger(status) || status < 100) return null;
  const body = field(field(response, 'data'), 'error');
  const details = field(body, 'details');
  return {
    status,
    message: String(field(body, 'message') ?? messageOf(error)).slice(0, 400),
    name: String(field(body, 'status') ?? ''),
    reasons: (Array.isArray(details) ? details : []).map((detail) => String(field(detail, 'reason') ?? '')),
  };
}

function withAnswer(answer: Answer, context: CallContext): SheetsFailure {
  const { status, message, name, reasons } = answer;
  const no = { sent: 'no' } as const;
  if (status === 429 || reasons.includes('RATE_LIMIT_EXCEEDED'))
    return {
      ...no,
      code: 'sheet_quota',
      message: 'Google asks to wait: the quota of the Sheets API is used up.',
      help: '',
    };
  if (status === 401)
    return {
      ...no,
      code: 'sheet_key_invalid',
      message: `Google does not accept the key of ${context.email} (${message}).`,
      help: 'The key was revoked or the clock of this machine is wrong: create a new key, put it in the place of the old file.',
    };
  if (status === 403) return forbidden(answer, context);
  if (status === 404)
    return {
      ...no,
      code: 'sheet_wrong_id',
      message: `Google knows no sheet ${context.spreadsheetId}.`,
      help: 'Set GOOGLE_SHEET_ID to the part of the address between /d/ and /edit.',
    };
  if (TRANSIENT.has(status))
    return {
      code: 'sheet_unavailable',
      message: `Google answered HTTP ${status} (${message}).`,
      help: '',
      sent: 'maybe',
    };
  if (name === 'FAILED_PRECONDITION' || /not supported for this document/i.test(message))
    return {
      ...no,
      code: 'sheet_not_a_sheet',
      message: `${context.spreadsheetId} is no Google Sheet (${message}).`,
      help: 'If it is an Excel file in Drive, open it, choose File → Save as Google Sheets, and set GOOGLE_SHEET_ID to the new one.',
    };
  if (/protected (cell|range|sheet)/i.test(message))
    return {
      ...no,
      code: 'sheet_protected',
      message: `A protection in the sheet keeps ${context.email} out (${message}).`,
      help: 'Data → Protect sheets and ranges: let the service account edit it, or remove it.',
    };
  if (/10,?000,?000 cells|above the limit/i.test(message))
    return {
      ...no,
      code: 'sheet_full',
      message: `The sheet is full (${message}).`,
      help: 'Delete tabs that are not needed, or make a new sheet and set GOOGLE_SHEET_ID.',
    };
  return {
    ...no,
    code: 'sheet_bad_request',
    message: `Google refuses the request (HTTP ${status}: ${message}).`,
    help: '',
  };
}

function forbidden({ message, reasons }: Answer, { email, spreadsheetId, isWrite }: CallContext): SheetsFailure {
  const no = { sent: 'no' } as const;
  if (reasons.includes('SERVICE_DISABLED') || /has not been used in project|it is disabled/i.test(message))
    return {
      ...no,
      code: 'sheet_api_off',
      message: `The Google Sheets API is off in the project of ${email}.`,
      help: 'Open console.cloud.google.com/apis/library/sheets.googleapis.com, choose that project, press Enable, and wait a minute.',
    };
  if (isWrite)
    return {
      ...no,
      code: 'sheet_read_only',
      message: `${email} may read the sheet, but not write it.`,
      help: 'In the sheet press Share and make it Editor.',
    };
  return {
    ...no,
    code: 'sheet_not_shared',
    message: `The sheet ${spreadsheetId} is not shared with ${email}.`,
    help: `In the sheet press Share, add ${email} as Editor, without a notification.`,
  };
}

function withoutAnswer(error: unknown): SheetsFailure {
  const reason = reasonOf(error).slice(0, 200);
  const sent = NOT_CONNECTED.test(reason) ? 'no' : 'maybe';
  return {
    code: 'sheet_unavailable',
    message: `Google cannot be reached (${reason}).`,
    help: 'Check that this machine may open HTTPS connections to sheets.googleapis.com.',
    sent,
  };
}

/** The texts of an error and its causes, with their codes. */
function reasonOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 4) return String(error);
  const code = 'code' in error ? `${String(error.code)} ` : '';
  const cause = error.cause === undefined ? '' : `: ${reasonOf(error.cause, depth + 1)}`;
  return `${code}${error.message}${cause}`;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
