// A view without who was erased (docs/erase.md): the windows count on the names in their places, so every count stays.
import type { AttemptFields, View } from '../model/attempt.ts';
import type { EntityKind } from '../model/detector.ts';
import type { Entity } from '../model/entity.ts';

const KINDS = ['card', 'customer', 'email', 'ip'] as const satisfies readonly EntityKind[];

/** Everything of a view that is about somebody. */
export function entitiesOfView({ fields }: Pick<View, 'fields'>): readonly Entity[] {
  const own = KINDS.flatMap((kind) => {
    const value = fields[kind];
    return value === undefined ? [] : [{ kind, value }];
  });
  const named = Object.entries(fields.metadata ?? {});
  return [...own, ...named.map(([key, value]): Entity => ({ kind: `metadata.${key}`, value }))];
}

/** The very view if it is about none of them. What is shown of a card, and what leads to its payment, goes with any of them. */
export function eraseView(view: View, nameOf: (entity: Entity) => string | null): View {
  const names = new Map<EntityKind, string>();
  for (const entity of entitiesOfView(view)) {
    const name = nameOf(entity);
    if (name !== null) names.set(entity.kind, name);
  }
  if (names.size === 0) return view;
  const { last4: _, intent: __, metadata, ...kept } = view.fields;
  const fields: { -readonly [K in keyof AttemptFields]: AttemptFields[K] } = kept;
  for (const kind of KINDS) {
    const name = names.get(kind);
    if (name !== undefined) fields[kind] = name;
  }
  if (metadata !== undefined)
    fields.metadata = Object.fromEntries(
      Object.entries(metadata).map(([key, value]) => [key, names.get(`metadata.${key}`) ?? value]),
    );
  return { ...view, fields };
}
