// What a POST to an incident asks for: its body, checked, as a command. Pure.
import type { IncidentAction } from '../model/commands.ts';
import type { ErrorDetail } from '../model/errors.ts';
import { NOTE_MAX_CHARACTERS, VERDICTS, type Verdict } from '../model/incident.ts';
import { httpError } from './errors.ts';
import { parseDuration, parseInstant } from './times.ts';

export const ACTIONS = ['acknowledge', 'unacknowledge', 'resolve', 'reopen', 'mute', 'assign', 'note'] as const;
export type ActionName = (typeof ACTIONS)[number];

/** The fields of each; `ifVersion` fits all. */
const FIELDS: Readonly<Record<ActionName, readonly string[]>> = {
  acknowledge: [],
  unacknowledge: [],
  resolve: ['verdict', 'note'],
  reopen: [],
  mute: ['until'],
  assign: ['owner'],
  note: ['note'],
};

const MAX_OWNER = 200;

export function isActionName(name: string): name is ActionName {
  return ACTIONS.some((known) => known === name);
}

type Asked = { readonly action: ActionName; readonly incident: string; readonly body: unknown; readonly now: number };

/** Throws invalid_request with every problem. `until`: an instant, a duration from now (`2h`), or null to speak again. */
export function parseAction({ action, incident, body, now }: Asked): IncidentAction {
  const fields = bodyFields(body);
  const problems: ErrorDetail[] = Object.keys(fields)
    .filter((name) => name !== 'ifVersion' && !FIELDS[action].includes(name))
    .map((name) => ({ path: name.slice(0, 64), message: `does not fit ${action}: ${fitting(action)}` }));
  const problem = (path: string, message: string): void => void problems.push({ path, message });
  const { ifVersion } = fields;
  if (ifVersion !== undefined && !(Number.isSafeInteger(ifVersion) && Number(ifVersion) >= 1))
    problem('ifVersion', 'is a version of the incident, 1 or more');
  const own = ownFields(action, fields, { problem, now });
  if (problems.length > 0)
    throw httpError('invalid_request', `The request to ${action} is not understood.`, {
      help: `It takes ${fitting(action)}.`,
      details: problems,
    });
  return { type: action, incident, ...own, ...(ifVersion === undefined ? {} : { ifVersion }) } as IncidentAction;
}

type Reading = { readonly problem: (path: string, message: string) => void; readonly now: number };

function ownFields(action: ActionName, fields: Readonly<Record<string, unknown>>, { problem, now }: Reading): object {
  const { verdict, note, until, owner } = fields;
  switch (action) {
    case 'resolve':
      if (!VERDICTS.includes(verdict as Verdict)) problem('verdict', `is one of ${VERDICTS.join(', ')}`);
      if (note !== undefined && !isNote(note)) problem('note', `is text of at most ${NOTE_MAX_CHARACTERS} characters`);
      return { verdict, note: note ?? '' };
    case 'note':
      if (!isNote(note) || note.trim() === '') problem('note', `is text of 1 to ${NOTE_MAX_CHARACTERS} characters`);
      return { note };
    case 'assign':
      if (owner !== null && !(typeof owner === 'string' && owner.trim() !== '' && [...owner].length <= MAX_OWNER))
        problem('owner', `is a name of 1 to ${MAX_OWNER} characters, or null for nobody`);
      return { owner };
    case 'mute': {
      const time = untilTime(until, now);
      if (time === undefined)
        problem('until', 'is a time such as 2026-10-01T12:00:00Z, a duration such as 2h, or null');
      return { until: time };
    }
    default:
      return {};
  }
}

function untilTime(until: unknown, now: number): number | null | undefined {
  if (until === null) return null;
  if (typeof until !== 'string') return undefined;
  const duration = parseDuration(until);
  return duration === null ? (parseInstant(until) ?? undefined) : now + duration;
}

const isNote = (note: unknown): note is string => typeof note === 'string' && [...note].length <= NOTE_MAX_CHARACTERS;

const fitting = (action: ActionName): string => [...FIELDS[action], 'ifVersion'].join(', ');

/** The fields of a JSON object; nothing sent is an empty one. */
export function bodyFields(body: unknown): Readonly<Record<string, unknown>> {
  if (body === undefined) return {};
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw httpError('invalid_request', 'The body is not a JSON object.', { help: 'Send an object, e.g. {}.' });
  return body as Readonly<Record<string, unknown>>;
}
