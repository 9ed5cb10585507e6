// What the deciders answer: a change without what is the same for every change of the command.
import type { AcceptedSettings, Change, Refusal } from '../model/commands.ts';
import type { Erasure } from '../model/erasure.ts';
import type { Incident } from '../model/incident.ts';

export type Draft = Pick<Change, 'type' | 'data'> &
  Partial<Pick<Change, 'actor' | 'incident' | 'refusal' | 'nextDeadline' | 'report' | 'proposal'>> & {
    readonly accepted?: Omit<AcceptedSettings, 'position'>;
    readonly erasure?: Erasure;
  };

/** Nothing to do: written all the same, so that a restart goes on behind it. */
export function seen(data: Draft['data']): Draft {
  return { type: 'seen', data };
}

/** Changes nothing; told to who asked and to nobody else. */
export function refused(refusal: Refusal, incident: Incident | null): Draft {
  return { type: 'refused', data: { code: refusal.code }, refusal, incident };
}

/** `2026-10-01 14:02:10 UTC`, for messages. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
