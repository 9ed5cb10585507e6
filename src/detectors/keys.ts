// Walks over what the state holds, key by key.
import { type Key, keyId } from '../model/entity.ts';
import type { Cells } from './cells.ts';
import type { Place } from './entities.ts';
import type { Revision } from './rules.ts';
import type { FoldState } from './state.ts';

/** Keys that may have episodes: those with cells, and those of which only the beginning of an episode is held. */
export function* keysOf(state: FoldState): Generator<Key> {
  const seen = new Set<string>();
  for (const { place, revision } of cellsIn(state)) {
    const key = keyIn(state, place, revision);
    const id = keyId(key);
    if (seen.has(id)) continue;
    seen.add(id);
    yield key;
  }
  for (const [id, { key }] of state.heads) if (!seen.has(id)) yield key;
}

export type CellsInPlace = { readonly place: Place; readonly revision: Revision; readonly cells: Cells };

export function* cellsIn(state: FoldState): Generator<CellsInPlace> {
  for (const group of state.groups.values()) {
    for (const [scope, entities] of group.scopes.entries()) {
      for (const [value, entity] of entities ?? []) {
        if (typeof entity === 'number') continue;
        for (let i = 0; i < entity.cells.length; i++) {
          const cells = entity.cells[i];
          const revision = group.slots[i]?.revision;
          if (cells !== undefined && revision !== undefined) yield { place: { group, scope, value }, revision, cells };
        }
      }
    }
  }
}

export function keyIn({ attempts }: FoldState, { group, scope, value }: Place, { detector }: Revision): Key {
  const { account = null, livemode = true } = attempts.scopes.list[scope] ?? {};
  return { detector, scope: { account, livemode }, entity: { kind: group.kind, value } };
}
