// A note on an incident that banks spoke of later, so that its row and its thread say so: exactly once for each of the first
// few, whoever runs this and however often.
import type { Command } from '../model/commands.ts';
import type { Proof } from '../model/daily-totals.ts';
import type { Actor, Incident } from '../model/incident.ts';
import { formatMoney } from '../model/money.ts';
import { VERDICT_WORDS } from '../model/words.ts';
import { type Correction, type Joined, provesFraud } from './grades.ts';

export const GRADER: Actor = { kind: 'engine', id: 'grades', name: 'declinewatch' };

/** An incident keeps ten notes, and people write some: of more proofs the API tells. */
const MAX_NOTES = 5;

export type GradeNote = Pick<Command, 'id' | 'actor' | 'body'>;

/** Those that the incident lacks. `told`: texts of the notes that were ever written here, also those it no longer keeps. */
export function notesFor(
  incident: Incident,
  { proofs, verdict }: Correction,
  told: readonly string[],
): readonly GradeNote[] {
  const notes = [...told, ...incident.notes.filter(({ by }) => by.id === GRADER.id).map(({ text }) => text)];
  return proofs.slice(0, MAX_NOTES).flatMap((joined) => {
    const fact = factOf(joined);
    // What is said of the verdict may have changed since: the fact has been told all the same.
    if (notes.some((text) => text.startsWith(fact))) return [];
    const id = noteId(incident.id, joined.proof);
    const note = `${fact}${conclusionOf(joined.proof, verdict)}`;
    return [{ id, actor: GRADER, body: { type: 'note', incident: incident.id, note } as const }];
  });
}

const noteId = (incident: string, { kind, id }: Proof): string => `grades:${incident}:${kind}:${id}`;

const KIND_WORDS: Readonly<Record<Proof['kind'], string>> = {
  dispute: 'disputed',
  early_fraud_warning: 'reported as fraud by its bank (early fraud warning)',
  refund: 'refunded as fraud',
};

/** Ids and amounts only; the reason is Stripe's own word. A text of its own for each proof. */
function factOf({ proof, by }: Joined): string {
  const { kind, id, charge, amount, currency, reason, at } = proof;
  const money = amount === null || currency === null ? '' : ` of ${formatMoney(amount, currency)}`;
  const what = by === 'member' ? 'A payment of this incident' : 'A payment made with the same details at that time';
  const why = /^[a-z_]{1,60}$/.test(reason) ? `, ${reason.replaceAll('_', ' ')}` : '';
  const date = new Date(at * 1_000).toISOString().slice(0, 10);
  const payment = `${what}${charge === null ? '' : ` (${shown(charge)})`}${money}`;
  return `${payment} was ${KIND_WORDS[kind]} on ${date}: ${shown(id)}${why}.`;
}

function conclusionOf(proof: Proof, verdict: Correction['verdict']): string {
  if (!provesFraud(proof) || verdict === null || verdict === 'fraud') return '';
  return ` You said ${VERDICT_WORDS[verdict]}; it counts as fraud now.`;
}

const shown = (id: string): string => id.replace(/[^A-Za-z0-9_]/g, '').slice(0, 64);
