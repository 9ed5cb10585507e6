// Incidents by number, with their timelines: the newest 10,000 in full, and every one that is not resolved.
import type { Change } from '../model/commands.ts';
import type { Incident } from '../model/incident.ts';
import type { FeedStatus, IncidentFeed, IncidentFilter, IncidentPage, Mute, TimelineEntry } from './feed.ts';

const MAX_HELD = 10_000;
export const MAX_TIMELINE = 500;
/** Of a long timeline its beginning stays: how it opened, and who took it first. */
const TIMELINE_HEAD = 50;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

export type IncidentIndex = {
  take(change: Change): void;
  counts(): Pick<FeedStatus, 'incidents' | 'unresolved'>;
  readonly queries: Pick<IncidentFeed, 'get' | 'list' | 'all' | 'timeline' | 'mutes'>;
};

type Held = { incident: Incident; readonly timeline: TimelineEntry[] };

export function createIncidentIndex(maxHeld = MAX_HELD): IncidentIndex {
  /** In the order of their numbers. */
  const held = new Map<string, Held>();
  let unresolved = 0;
  let newest = 0;
  const newestFirst = function* (): Generator<Incident> {
    const all = [...held.values()];
    for (let i = all.length - 1; i >= 0; i--) {
      const one = all[i];
      if (one !== undefined) yield one.incident;
    }
  };
  /** Resolved ones beyond the newest leave, the eldest first. */
  const letGo = (): void => {
    if (held.size - unresolved <= maxHeld) return;
    for (const [id, { incident }] of held) {
      if (isUnresolved(incident)) continue;
      held.delete(id);
      return;
    }
  };
  return {
    take: (change) => {
      const { incident } = change;
      if (incident === null || change.type === 'refused' || change.type === 'seen') return;
      const known = held.get(incident.id);
      if (known !== undefined && isUnresolved(known.incident)) unresolved -= 1;
      if (isUnresolved(incident)) unresolved += 1;
      const one: Held = known ?? { incident, timeline: [] };
      one.incident = incident;
      addEntry(one.timeline, entryOf(change, incident));
      if (known === undefined) {
        held.set(incident.id, one);
        if (numberOf(incident.id) < newest) sortByNumber(held);
        newest = Math.max(newest, numberOf(incident.id));
      }
      letGo();
    },
    counts: () => ({ incidents: held.size, unresolved }),
    queries: {
      get: (id) => held.get(id)?.incident ?? null,
      list: (filter = {}) => pageOf(newestFirst(), filter),
      all: newestFirst,
      timeline: (id) => [...(held.get(id)?.timeline ?? [])],
      mutes: (now) => mutesOf(newestFirst(), now),
    },
  };
}

const isUnresolved = ({ status }: Incident): boolean => status === 'open' || status === 'acknowledged';

const numberOf = (id: string): number => Number(id.slice(id.indexOf('-') + 1));

/** Seldom needed: one that had left has changed once more. */
function sortByNumber(held: Map<string, Held>): void {
  const entries = [...held].sort(([a], [b]) => numberOf(a) - numberOf(b));
  held.clear();
  for (const [id, one] of entries) held.set(id, one);
}

function entryOf({ at, type, actor, data, position }: Change, { version }: Incident): TimelineEntry {
  return { version, at, type, actor, data, change: `${position.offset}.${position.index}` };
}

function addEntry(timeline: TimelineEntry[], entry: TimelineEntry): void {
  timeline.push(entry);
  if (timeline.length > MAX_TIMELINE) timeline.splice(TIMELINE_HEAD, 1);
}

function pageOf(newestFirst: Iterable<Incident>, filter: IncidentFilter): IncidentPage {
  const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(filter.limit ?? DEFAULT_LIMIT)));
  const before = filter.after === undefined ? Number.POSITIVE_INFINITY : numberOf(filter.after);
  const incidents: Incident[] = [];
  for (const incident of newestFirst) {
    if (!(numberOf(incident.id) < before) || !matches(incident, filter)) continue;
    // One more than asked for: there is a next page.
    if (incidents.length === limit) return { incidents, next: incidents.at(-1)?.id ?? null };
    incidents.push(incident);
  }
  return { incidents, next: null };
}

function matches(incident: Incident, filter: IncidentFilter): boolean {
  const { status, severity, detector, entity, account, livemode, since, until } = filter;
  return (
    (status === undefined || incident.status === status) &&
    (severity === undefined || incident.severity === severity) &&
    (detector === undefined || incident.detector === detector) &&
    (entity === undefined || (incident.entity.kind === entity.kind && incident.entity.value === entity.value)) &&
    (account === undefined || incident.account === account) &&
    (livemode === undefined || incident.livemode === livemode) &&
    (since === undefined || incident.openedAt >= since) &&
    (until === undefined || incident.openedAt < until)
  );
}

/** One of each (detector, account, mode, entity): the longest. */
function mutesOf(newestFirst: Iterable<Incident>, now: number): readonly Mute[] {
  const mutes = new Map<string, Mute>();
  for (const { id, detector, account, livemode, entity, mutedUntil } of newestFirst) {
    if (mutedUntil === null || mutedUntil <= now) continue;
    const key = JSON.stringify([detector, account, livemode, entity.kind, entity.value]);
    const known = mutes.get(key);
    if (known === undefined || known.until < mutedUntil)
      mutes.set(key, { detector, account, livemode, entity, until: mutedUntil, incident: known?.incident ?? id });
  }
  return [...mutes.values()];
}
