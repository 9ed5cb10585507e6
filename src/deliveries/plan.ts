// What is to be done next for one incident, from its newest state and its receipts. Pure.
import type { Delivery } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import type { Receipts } from './receipts.ts';
import type { Item, Sink } from './sink.ts';

export type Step =
  | { readonly kind: 'done' }
  | { readonly kind: 'defer'; readonly at: number }
  /** Whether it was sent is unknown: look first. */
  | { readonly kind: 'look-up'; readonly item: Item; readonly receipt: Delivery }
  | { readonly kind: 'deliver'; readonly item: Item; readonly receipt: Delivery | null };

export type PlanContext = {
  readonly sink: Sink;
  readonly receipts: Pick<Receipts, 'of' | 'all'>;
  readonly now: number;
  /** Slots of this incident that are known not to have been carried out, although recorded as `posting`. */
  readonly isUnsent: (incident: string, slot: string) => boolean;
  /** What is told beside it has changed: its version being told is not enough. */
  readonly isStale?: boolean;
};

export function planStep(incident: Incident, context: PlanContext): Step {
  const { sink, receipts, now, isStale = false } = context;
  const main = receipts.of(incident.id, sink.slot);
  if (main?.state === 'posted' && main.version >= incident.version && !isStale) return { kind: 'done' };
  const place = main?.place ?? null;
  const item: Item = { incident, slot: sink.slot, place, main: null };
  // Before anything else, even before asking whether it is to be told: what may stand there must not stay unknown.
  if (main !== null && isUncertain(main, context)) return { kind: 'look-up', item, receipt: main };
  const acceptance = sink.accepts(incident, { now, place });
  if (acceptance === 'never') return { kind: 'done' };
  if (acceptance !== 'now') return { kind: 'defer', at: acceptance.at };
  return (
    (place === null
      ? null
      : (planRedo(incident, { ...context, place }) ?? planNote(incident, { ...context, place }))) ?? {
      kind: 'deliver',
      item,
      receipt: main,
    }
  );
}

type NoteContext = PlanContext & { readonly place: NonNullable<Item['place']> };

/** A note that names somebody who was erased since, or whose telling anew was broken off. */
function planRedo(incident: Incident, { sink, receipts, place }: NoteContext): Step | null {
  const { id, erased } = incident;
  if (erased === undefined || sink.names === undefined) return null;
  for (const receipt of receipts.all()) {
    const { subject, slot, state, version } = receipt;
    if (subject !== id || receipt.place === null || !sink.names(slot)) continue;
    const isDue = state === 'posting' || (state === 'posted' && version < erased.version);
    if (isDue) return { kind: 'deliver', item: { incident, slot, place: receipt.place, main: place }, receipt };
  }
  return null;
}

/** The first note that is due and not told; one that was refused counts as told, so that it holds up nothing. */
function planNote(incident: Incident, context: NoteContext): Step | null {
  const { sink, receipts, place } = context;
  for (const slot of sink.notes?.(incident, place) ?? []) {
    const receipt = receipts.of(incident.id, slot);
    if (receipt?.state === 'posted' || receipt?.state === 'failed') continue;
    const item: Item = { incident, slot, place: null, main: place };
    if (receipt !== null && isUncertain(receipt, context)) return { kind: 'look-up', item, receipt };
    return { kind: 'deliver', item, receipt };
  }
  return null;
}

function isUncertain(receipt: Delivery, { isUnsent }: PlanContext): boolean {
  return receipt.state === 'posting' && receipt.place === null && !isUnsent(receipt.subject, receipt.slot);
}
