// The commands that take a person out: what was found, under one-way tokens. Pure.
import type { Entity } from '../model/entity.ts';
import {
  type EraseCommand,
  type ErasedSubject,
  MAX_ERASED_ATTEMPTS,
  MAX_ERASED_CLOSED,
  MAX_ERASED_INCIDENTS,
  MAX_SUBJECTS,
} from '../model/erasure.ts';
import type { Incident } from '../model/incident.ts';
import { maskEntity } from '../model/mask.ts';
import { tokenOf } from '../model/mask-erased.ts';
import { erasedName } from '../model/mask-names.ts';
import { eraseIncident } from '../model/mask-told.ts';
import type { Found } from './find.ts';

export type AskOptions = {
  readonly piiKey: string;
  /** Milliseconds. */
  readonly nowMs: number;
  /** Another one for each erase. */
  readonly nonce: string;
};

/** Closed incidents whose last breach is older may have left the manager's memory. */
const MAY_BE_RELEASED_MS = 60 * 86_400_000;

/** Usually one; who asked for comes in the last, so that an erase that is broken off can be asked for again. */
export function eraseCommands(found: Found, options: AskOptions): readonly EraseCommand[] {
  const subjects = found.entities.map((entity) => subjectOf(entity, found, options));
  const attempts = found.attempts.slice(-MAX_ERASED_ATTEMPTS);
  const incidents = found.incidents.slice(0, MAX_ERASED_INCIDENTS).map(({ id }) => id);
  const commands: EraseCommand[] = [];
  const nothing = { attempts, incidents: [], closed: [] };
  for (let i = 0; i < subjects.length; i += MAX_SUBJECTS)
    commands.push({ type: 'erase', subjects: subjects.slice(i, i + MAX_SUBJECTS), ...nothing });
  const last = commands.at(-1);
  if (last === undefined) return [];
  const closed = closedOf(found.incidents, { subjects, attempts }, options);
  for (let i = MAX_ERASED_CLOSED; i < closed.length; i += MAX_ERASED_CLOSED)
    commands.splice(-1, 0, { ...last, ...nothing, closed: closed.slice(i, i + MAX_ERASED_CLOSED) });
  commands.splice(-1, 1, { ...last, attempts, incidents, closed: closed.slice(0, MAX_ERASED_CLOSED) });
  return commands;
}

function subjectOf(entity: Entity, { sharedDomains }: Found, { piiKey, nonce }: AskOptions): ErasedSubject {
  const domain = entity.kind === 'email' ? entity.value.slice(entity.value.lastIndexOf('@') + 1) : '';
  const as = erasedName(entity, { piiKey, nonce, domain: sharedDomains.has(domain) ? domain : null });
  return { kind: entity.kind, token: tokenOf(maskEntity(entity, null, piiKey)), as };
}

function closedOf(
  incidents: readonly Incident[],
  { subjects, attempts }: Pick<EraseCommand, 'subjects' | 'attempts'>,
  { nowMs }: AskOptions,
): readonly Incident[] {
  const erasure = { number: 0, offset: 0, at: nowMs, subjects, attempts };
  return incidents
    .filter(
      ({ status, lastBreachAt }) =>
        status !== 'open' && status !== 'acknowledged' && nowMs - lastBreachAt > MAY_BE_RELEASED_MS,
    )
    .map((incident) => eraseIncident(incident, [erasure]));
}
