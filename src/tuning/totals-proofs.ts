// Disputes, warnings and refunds as fraud, merged from what each event says, whatever order they come in. Pure.
import type { AttemptFields, SignalView } from '../model/attempt.ts';
import type { PaidFacts, Proof, ProofKind } from '../model/daily-totals.ts';
import type { EntityKind } from '../model/detector.ts';
import { maskEntity } from '../model/mask.ts';

/** null: it proves nothing. A refund counts if it was made for fraud; the charge's own event of one names no reason. */
export function proofOf(signal: SignalView): Proof | null {
  const kind = kindOf(signal);
  if (kind === null) return null;
  const { id, charge, reason, time, amount, currency, created, event } = signal;
  return {
    id,
    kind,
    charge,
    reason,
    at: time,
    amount: amount ?? null,
    currency: currency ?? null,
    said: { created, event },
    paid: null,
  };
}

function kindOf({ signal, reason }: SignalView): ProofKind | null {
  if (signal === 'dispute' || signal === 'early_fraud_warning') return signal;
  return signal === 'refund' && reason === 'fraudulent' ? 'refund' : null;
}

/** The later event knows better; what it does not say the earlier one may. Idempotent. */
export function mergeProofs(a: Proof, b: Proof): Proof {
  const [newer, older] = saysLater(a, b) ? [a, b] : [b, a];
  return {
    ...newer,
    charge: newer.charge ?? older.charge,
    reason: newer.reason === '' ? older.reason : newer.reason,
    at: Math.min(a.at, b.at),
    ...(newer.amount === null ? { amount: older.amount, currency: older.currency } : {}),
    paid: newer.paid ?? older.paid,
  };
}

function saysLater({ said: a }: Proof, { said: b }: Proof): boolean {
  return a.created === b.created ? a.event > b.event : a.created > b.created;
}

/** With what is known of its charge. */
export function withCharge(proof: Proof, facts: ChargeFacts, piiKey: string): Proof {
  const { amount, currency } = facts.fields;
  const isPriced = proof.amount !== null || amount === undefined || currency === undefined;
  return { ...proof, paid: paidFacts(facts, piiKey), ...(isPriced ? {} : { amount, currency }) };
}

export type ChargeFacts = { readonly time: number; readonly fields: AttemptFields };

const KINDS = ['card', 'customer', 'email', 'ip'] as const satisfies readonly EntityKind[];

function paidFacts({ time, fields }: ChargeFacts, piiKey: string): PaidFacts {
  const entities = KINDS.flatMap((kind) => {
    const value = fields[kind];
    if (value === undefined) return [];
    const masked = maskEntity({ kind, value }, null, piiKey);
    return [{ kind, value: masked.value }];
  });
  return { at: time, brand: fields.brand ?? '', entities };
}
