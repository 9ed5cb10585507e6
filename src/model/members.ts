// Record of `members`: who made up an ended episode, for when the log has let go of the attempts (design §3).
import type { Entity } from './entity.ts';
import { type Scope, scopeId } from './scope.ts';

export const MEMBERS_MAX = 10_000;

export type EndedMembers = {
  readonly detector: string;
  readonly scope: Scope;
  /** As it travels: e-mail and IP hashed. */
  readonly entity: Entity;
  /** Seconds. */
  readonly firstBreachAt: number;
  readonly lastBreachAt: number;
  /** Exact, whatever the list holds. */
  readonly attemptCount: number;
  /** Stripe ids, newest first, at most 10,000. */
  readonly attempts: readonly string[];
};

/** Detector + scope + entity + first breach: a later record of a key replaces the earlier. */
export function membersId(members: Pick<EndedMembers, 'detector' | 'scope' | 'entity' | 'firstBreachAt'>): string {
  const { detector, scope, entity, firstBreachAt } = members;
  return [detector, scopeId(scope), entity.kind, entity.value, firstBreachAt].join('\u001f');
}
