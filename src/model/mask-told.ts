// What was told of who was erased, without them: incidents, changes, reports, members, daily totals. Each gives the very
// object back if it tells nothing of them.
import type { Change } from './commands.ts';
import type { DailyTotals, Proof } from './daily-totals.ts';
import type { Evidence, MemberSummary, Report, ReportedEpisode } from './episode.ts';
import type { Erasure } from './erasure.ts';
import type { Incident } from './incident.ts';
import { erasedEntity } from './mask-erased.ts';
import { eraseProposal } from './mask-proposal.ts';
import type { EndedMembers } from './members.ts';

/** An incident on one of the subjects has their name and no members; in any other's evidence their attempts are bare. */
export function eraseIncident(incident: Incident, erasures: readonly Erasure[]): Incident {
  const entity = erasedEntity(incident.entity, erasures);
  if (entity !== null) return { ...incident, entity, evidence: withoutMembers(incident.evidence) };
  const evidence = bareEvidence(incident.evidence, isAttemptOf(erasures));
  return evidence === incident.evidence ? incident : { ...incident, evidence };
}

export function eraseChange(change: Change, erasures: readonly Erasure[]): Change {
  // What was decided after an erase was decided with it in mind.
  const later = erasures.filter(({ offset }) => change.position.offset < offset);
  if (later.length === 0) return change;
  const incident = change.incident === null ? null : eraseIncident(change.incident, later);
  const entity = change.report === undefined ? null : erasedEntity(change.report.entity, later);
  const proposal = change.proposal === undefined ? undefined : eraseProposal(change.proposal, later);
  if (incident === change.incident && entity === null && proposal === change.proposal) return change;
  const isTheirs = incident !== null && incident.entity !== change.incident?.entity;
  return {
    ...change,
    incident,
    ...(proposal === undefined ? {} : { proposal }),
    ...(isTheirs && 'attempts' in change.data ? { data: { ...change.data, attempts: [] } } : {}),
    ...(entity === null || change.report === undefined
      ? {}
      : { report: { ...change.report, entity: { kind: entity.kind, value: entity.value } } }),
  };
}

export type EraseReportOptions = {
  /** Who reported did not know of the erase yet: any member may be theirs. */
  readonly isCoarse?: boolean;
};

/** A report that was made without knowing of an erase, as if it had been made knowing. */
export function eraseReport(
  report: Report,
  erasures: readonly Erasure[],
  { isCoarse = false }: EraseReportOptions = {},
): Report {
  const pending = erasures.filter(({ number }) => number > (report.erased ?? 0));
  if (pending.length === 0) return report;
  const entity = erasedEntity(report.entity, pending);
  const isTheirs = isCoarse ? () => true : isAttemptOf(pending);
  const bare = (evidence: Evidence): Evidence =>
    entity === null ? bareEvidence(evidence, isTheirs) : withoutMembers(evidence);
  const episodes = report.episodes.map((episode): ReportedEpisode => {
    const evidence = bare(episode.evidence);
    return evidence === episode.evidence ? episode : { ...episode, evidence };
  });
  if (entity === null && episodes.every((episode, i) => episode === report.episodes[i])) return report;
  return { ...report, episodes, ...(entity === null ? {} : { entity }) };
}

export function eraseMembers(members: EndedMembers, erasures: readonly Erasure[]): EndedMembers {
  const earlier = erasures.filter(({ at }) => members.firstBreachAt * 1000 < at);
  const entity = erasedEntity(members.entity, earlier);
  return entity === null ? members : { ...members, entity: { kind: entity.kind, value: entity.value }, attempts: [] };
}

export function eraseTotals(totals: DailyTotals, erasures: readonly Erasure[]): DailyTotals {
  const proofs = totals.proofs.map((proof) => eraseProof(proof, erasures));
  return proofs.every((proof, i) => proof === totals.proofs[i]) ? totals : { ...totals, proofs };
}

function eraseProof(proof: Proof, erasures: readonly Erasure[]): Proof {
  const { paid } = proof;
  if (paid === null) return proof;
  const earlier = erasures.filter(({ at }) => paid.at * 1000 < at);
  const named = paid.entities.map((entity) => erasedEntity(entity, earlier));
  if (named.every((entity) => entity === null)) return proof;
  const entities = paid.entities.map(({ kind, value }, i) => ({ kind, value: named[i]?.value ?? value }));
  return { ...proof, paid: { ...paid, entities } };
}

export const withoutMembers = (evidence: Evidence): Evidence => ({ ...evidence, newest: [], trigger: null });

function bareEvidence(evidence: Evidence, isTheirs: (attempt: string) => boolean): Evidence {
  const newest = evidence.newest.map((member) => bareMember(member, isTheirs));
  const trigger = evidence.trigger === null ? null : bareMember(evidence.trigger, isTheirs);
  const isSame = trigger === evidence.trigger && newest.every((member, i) => member === evidence.newest[i]);
  return isSame ? evidence : { ...evidence, newest, trigger };
}

/** As the windows would tell of it from now on: the payment's own id, no digits of the card, nothing that leads further. */
function bareMember(member: MemberSummary, isTheirs: (attempt: string) => boolean): MemberSummary {
  const { id, card, intent } = member;
  const bare = card === null ? null : card.replace(/\d{4}$/, '????');
  if ((bare === card && intent === null) || !isTheirs(id)) return member;
  return { ...member, card: bare, intent: null };
}

function isAttemptOf(erasures: readonly Erasure[]): (attempt: string) => boolean {
  return (attempt) => erasures.some((erasure) => idsOf(erasure).has(attempt));
}

const ids = new WeakMap<readonly string[], ReadonlySet<string>>();

function idsOf({ attempts }: Erasure): ReadonlySet<string> {
  let known = ids.get(attempts);
  if (known === undefined) {
    known = new Set(attempts);
    ids.set(attempts, known);
  }
  return known;
}
