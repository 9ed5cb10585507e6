// Which incidents a later dispute, warning or refund as fraud speaks of: by the members that the log keeps 400 days, and by
// the card, customer or address that its payment was made with.
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { DailyTotals, Proof } from '../model/daily-totals.ts';
import { AppError } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';
import { type EndedMembers, membersId } from '../model/members.ts';
import { type Scope, scopeId } from '../model/scope.ts';
import { speaksOf } from './fraud-signals.ts';
import { type Correction, type Joined, provesFraud, verdictOf } from './grades.ts';

export type JoinParts = {
  readonly log: Pick<EventLog, 'read' | 'ends'>;
  readonly incidents: readonly Incident[];
  readonly days: Iterable<DailyTotals>;
};

export type ScopedProof = { readonly scope: Scope; readonly proof: Proof };

/** By incident, those with at least one proof; each with its proofs in the order of time. */
export async function correctionsOf({ log, incidents, days }: JoinParts): Promise<Map<string, Correction>> {
  const proofs = proofsIn(days);
  const joins = new Map<string, Map<string, Joined>>();
  const join = (incident: Incident, proof: Proof, by: Joined['by']): void => {
    const own = joins.get(incident.id) ?? new Map<string, Joined>();
    const id = `${proof.kind}/${proof.id}`;
    if (!own.has(id)) own.set(id, { proof, by });
    joins.set(incident.id, own);
  };
  for (const [incident, proof] of await byMembers(log, incidents, proofs)) join(incident, proof, 'member');
  for (const [incident, proof] of byEntity(incidents, proofs)) join(incident, proof, 'entity');
  const byId = new Map(incidents.map((incident) => [incident.id, incident]));
  const corrections = new Map<string, Correction>();
  for (const [id, own] of joins) {
    const incident = byId.get(id);
    if (incident === undefined) continue;
    const sorted = [...own.values()].sort((a, b) => a.proof.at - b.proof.at || (a.proof.id < b.proof.id ? -1 : 1));
    corrections.set(id, {
      incident: id,
      detector: incident.detector,
      verdict: verdictOf(incident, (other) => byId.get(other) ?? null),
      proofs: sorted,
      isFraud: sorted.some(({ proof }) => provesFraud(proof)),
    });
  }
  return corrections;
}

export function proofsIn(days: Iterable<DailyTotals>): readonly ScopedProof[] {
  return [...days].flatMap(({ scope, proofs }) => proofs.map((proof) => ({ scope, proof })));
}

/** Those that can be spoken of: an incident of signals is about them already, and one of the whole account about everybody. */
const isJoinable = ({ kind, status }: Incident): boolean =>
  kind === 'episode' && status !== 'merged' && status !== 'withdrawn';

const entityKey = (scope: Scope, { kind, value }: { readonly kind: string; readonly value: string }): string =>
  `${scopeId(scope)}\u001f${kind}\u001f${value}`;

function* byEntity(
  incidents: readonly Incident[],
  proofs: readonly ScopedProof[],
): Generator<readonly [Incident, Proof]> {
  const own = incidents.filter((incident) => isJoinable(incident) && incident.entity.kind !== 'account');
  const byKey = Map.groupBy(own, (incident) => entityKey(incident, incident.entity));
  for (const { scope, proof } of proofs) {
    if (proof.paid === null) continue;
    const time = proof.paid.at;
    for (const entity of proof.paid.entities)
      for (const incident of byKey.get(entityKey(scope, entity)) ?? []) {
        const { firstAttemptAt, lastBreachAt } = incident;
        const span = { firstAttemptAt: firstAttemptAt / 1_000, lastBreachAt: lastBreachAt / 1_000 };
        if (speaksOf(span, { time })) yield [incident, proof];
      }
  }
}

async function byMembers(
  log: JoinParts['log'],
  incidents: readonly Incident[],
  proofs: readonly ScopedProof[],
): Promise<readonly (readonly [Incident, Proof])[]> {
  const wanted = Map.groupBy(
    proofs.filter(({ proof }) => proof.charge !== null),
    ({ scope, proof }) => `${scopeId(scope)}\u001f${proof.charge}`,
  );
  if (wanted.size === 0) return [];
  const byId = Map.groupBy(incidents.filter(isJoinable), membersIdOf);
  /** By membersId: a later record of an episode replaces the earlier. */
  const found = new Map<string, readonly Proof[]>();
  for (const { partition, first, next } of await log.ends('members')) {
    if (first >= next) continue;
    for await (const page of log.read('members', partition, first, next))
      for (const { value } of page) {
        const members = decoded(value);
        if (members === null || !byId.has(membersId(members))) continue;
        const scope = scopeId(members.scope);
        const own = members.attempts.flatMap((attempt) => wanted.get(`${scope}\u001f${attempt}`) ?? []);
        found.set(
          membersId(members),
          own.map(({ proof }) => proof),
        );
      }
  }
  return [...found].flatMap(([id, own]) =>
    (byId.get(id) ?? []).flatMap((incident) => own.map((proof) => [incident, proof] as const)),
  );
}

function membersIdOf({ detector, account, livemode, entity, firstBreachAt }: Incident): string {
  const scope = { account, livemode };
  return membersId({ detector, scope, entity, firstBreachAt: firstBreachAt / 1_000 });
}

function decoded(value: string): EndedMembers | null {
  try {
    return decode<EndedMembers>('members', value);
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return null;
    throw error;
  }
}
