// Walks over what the state holds, key by key.
import { type Key, keyId } from '../model/entity.ts';
import type { Cells } from './cells.ts';
import type { Group, Touched, Watched } from './entities.ts';
import type { Revision } from './revision.ts';
import type { FoldState } from './state.ts';

/** Keys that may have episodes: those with cells, and those of which only the beginning of an episode is held. */
export function* keysOf(state: FoldState): Generator<Key> {
  const seen = new Set<string>();
  for (const place of cellsIn(state)) {
    const key = keyIn(state, place);
    const id = keyId(key);
    if (seen.has(id)) continue;
    seen.add(id);
    yield key;
  }
  for (const [id, { key }] of state.heads) if (!seen.has(id)) yield key;
}

export type CellsInPlace = {
  readonly group: Group;
  readonly entity: Watched;
  readonly revision: Revision;
  readonly cells: Cells;
};

export function* cellsIn(state: FoldState): Generator<CellsInPlace> {
  for (const group of state.groups.values()) {
    for (const entity of group.watched) {
      for (let i = 0; entity !== undefined && i < entity.cells.length; i++) {
        const cells = entity.cells[i];
        const revision = group.slots[i]?.revision;
        if (cells !== undefined && revision !== undefined) yield { group, entity, revision, cells };
      }
    }
  }
}

export function keyIn({ attempts }: FoldState, { group, entity, revision }: Touched): Key {
  const { account = null, livemode = true } = attempts.scopes.list[entity.scope] ?? {};
  return {
    detector: revision.detector,
    scope: { account, livemode },
    entity: { kind: group.kind, value: entity.value },
  };
}
