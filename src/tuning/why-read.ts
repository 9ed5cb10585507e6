// The attempts and signals of one entity, or of all entities of one attempt, merged: read from the log in two passes, so that
// nothing else is held.
import { attemptOf, type MergedAttempt, type MergedSignal, mergeSignal, mergeView } from '../attempts/merge.ts';
import { recordsIn } from '../detectors/replay.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Attempt, AttemptFields, SignalView, View } from '../model/attempt.ts';
import type { EntityKind } from '../model/detector.ts';
import type { Entity } from '../model/entity.ts';
import { maskEntity } from '../model/mask.ts';
import { scopeId } from '../model/scope.ts';

/** Attempts of an entity that are looked at: the newest by arrival. */
const MAX_ATTEMPTS = 50_000;

export type Subject = Attempt | (MergedSignal & { readonly of: AttemptFields });

export type ReadOptions = {
  readonly log: EventLog;
  readonly piiKey: string;
  /** Milliseconds of record time. */
  readonly fromMs: number;
  readonly signal?: AbortSignal;
};

export type Subjects = {
  readonly attempts: readonly Attempt[];
  readonly signals: readonly (MergedSignal & { readonly of: AttemptFields })[];
  /** False: older ones may be missing, because the log has let go of them or there are too many. */
  readonly isWhole: boolean;
};

/** Attempts of which some view names the entity, and signals on their charges. */
export async function subjectsOf(options: ReadOptions, entities: readonly Entity[]): Promise<Subjects> {
  const named = namedBy(entities, options.piiKey);
  const ids = new Set<string>();
  let isWhole = true;
  for (const part of await partsOf(options)) {
    isWhole &&= part.isWhole;
    for await (const slice of recordsIn(part.input)) {
      for (const { record } of slice) {
        if (record.record !== 'view' || !named(record.fields)) continue;
        const id = `${scopeId(record)}/${record.attempt}`;
        ids.delete(id);
        ids.add(id);
        if (ids.size <= MAX_ATTEMPTS) continue;
        isWhole = false;
        for (const eldest of ids) {
          ids.delete(eldest);
          break;
        }
      }
    }
  }
  return { ...(await mergedOf(options, ids)), isWhole };
}

/** The attempt of that id in every scope that has it, over all that the log holds. */
export async function attemptsById(options: ReadOptions, attempt: string): Promise<readonly Attempt[]> {
  const found = new Map<string, MergedAttempt>();
  for (const { input } of await partsOf(options)) {
    for await (const slice of recordsIn(input)) {
      for (const { record } of slice) {
        if (record.record !== 'view' || record.attempt !== attempt) continue;
        const id = scopeId(record);
        found.set(id, mergeView(found.get(id), record));
      }
    }
  }
  return [...found.values()].map(attemptOf);
}

async function mergedOf(options: ReadOptions, ids: ReadonlySet<string>): Promise<Omit<Subjects, 'isWhole'>> {
  const attempts = new Map<string, MergedAttempt>();
  const signals = new Map<string, MergedSignal>();
  const takeView = (view: View): void => {
    const id = `${scopeId(view)}/${view.attempt}`;
    if (ids.has(id)) attempts.set(id, mergeView(attempts.get(id), view));
  };
  const takeSignal = (view: SignalView): void => {
    if (view.charge === null || !ids.has(`${scopeId(view)}/${view.charge}`)) return;
    const id = `${scopeId(view)}/${view.signal}/${view.id}`;
    signals.set(id, mergeSignal(signals.get(id), view));
  };
  for (const { input } of await partsOf(options)) {
    for await (const slice of recordsIn(input)) {
      for (const { record } of slice) {
        if (record.record === 'view') takeView(record);
        else if (record.record === 'signal') takeSignal(record);
      }
    }
  }
  return {
    attempts: [...attempts.values()].map(attemptOf),
    signals: [...signals.values()].map((merged) => {
      const charge = attempts.get(`${scopeId(merged)}/${merged.charge}`);
      return { ...merged, of: charge === undefined ? {} : attemptOf(charge).fields };
    }),
  };
}

async function partsOf({ log, fromMs, signal }: ReadOptions) {
  const positions = await log.offsetsAt('attempts', Math.max(0, fromMs));
  const stop = signal === undefined ? {} : { signal };
  return (await log.ends('attempts')).map(({ partition, first, next }) => {
    const wanted = positions.find((position) => position.partition === partition)?.offset ?? 0;
    const ranges = [{ from: Math.max(first, wanted), to: next }];
    // If the oldest record kept is itself wanted, an older one may have been wanted too.
    return { input: { log, partition, ranges, ...stop }, isWhole: first === 0 || wanted > first };
  });
}

/** E-mail and IP may be asked for as they are, or by the hash that incidents show. */
function namedBy(entities: readonly Entity[], piiKey: string): (fields: AttemptFields) => boolean {
  const tests = entities.map(({ kind, value }) => {
    const isHash = (kind === 'email' || kind === 'ip') && /^[0-9a-f]{32}$/.test(value);
    return (fields: AttemptFields): boolean => {
      const own = entityValue(kind, fields);
      if (own === null) return false;
      return own === value || (isHash && maskEntity({ kind, value: own }, null, piiKey).value === value);
    };
  });
  return (fields) => tests.some((test) => test(fields));
}

/** null: the attempt has none. */
export function entityValue(kind: EntityKind, fields: AttemptFields): string | null {
  switch (kind) {
    case 'account':
      return 'account';
    case 'card':
    case 'customer':
    case 'email':
    case 'ip':
      return fields[kind] ?? null;
    default:
      return fields.metadata?.[kind.slice('metadata.'.length)] ?? null;
  }
}
