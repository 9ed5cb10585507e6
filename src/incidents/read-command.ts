// A record of `commands` as the reducer takes it, checked as far as the reducer relies on it.
import { decode } from '../log/codec.ts';
import type { Command } from '../model/commands.ts';
import { AppError } from '../model/errors.ts';

const INCIDENT_ACTIONS = new Set(['acknowledge', 'unacknowledge', 'resolve', 'reopen', 'note', 'assign', 'mute']);

/** Throws AppError `bad_record`, or `newer_schema`. */
export function readCommand(text: string): Command {
  const command = decode<Partial<Command>>('commands', text);
  const { id, at, actor, body } = command;
  if (typeof id !== 'string' || id === '' || id.length > MAX_ID) throw bad('has no id');
  if (typeof at !== 'number' || !Number.isSafeInteger(at) || at < 0) throw bad('has no time');
  if (typeof actor !== 'object' || actor === null || typeof actor.kind !== 'string') throw bad('has no actor');
  if (typeof body !== 'object' || body === null) throw bad('asks for nothing');
  const problem = problemOf(body as Body);
  if (problem !== null) throw bad(problem);
  return { id, at, actor, body };
}

type Body = Readonly<Record<string, unknown>>;

const MAX_ID = 500;
const MAX_EPISODES = 10_000;
const MAX_RESULT_INCIDENTS = 20;

const bad = (problem: string): AppError => new AppError('bad_record', `A record of commands ${problem}.`);

function problemOf(body: Body): string | null {
  switch (body.type) {
    case 'timer':
      return null;
    case 'report':
      return reportProblem(body);
    case 'settings':
      return settingsProblem(body);
    case 'operator':
      return operatorProblem(body);
    case 'erase':
      return eraseProblem(body);
    case 'propose':
      return proposeProblem(body);
    case 'proposal_read':
      return proposalReadProblem(body);
    case 'decide_proposal':
      if (body.decision !== 'apply' && body.decision !== 'discard') return 'decides nothing';
      return isProposalId(body.proposal) ? null : 'is of no proposal';
    default:
      if (typeof body.type !== 'string' || !INCIDENT_ACTIONS.has(body.type)) return 'asks for something unknown';
      return typeof body.incident === 'string' ? null : 'names no incident';
  }
}

function reportProblem({ detector, scope, entity, asOf, range, episodes }: Body): string | null {
  if (typeof detector !== 'string' || !isObject(scope) || !isObject(entity)) return 'reports on no key';
  if (!isObject(asOf) || !Number.isSafeInteger(asOf.offset)) return 'reports as of no position';
  if (!isObject(range) || typeof range.fromS !== 'number') return 'reports on no range';
  if (!Array.isArray(episodes) || episodes.length > MAX_EPISODES || !episodes.every(isEpisode))
    return 'reports no list of episodes';
  return null;
}

function isEpisode(episode: unknown): boolean {
  if (!isObject(episode) || !isObject(episode.evidence)) return false;
  const { firstBreachAt, lastBreachAt, evidence } = episode;
  return (
    Number.isFinite(firstBreachAt) &&
    Number.isFinite(lastBreachAt) &&
    Array.isArray(evidence.newest) &&
    Array.isArray(evidence.amounts)
  );
}

function settingsProblem({ detector, settings, basedOn, why, general }: Body): string | null {
  if (typeof detector !== 'string' || detector === '') return 'is of no detector';
  if (settings !== null && (!isObject(settings) || !isObject(settings.thresholds))) return 'has no settings';
  if (!Number.isSafeInteger(basedOn) || typeof why !== 'string' || !isObject(general)) return 'has no ground';
  return null;
}

function proposeProblem({ proposal, detector, change, settings, basedOn, why }: Body): string | null {
  if (!isProposalId(proposal)) return 'is of no proposal';
  if (typeof detector !== 'string' || detector === '') return 'is of no detector';
  if (!isObject(change) || !isObject(settings) || !isObject(settings.thresholds)) return 'has no settings';
  return Number.isSafeInteger(basedOn) && typeof why === 'string' ? null : 'has no ground';
}

function proposalReadProblem({ proposal, words, result, problem, erased }: Body): string | null {
  if (!isProposalId(proposal)) return 'is of no proposal';
  if (typeof words !== 'string' || typeof problem !== 'string' || !Number.isSafeInteger(erased)) return 'says nothing';
  if (result === null) return null;
  const isList = (list: unknown): boolean =>
    Array.isArray(list) &&
    list.length <= MAX_RESULT_INCIDENTS &&
    list.every((one) => isObject(one) && isObject(one.entity) && typeof one.entity.value === 'string');
  return isObject(result) && isList(result.added) && isList(result.removed) ? null : 'has no result';
}

const isProposalId = (id: unknown): boolean => typeof id === 'string' && /^[0-9a-f]{16}$/.test(id);

function operatorProblem({ scope, subject, isOn, title, why, severity, sinceS }: Body): string | null {
  const texts = [subject, title, why, severity].every((text) => typeof text === 'string');
  return isObject(scope) && texts && typeof isOn === 'boolean' && Number.isSafeInteger(sinceS)
    ? null
    : 'tells of no condition';
}

function eraseProblem({ subjects, attempts, incidents, closed }: Body): string | null {
  const isSubject = (one: unknown): boolean =>
    isObject(one) && [one.kind, one.token, one.as].every((text) => typeof text === 'string' && text !== '');
  const areIds = [attempts, incidents].every((ids) => Array.isArray(ids) && ids.every((id) => typeof id === 'string'));
  const areIncidents =
    Array.isArray(closed) &&
    closed.every((one) => isObject(one) && /^INC-\d+$/.test(String(one.id)) && isObject(one.evidence));
  return Array.isArray(subjects) && subjects.every(isSubject) && areIds && areIncidents ? null : 'erases nobody';
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null;
}
