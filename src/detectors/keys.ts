// Walks over what the state holds, key by key.
import { type Key, keyId } from '../model/entity.ts';
import type { Cells } from './cells.ts';
import type { Group } from './entities.ts';
import type { Revision } from './rules.ts';
import type { FoldState } from './state.ts';

/** Keys that may have episodes: those with cells, and those of which only the beginning of an episode is held. */
export function* keysOf(state: FoldState): Generator<Key> {
  const seen = new Set<string>();
  for (const { key } of cellsIn(state)) {
    const id = keyId(key);
    if (seen.has(id)) continue;
    seen.add(id);
    yield key;
  }
  for (const [id, { key }] of state.heads) if (!seen.has(id)) yield key;
}

/** Keys of one detector on whose entity anything has happened that it, or another that counts on the same, looks at. */
export function* keysWithHits(state: FoldState, detector: string): Generator<Key> {
  for (const group of state.groups.values()) {
    const revision = group.slots.find((slot) => slot.revision.detector === detector)?.revision;
    if (revision === undefined) continue;
    for (const [scope, entities] of group.scopes.entries())
      for (const value of entities?.keys() ?? []) yield keyIn(state, { group, scope, value }, revision);
  }
}

export type KeyOfRevision = { readonly key: Key; readonly revision: Revision; readonly cells: Cells };

export function* cellsIn(state: FoldState): Generator<KeyOfRevision> {
  for (const group of state.groups.values()) {
    for (const [scope, entities] of group.scopes.entries()) {
      for (const [value, entity] of entities ?? []) {
        if (typeof entity === 'number') continue;
        for (const [i, cells] of entity.cells.entries()) {
          const revision = group.slots[i]?.revision;
          if (cells !== undefined && revision !== undefined)
            yield { key: keyIn(state, { group, scope, value }, revision), revision, cells };
        }
      }
    }
  }
}

/** `scope`: its number. */
export type Place = { readonly group: Group; readonly scope: number; readonly value: string };

export function keyIn({ attempts }: FoldState, { group, scope, value }: Place, { detector }: Revision): Key {
  const { account = null, livemode = true } = attempts.scopes.list[scope] ?? {};
  return { detector, scope: { account, livemode }, entity: { kind: group.kind, value } };
}
