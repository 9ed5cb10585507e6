// Questions as the API takes them, for why, what-if and verify: checked, with path and cure, before anything is read.
import { validateChange } from '../detectors/detectors-file.ts';
import { parseDurationMs } from '../detectors/durations.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EntityKind } from '../model/detector.ts';
import { AppError, type ErrorDetail } from '../model/errors.ts';
import type { WhyQuestion } from '../model/why.ts';
import type { SurfaceQuestion } from './surface.ts';
import type { VerifyQuestion } from './verify-job.ts';
import type { WhatIfQuestion } from './what-if.ts';

const MAX_TEXT = 500;
const MAX_SINCE_MS = 400 * 86_400_000;
const KINDS: readonly string[] = ['card', 'customer', 'email', 'ip', 'account'];

/** `?entity=card:fp` or `?attempt=ch_…`. Throws `invalid_request`. */
export function readWhyQuestion(query: URLSearchParams): WhyQuestion {
  const entity = query.get('entity');
  const attempt = query.get('attempt');
  const unknown = [...query.keys()].filter((name) => name !== 'entity' && name !== 'attempt');
  if (unknown.length > 0) throw invalid(unknown.map((path) => ({ path, message: 'is unknown' })));
  if (attempt !== null && entity === null && attempt !== '' && attempt.length <= MAX_TEXT) return { attempt };
  if (entity === null || attempt !== null) throw invalid([{ path: 'entity', message: 'or attempt must be given' }]);
  const at = entity.indexOf(':');
  const kind = entity.slice(0, at);
  const value = entity.slice(at + 1).trim();
  const isKind = KINDS.includes(kind) || /^metadata\.[^.[\]:]{1,40}$/.test(kind);
  if (at < 1 || !isKind || value === '' || value.length > MAX_TEXT)
    throw invalid([{ path: 'entity', message: 'must be KIND:VALUE, e.g. card:FINGERPRINT or email:ADDRESS' }]);
  return { entity: { kind: kind as EntityKind, value: kind === 'email' ? value.toLowerCase() : value } };
}

/** `{ since: "7d", rounds: 3 }`, both optional. Throws `invalid_request`. */
export function readVerifyQuestion(body: unknown): VerifyQuestion {
  const { since = '7d', rounds, ...rest } = objectOf(body);
  known(rest);
  const sinceMs = durationOf(since);
  if (rounds === undefined) return { sinceMs };
  if (typeof rounds !== 'number' || !Number.isInteger(rounds) || rounds < 0 || rounds > 100)
    throw invalid([{ path: 'rounds', message: 'must be a whole number from 0 to 100' }]);
  return { sinceMs, rounds };
}

export type WhatIfContext = {
  readonly feed: Pick<IncidentFeed, 'settings' | 'general'>;
  /** Milliseconds. */
  readonly nowMs: number;
};

/**
 * `{ detector, set: { thresholds: { warning: 4 } }, since: "30d", curve: true }`; `set` in the file's form. Throws
 * `invalid_request`, `not_found`, or `invalid_detector` with every problem.
 */
export function readWhatIfQuestion(body: unknown, { feed, nowMs }: WhatIfContext): WhatIfQuestion {
  const { detector, set = {}, since = '30d', curve = false, ...rest } = objectOf(body);
  known(rest);
  if (typeof detector !== 'string' || detector === '')
    throw invalid([{ path: 'detector', message: 'must be the name of a detector' }]);
  if (typeof curve !== 'boolean') throw invalid([{ path: 'curve', message: 'must be true or false' }]);
  const current = feed.settings().find(({ rule }) => rule.detector === detector)?.rule.settings;
  const general = feed.general();
  if (!current || general === null)
    throw new AppError('not_found', `There is no detector ${detector.slice(0, 100)}.`, {
      help: 'declinewatch detectors list names them.',
    });
  const valid = validateChange(current, set, general);
  if ('problems' in valid)
    throw new AppError('invalid_detector', 'The change is not valid.', {
      help: 'docs/detectors.md says what each field takes.',
      details: valid.problems.map(({ path, message }) => ({ path: path === '' ? 'set' : `set.${path}`, message })),
    });
  return { detector, settings: valid.settings, sinceMs: nowMs - durationOf(since), curve };
}

/** `?detector=card-declines&since=30d`. Throws `invalid_request`. */
export function readCurveQuestion(query: URLSearchParams, nowMs: number): SurfaceQuestion {
  const unknown = [...query.keys()].filter((name) => name !== 'detector' && name !== 'since');
  if (unknown.length > 0) throw invalid(unknown.map((path) => ({ path, message: 'is unknown' })));
  const detector = query.get('detector') ?? '';
  if (detector === '') throw invalid([{ path: 'detector', message: 'must be the name of a detector' }]);
  return { detector, sinceMs: nowMs - durationOf(query.get('since') ?? '30d') };
}

function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw invalid([{ path: '', message: 'must be a JSON object' }]);
  return body as Readonly<Record<string, unknown>>;
}

function known(rest: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(rest).slice(0, 20);
  if (unknown.length > 0) throw invalid(unknown.map((path) => ({ path, message: 'is unknown' })));
}

function durationOf(since: unknown): number {
  const ms = typeof since === 'string' ? parseDurationMs(since) : null;
  if (ms === null || ms <= 0 || ms > MAX_SINCE_MS)
    throw invalid([{ path: 'since', message: 'must be a duration such as 7d, at most 400d' }]);
  return ms;
}

function invalid(details: readonly ErrorDetail[]): AppError {
  const [first] = details;
  const text = first === undefined ? '' : ` ${first.path === '' ? 'The body' : first.path} ${first.message}.`;
  return new AppError('invalid_request', `The question is not valid.${text}`, {
    help: 'declinewatch why, what-if and verify --help say what can be asked.',
    details,
  });
}
