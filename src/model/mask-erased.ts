// Recognises who was erased: plain in the windows' records, masked in what is told.
import { hash } from 'node:crypto';
import type { Entity, LabelledEntity } from './entity.ts';
import type { ErasedSubject, Erasure } from './erasure.ts';
import { maskEntity } from './mask.ts';
import { erasedLabel, identityOfName } from './mask-names.ts';

/** 32 hex digits, of an entity as incidents have it. */
export function tokenOf({ kind, value }: Entity): string {
  return hash('sha256', `${kind}\u0000${value}`).slice(0, 32);
}

/** What stands in the place of a plain entity in what was received at that time (milliseconds); null: itself. */
export type Naming = (entity: Entity, receivedAtMs: number) => string | null;

/** Entities whose tokens are remembered; beyond it they are found out anew. */
const MAX_REMEMBERED = 50_000;

export function namingOf(erasures: readonly Erasure[], piiKey: string): Naming {
  const tokens = new Map<string, string>();
  return (entity, receivedAtMs) => {
    if (!erasures.some(({ at }) => receivedAtMs < at)) return null;
    const id = `${entity.kind}\u0000${entity.value}`;
    let token = tokens.get(id);
    if (token === undefined) {
      token = tokenOf(maskEntity(entity, null, piiKey));
      if (tokens.size >= MAX_REMEMBERED) tokens.clear();
      tokens.set(id, token);
    }
    // Who was erased twice has the first name in what came before the first time.
    for (const erasure of erasures) {
      const name = receivedAtMs < erasure.at ? nameIn(erasure, token) : undefined;
      if (name !== undefined) return name;
    }
    return null;
  };
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
