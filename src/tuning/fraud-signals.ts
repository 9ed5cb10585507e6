// Disputes and early fraud warnings among what a stretch of the log holds: on which charge each is, and whether an incident
// on the charge's entity would have spoken of it.
import type { FoldRecord } from '../detectors/fold.ts';
import { type FoldState, findAttempt, idInScope } from '../detectors/state.ts';
import { attemptSubject, entityOf } from '../detectors/subjects.ts';
import type { AttemptFields } from '../model/attempt.ts';
import type { EntityKind } from '../model/detector.ts';
import type { Key } from '../model/entity.ts';
import { type Scope, scopeId } from '../model/scope.ts';

export type FraudKind = 'dispute' | 'early_fraud_warning';

export type FraudSignal = {
  readonly kind: FraudKind;
  readonly id: string;
  readonly scope: Scope;
  /** Seconds: of the charge, not of the signal. */
  readonly time: number;
  readonly fields: AttemptFields;
};

/** An incident speaks of a charge on its entity from a day before its first attempt until a day after its last breach. */
const NEAR_S = 86_400;
const MAX_SIGNALS = 100_000;

type Seen = { readonly kind: FraudKind; readonly id: string; readonly scope: Scope; readonly charge: string };

export type FraudSignals = {
  see(record: FoldRecord): void;
  /** Named within their scopes: charges that the state does not hold. */
  missing(): ReadonlySet<string>;
  /** Those whose charge the state holds. */
  known(): readonly FraudSignal[];
};

export function createFraudSignals(state: FoldState): FraudSignals {
  const seen = new Map<string, Seen>();
  return {
    see: (record) => {
      if (record.record !== 'signal' || record.charge === null || seen.size >= MAX_SIGNALS) return;
      const { signal, id, account, livemode, charge } = record;
      if (signal !== 'dispute' && signal !== 'early_fraud_warning') return;
      const scope = { account, livemode };
      seen.set(idInScope(scope, `${signal}/${id}`), { kind: signal, id, scope, charge });
    },
    missing: () =>
      new Set(
        [...seen.values()].flatMap(({ scope, charge }) =>
          findAttempt(state, scope, charge) === null ? [idInScope(scope, charge)] : [],
        ),
      ),
    known: () =>
      [...seen.values()].flatMap(({ charge, ...rest }) => {
        const attempt = findAttempt(state, rest.scope, charge);
        if (attempt === null) return [];
        const { time, fields } = attemptSubject(attempt);
        return [{ ...rest, time, fields }];
      }),
  };
}

const entityId = (scope: Scope, kind: EntityKind, value: string): string =>
  `${scopeId(scope)}\u001f${kind}\u001f${value}`;

export const entityIdOf = ({ scope, entity }: Pick<Key, 'scope' | 'entity'>): string =>
  entityId(scope, entity.kind, entity.value);

/** By the entity of that kind that their charge is counted on; in time order. */
export function fraudByEntity(
  signals: readonly FraudSignal[],
  kind: EntityKind,
): ReadonlyMap<string, readonly FraudSignal[]> {
  const found = new Map<string, FraudSignal[]>();
  for (const signal of [...signals].sort((a, b) => a.time - b.time)) {
    const value = entityOf(kind, signal.fields);
    if (value === null) continue;
    const id = entityId(signal.scope, kind, value);
    const list = found.get(id);
    if (list === undefined) found.set(id, [signal]);
    else list.push(signal);
  }
  return found;
}

/** Seconds. */
export type Span = { readonly firstAttemptAt: number; readonly lastBreachAt: number };

export const speaksOf = ({ firstAttemptAt, lastBreachAt }: Span, { time }: Pick<FraudSignal, 'time'>): boolean =>
  time >= firstAttemptAt - NEAR_S && time <= lastBreachAt + NEAR_S;
