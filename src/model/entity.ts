// What is counted on, and the key that has windows and episodes of its own (design §2).
import type { EntityKind } from './detector.ts';
import { type Scope, scopeId } from './scope.ts';

/** Inside the windows: `value` is plain (an e-mail is an e-mail). */
export type Entity = { readonly kind: EntityKind; readonly value: string };

/** Outside the windows: `value` is a Stripe id, a fingerprint, or (e-mail, ip) 32 hex digits of a keyed hash; `label` is for people. */
export type LabelledEntity = Entity & { readonly label: string };

export type Key = { readonly detector: string; readonly scope: Scope; readonly entity: Entity };

/** One string per key; parts are separated by a character that no part may hold. */
export function keyId(key: Key): string {
  const { detector, scope, entity } = key;
  return `${detector}\u001f${scopeId(scope)}\u001f${entity.kind}\u001f${entity.value}`;
}
