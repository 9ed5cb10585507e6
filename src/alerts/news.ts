// What has become of an incident since it was last said aloud: an edit of the message notifies nobody, so each of these
// goes into its thread, once. Pure.
import type { DeliveryPlace } from '../model/delivery.ts';
import { compareSeverity } from '../model/detector.ts';
import type { Incident } from '../model/incident.ts';

export type Told = NonNullable<DeliveryPlace['told']>;

const NEWS = [
  'withdrawn',
  'returned',
  'merged',
  'escalated',
  'grown',
  'severity',
  'reopened',
  'unacknowledged',
  'acknowledged',
  'resolved',
  'noted',
  'assigned',
  'muted',
  'unmuted',
  'reminded',
  'ended',
] as const;
export type News = (typeof NEWS)[number];

/** It is worse than whoever read the channel knows: the channel hears it too, not the thread alone. */
const LOUD: ReadonlySet<News> = new Set(['grown', 'severity', 'reopened', 'returned']);
/** What persons did: told under a mute too, and of a storm's children. */
const BY_PERSONS: ReadonlySet<News> = new Set([
  'acknowledged',
  'unacknowledged',
  'resolved',
  'reopened',
  'noted',
  'assigned',
  'muted',
]);
/** After these the reader knows how far it had gone; after any other the last that was said stands. */
const SAYS_COUNT: ReadonlySet<News> = new Set([
  'returned',
  'escalated',
  'grown',
  'severity',
  'reopened',
  'unacknowledged',
  'acknowledged',
  'resolved',
]);
const DEFAULT_REPAGE = 2;

/** In the order in which they are told; empty for most changes: they are seen in the message. */
export function newsOf(incident: Incident, told: Told): readonly News[] {
  const { storm, mutedUntil, updatedAt } = incident;
  const all = [...statusNews(incident, told), ...growthNews(incident, told), ...otherNews(incident, told)];
  // A child's acknowledgement and verdict are its storm's: said there, once.
  if (storm !== null) return all.filter((news) => news === 'noted' || news === 'assigned');
  const isMuted = mutedUntil !== null && mutedUntil > updatedAt;
  return isMuted ? all.filter((news) => BY_PERSONS.has(news)) : all;
}

export function isLoud({ unmuted }: Incident, news: News): boolean {
  return LOUD.has(news) || (news === 'unmuted' && unmuted?.isEarly === true);
}

/** Each piece of news has a slot of its own, named after the version told last: it is told once, even after a crash. */
export const slotOf = ({ version }: Told, news: News): string => `thread:${version}:${news}`;

/** Null for a slot that is none of these. */
export function newsIn(slot: string): News | null {
  const name = slot.split(':')[2];
  return NEWS.find((news) => news === name) ?? null;
}

/** A note that says on whom the incident is: what is heard elsewhere must be understood there. */
export const namesEntity = (slot: string): boolean => newsIn(slot) === 'escalated';

/** What counts as said aloud once this incident's newest state is in the channel. */
export function toldAfter(incident: Incident, before: Told | undefined): Told {
  const now = toldNow(incident);
  if (before === undefined) return now;
  const news = newsOf(incident, before);
  if (news.length === 0) return before;
  if (news.some((one) => SAYS_COUNT.has(one))) return now;
  return { ...now, severity: before.severity, peak: before.peak };
}

/** The escalation step that was reached and not told yet; null: none. */
export function escalationDue({ status, escalated }: Incident, told: Told | undefined): { readonly to: string } | null {
  if (status !== 'open' || !escalated) return null;
  return escalated.step > (told?.escalated ?? 0) ? escalated : null;
}

function toldNow(incident: Incident): Told {
  const { version, severity, peak, status, escalated, owner, mutedUntil, unmuted, reminded, over } = incident;
  return {
    version,
    severity,
    peak,
    status,
    escalated: escalated?.step ?? 0,
    noted: incident.notes.at(-1)?.at ?? 0,
    owner,
    mutedUntil,
    unmuted: unmuted?.at ?? 0,
    reminded: reminded?.at ?? 0,
    openedAgain: incident.openedAgain?.at ?? 0,
    over,
  };
}

function statusNews({ status, openedAgain }: Incident, told: Told): readonly News[] {
  if (status === told.status) return [];
  if (status === 'withdrawn' || status === 'merged' || status === 'resolved') return [status];
  const isBack = told.status === 'withdrawn' || told.status === 'merged';
  if (isBack) return ['returned'];
  const again: News = openedAgain?.from === 'resolved' ? 'reopened' : 'unacknowledged';
  const isAgain = told.openedAgain !== undefined && (openedAgain?.at ?? 0) > told.openedAgain;
  // Opened again and acknowledged anew in between: both are told.
  const before = status === 'open' || (isAgain && told.status === 'resolved') ? [again] : [];
  return status === 'acknowledged' ? [...before, 'acknowledged'] : before;
}

function growthNews(incident: Incident, told: Told): readonly News[] {
  const { status, acknowledged, severity, peak, count, repage = DEFAULT_REPAGE } = incident;
  if (escalationDue(incident, told) !== null) return ['escalated'];
  const isWorse = compareSeverity(severity, told.severity) > 0;
  if (status === 'open') return isWorse && told.status === 'open' ? ['severity'] : [];
  if (status !== 'acknowledged' || acknowledged === null) return [];
  if (isWorse && compareSeverity(severity, acknowledged.severity) > 0) return ['grown'];
  return count !== 'ratio' && peak >= repage * Math.max(acknowledged.peak, told.peak) ? ['grown'] : [];
}

/** Places that were written by an elder version do not know some of it: what they do not know is no news. */
function otherNews(incident: Incident, told: Told): readonly News[] {
  const { owner, notes, mutedUntil, unmuted, reminded, over, kind, status } = incident;
  const news: News[] = [];
  if (told.noted !== undefined && (notes.at(-1)?.at ?? 0) > told.noted) news.push('noted');
  if (told.owner !== undefined && told.owner !== owner) news.push('assigned');
  if (told.mutedUntil !== undefined && mutedUntil !== null && mutedUntil !== told.mutedUntil) news.push('muted');
  if (told.unmuted !== undefined && mutedUntil === null && (unmuted?.at ?? 0) > told.unmuted) news.push('unmuted');
  if (told.reminded !== undefined && status === 'acknowledged' && (reminded?.at ?? 0) > told.reminded)
    news.push('reminded');
  if (told.over === false && over && kind !== 'episode') news.push('ended');
  return news;
}
