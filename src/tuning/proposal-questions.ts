// Proposals as the API takes them: checked, with path and cure. What a change asks for is checked where it is proposed.
import type { IncidentFeed } from '../feed/feed.ts';
import { AppError } from '../model/errors.ts';
import type { Asked } from '../model/proposal.ts';

const MAX_WHY = 500;

/** `{ detector, set: { thresholds: { warning: 4 } }, basedOn: 3, why: "…" }`; basedOn: what is in force, if absent. */
export function readProposal(body: unknown, feed: Pick<IncidentFeed, 'settings'>): Omit<Asked, 'by'> {
  const { detector, set, basedOn, why = '', ...rest } = objectOf(body);
  refuseUnknown(rest);
  if (typeof detector !== 'string' || detector === '') throw invalid('detector', 'must be the name of a detector');
  if (set === null || typeof set !== 'object' || Array.isArray(set) || Object.keys(set).length === 0)
    throw invalid('set', 'must be an object with what changes, in the form of detectors.yaml');
  if (typeof why !== 'string' || why.length > MAX_WHY)
    throw invalid('why', `must be a text of at most ${MAX_WHY} characters`);
  const version = feed.settings().find(({ rule }) => rule.detector === detector)?.rule.version;
  if (version === undefined)
    throw new AppError('not_found', `There is no detector ${detector.slice(0, 100)}.`, {
      help: 'declinewatch detectors list names them.',
    });
  if (basedOn !== undefined && (typeof basedOn !== 'number' || !Number.isSafeInteger(basedOn)))
    throw invalid('basedOn', 'must be a version');
  return { detector, change: { ...set }, basedOn: basedOn ?? version, why };
}

/** `{ id }`. */
export function readProposalId(body: unknown): string {
  const { id, ...rest } = objectOf(body);
  refuseUnknown(rest);
  if (typeof id !== 'string' || id === '' || id.length > 100) throw invalid('id', 'must be the id of a proposal');
  return id;
}

/** `{ detector }`. */
export function readRevert(body: unknown): string {
  const { detector, ...rest } = objectOf(body);
  refuseUnknown(rest);
  if (typeof detector !== 'string' || detector === '') throw invalid('detector', 'must be the name of a detector');
  return detector;
}

function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw invalid('', 'must be a JSON object');
  return body as Readonly<Record<string, unknown>>;
}

function refuseUnknown(rest: Readonly<Record<string, unknown>>): void {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw invalid(unknown.slice(0, 100), 'is unknown');
}

function invalid(path: string, message: string): AppError {
  return new AppError('invalid_request', `The request is not valid: ${path === '' ? 'the body' : path} ${message}.`, {
    help: 'docs/tuning.md says what can be asked.',
    details: [{ path, message }],
  });
}
