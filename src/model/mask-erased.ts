// Recognises who was erased: plain in the windows' records, masked in what is told.
import { hash } from 'node:crypto';
import type { EntityKind } from './detector.ts';
import type { Entity, LabelledEntity } from './entity.ts';
import type { ErasedSubject, Erasure } from './erasure.ts';
import { maskEntity } from './mask.ts';
import { erasedIdentity, erasedLabel, erasedName, identityOfName } from './mask-names.ts';

/** 32 hex digits, of an entity as incidents have it. */
export function tokenOf({ kind, value }: Entity): string {
  return hash('sha256', `${kind}\u0000${value}`).slice(0, 32);
}

/** What a plain entity was seen in. */
export type Seen = {
  /** Milliseconds: when it was received. */
  readonly at: number;
  /** Of the attempt, or of what an event is about. */
  readonly ids: readonly string[];
};

/** What stands in the place of a plain entity; null: itself. */
export type Naming = (entity: Entity, seen: Seen) => string | null;

/** Entities whose tokens are remembered; beyond it they are found out anew. */
const MAX_REMEMBERED = 50_000;
/** Whoever stands on an erased attempt is the person, also if nobody knew it yet. */
const OWN: ReadonlySet<EntityKind> = new Set<EntityKind>(['customer', 'email', 'card']);

/** Who was erased goes from what was received before, and from whatever comes later of the same attempts. */
export function namingOf(erasures: readonly Erasure[], piiKey: string): Naming {
  const tokens = new Map<string, string | null>();
  const tokenFor = (entity: Entity): string | null => {
    const id = `${entity.kind}\u0000${entity.value}`;
    let token = tokens.get(id);
    if (token === undefined) {
      // A name is nobody.
      token = erasedIdentity(entity.value, piiKey) === null ? tokenOf(maskEntity(entity, null, piiKey)) : null;
      if (tokens.size >= MAX_REMEMBERED) tokens.clear();
      tokens.set(id, token);
    }
    return token;
  };
  return (entity, { at, ids }) => {
    // Who was erased twice has the first name in what came before the first time.
    for (const erasure of erasures) {
      const isTheirs = ids.length > 0 && isOfErased(erasure, ids);
      if (!isTheirs && at >= erasure.at) continue;
      const token = tokenFor(entity);
      const name = token === null ? undefined : nameIn(erasure, token);
      if (name !== undefined) return name;
      if (isTheirs && token !== null && OWN.has(entity.kind))
        return erasedName(entity, { piiKey, nonce: String(erasure.number) });
    }
    return null;
  };
}

const idSets = new WeakMap<readonly string[], ReadonlySet<string>>();

/** An attempt without an id of Stripe's own is named by those of its intent and event. */
function isOfErased({ attempts }: Erasure, ids: readonly string[]): boolean {
  let known = idSets.get(attempts);
  if (known === undefined) {
    known = new Set(attempts.flatMap((attempt) => [attempt, ...attempt.split(':')]));
    idSets.set(attempts, known);
  }
  return ids.some((id) => known.has(id));
}

/** What stands in the place of an entity as incidents have it; null: none of the erasures is of it. */
export function erasedEntity(entity: Entity, erasures: readonly Erasure[]): LabelledEntity | null {
  if (erasures.length === 0) return null;
  const token = tokenOf(entity);
  for (const erasure of erasures) {
    const name = nameIn(erasure, token);
    if (name !== undefined) return { kind: entity.kind, value: identityOfName(name), label: erasedLabel(name) };
  }
  return null;
}

const tables = new WeakMap<readonly ErasedSubject[], ReadonlyMap<string, string>>();

function nameIn({ subjects }: Erasure, token: string): string | undefined {
  let table = tables.get(subjects);
  if (table === undefined) {
    table = new Map(subjects.map((subject) => [subject.token, subject.as]));
    tables.set(subjects, table);
  }
  return table.get(token);
}
