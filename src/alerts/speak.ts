// When Slack speaks (design §4.6, §6): which incidents get a message at all, from when, and what speaks again in its
// thread. Pure; a message says in its place what was said aloud last.
import type { Acceptance } from '../deliveries/sink.ts';
import type { DeliveryPlace } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import { newsOf, slotOf } from './news.ts';

/** An incident resolved while Slack was away is still told of for a day; older ones are history. */
const TELL_RESOLVED_FOR_MS = 86_400_000;
/** An attack whose last breach is older when its mute ends is over: the sheet has it. */
const GOES_ON_FOR_MS = 3_600_000;
/** So long after its end a mute is taken for over although the manager has not said so. */
const MUTE_GRACE_MS = 60_000;

export function acceptForSlack(
  incident: Incident,
  { now, place }: { readonly now: number; readonly place: DeliveryPlace | null },
): Acceptance {
  // What stands in the channel is kept true, whatever has become of it.
  if (place !== null) return 'now';
  const { status, mode, late, resolved, mutedUntil, speakAt } = incident;
  if (mode !== 'alert' || status === 'withdrawn' || status === 'merged') return 'never';
  if (incident.storm !== null) return 'never';
  if (late && incident.lastBreachAt <= incident.openedAt) return 'never';
  if (resolved !== null && status === 'resolved' && now - resolved.at > TELL_RESOLVED_FOR_MS) return 'never';
  if (wasHiddenWhole(incident)) return 'never';
  const from = Math.max(speakAt, mutedUntil === null ? 0 : mutedUntil + MUTE_GRACE_MS);
  return now >= from ? 'now' : { at: from };
}

/** What goes into its thread, before the message itself is edited. */
export function notesForSlack(incident: Incident, { told }: DeliveryPlace): readonly string[] {
  return told === undefined ? [] : newsOf(incident, told).map((news) => slotOf(told, news));
}

/** It came and went under a mute that has ended: only what goes on speaks then. */
function wasHiddenWhole({ unmuted, lastBreachAt, openedAt, over, mutedUntil }: Incident): boolean {
  if (mutedUntil !== null || !unmuted || openedAt > unmuted.at) return false;
  return lastBreachAt <= unmuted.at && (over || unmuted.at - lastBreachAt > GOES_ON_FOR_MS);
}
