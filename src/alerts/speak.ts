// When Slack speaks (design §4.6, §6): which incidents get a message at all, from when, and what speaks again in its
// thread. Pure; a message says in its place what was said aloud last.
import type { Acceptance } from '../deliveries/sink.ts';
import type { DeliveryPlace } from '../model/delivery.ts';
import { compareSeverity } from '../model/detector.ts';
import type { Incident } from '../model/incident.ts';

export type Told = NonNullable<DeliveryPlace['told']>;

/** An incident resolved while Slack was away is still told of for a day; older ones are history. */
const TELL_RESOLVED_FOR_MS = 86_400_000;
const DEFAULT_REPAGE = 2;

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
  const from = Math.max(speakAt, mutedUntil ?? 0);
  return now >= from ? 'now' : { at: from };
}

/** At most one slot: named after the version told last, so that each worsening is told once even after a crash. */
export function notesForSlack(incident: Incident, { told }: DeliveryPlace): readonly string[] {
  return told !== undefined && isWorthSaying(incident, told) ? [`thread:${told.version}`] : [];
}

/** What counts as said aloud once this incident's newest state is in the channel. */
export function toldAfter(incident: Incident, before: Told | undefined): Told {
  if (before !== undefined && !isWorthSaying(incident, before)) return before;
  const { version, severity, peak, status, escalated } = incident;
  return { version, severity, peak, status, escalated: escalated?.step ?? 0 };
}

/** The escalation step that was reached and not told yet; null: none. */
export function escalationDue({ status, escalated }: Incident, told: Told | undefined): { readonly to: string } | null {
  if (status !== 'open' || !escalated) return null;
  return escalated.step > (told?.escalated ?? 0) ? escalated : null;
}

function isWorthSaying(incident: Incident, told: Told): boolean {
  const { status, acknowledged, severity, peak, count, repage = DEFAULT_REPAGE, mutedUntil, updatedAt } = incident;
  if (status === 'withdrawn') return told.status !== 'withdrawn';
  if (told.status === 'withdrawn') return status === 'open' || status === 'acknowledged';
  if (mutedUntil !== null && mutedUntil > updatedAt) return false;
  if (escalationDue(incident, told) !== null) return true;
  if (status !== 'acknowledged' || acknowledged === null) return false;
  if (compareSeverity(severity, told.severity) > 0 && compareSeverity(severity, acknowledged.severity) > 0) return true;
  return count !== 'ratio' && peak >= repage * Math.max(acknowledged.peak, told.peak);
}
