// Which attempts a detector counts on one entity: through the fold itself, by a detector with the same filter that breaches
// with every match, so that its one episode has all of them as members.
import { detailsOf, episodesOf, fold, keysOf } from '../detectors/fold.ts';
import { createState } from '../detectors/state.ts';
import type { AttemptFields, SignalView, View } from '../model/attempt.ts';
import type { DetectorSettings, Rule } from '../model/detector.ts';
import type { Entity } from '../model/entity.ts';
import { maskEntity } from '../model/mask.ts';

export type Recorded = View | SignalView;

export type MatchOptions = {
  /** The detector's, oldest first. */
  readonly rules: readonly Rule[];
  readonly isEntity: (entity: Entity) => boolean;
  /** Seconds, both included. */
  readonly fromS: number;
  readonly toS: number;
};

export type Match = { readonly id: string; readonly time: number };

/** Of the lane that the records are of, in no particular order. What was in force at any second of the range counts. */
export function matchesOf(records: readonly Recorded[], { rules, isEntity, fromS, toS }: MatchOptions): Match[] {
  const state = createState({ lane: 'all' });
  fold(state, [...rulesIn(rules, fromS, toS).map(counting), ...records]);
  const found = new Map<string, Match>();
  for (const key of [...keysOf(state)]) {
    if (!isEntity(key.entity)) continue;
    for (const { firstBreachAt } of episodesOf(state, key))
      for (const { id, time } of detailsOf(state, key, firstBreachAt)?.members ?? [])
        if (time >= fromS && time <= toS) found.set(id, { id, time });
  }
  return [...found.values()];
}

/** One for each revision in force at some second of [fromS, toS]. */
function rulesIn(rules: readonly Rule[], fromS: number, toS: number): readonly Rule[] {
  const revisions = new Map<number, Rule>();
  rules.forEach((rule, index) => {
    const untilS = Math.min(Number.POSITIVE_INFINITY, ...rules.slice(index + 1).map(({ sinceS }) => sinceS));
    if (rule.settings !== null && rule.sinceS <= toS && untilS > fromS) revisions.set(rule.revision, rule);
  });
  return [...revisions.values()];
}

const MAX_QUIET_S = 14 * 86_400;

/** The same filter on the same entity; every match is a breach. */
function counting({ settings, revision, latenessMs }: Rule): Rule {
  const detector = `revision-${revision}`;
  const counted: DetectorSettings | null = settings && {
    ...settings,
    name: detector,
    count: 'attempts',
    where: settings.currency === null ? settings.where : `(${settings.where}) && currency == "${settings.currency}"`,
    of: null,
    at: null,
    minimum: null,
    currency: null,
    windowS: 1,
    quietForS: MAX_QUIET_S,
    thresholds: { notice: 1 },
  };
  return { record: 'rule', detector, version: 1, revision: 1, sinceS: 0, settings: counted, latenessMs };
}

/** Most entities whose hashes are remembered. */
const MAX_KNOWN = 50_000;

/** Is this the entity that travels masked: e-mail and IP are hashed to compare. */
export function entityTest(masked: Entity, piiKey: string): (entity: Entity) => boolean {
  const known = new Map<string, boolean>();
  return (entity) => {
    if (entity.kind !== masked.kind) return false;
    const before = known.get(entity.value);
    if (before !== undefined) return before;
    if (known.size >= MAX_KNOWN) known.clear();
    const isSame = maskEntity(entity, null, piiKey).value === masked.value;
    known.set(entity.value, isSame);
    return isSame;
  };
}

/** Does this view put its attempt on the entity. */
export function viewTest(masked: Entity, piiKey: string): (view: View) => boolean {
  const { kind } = masked;
  if (kind === 'account') return () => true;
  const isEntity = entityTest(masked, piiKey);
  return ({ fields }) => {
    const value = entityIn(kind, fields);
    return value !== undefined && isEntity({ kind, value });
  };
}

function entityIn(kind: Entity['kind'], fields: AttemptFields): string | undefined {
  if (kind === 'card' || kind === 'customer' || kind === 'email' || kind === 'ip') return fields[kind];
  return fields.metadata?.[kind.slice('metadata.'.length)];
}
