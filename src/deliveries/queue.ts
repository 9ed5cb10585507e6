// The incidents that wait to be delivered: one entry each with its newest state, so that its length is bounded by the
// number of incidents and an update never waits behind its own elder.
import type { Incident } from '../model/incident.ts';

/** `deferred`: not to be delivered before a time, by the sink's wish; `retrying`: after an error; `failed`: refused. */
type WorkState = 'ready' | 'running' | 'deferred' | 'retrying' | 'failed';

export type Work = {
  incident: Incident;
  state: WorkState;
  /** Milliseconds: since when its newest delivery is due. */
  since: number;
  /** Milliseconds: not before then, unless ready or running. */
  notBefore: number;
  /** Failed tries in a row. */
  tries: number;
  /** What is told beside the incident has changed: told again although its version was told. */
  isStale: boolean;
};

export type Queue = {
  /** Takes in a state that is newer than the one known; answers whether it was. */
  offer(incident: Incident, now: number): boolean;
  /** In line once more, although this very state may have been delivered. */
  refresh(incident: Incident, now: number): void;
  /** The one that is due and waits longest, or null; it is `running` until told otherwise. */
  take(now: number): Work | null;
  /** Back in line at once. */
  again(work: Work): void;
  later(work: Work, state: 'deferred' | 'retrying' | 'failed', at: number): void;
  drop(work: Work): void;
  /** Milliseconds: when the next one is due (0: now); null: none waits. */
  nextAt(): number | null;
  /** Those that are due and not delivered. */
  pending(): { readonly count: number; readonly oldestAt: number | null };
};

export function createQueue(): Queue {
  const works = new Map<string, Work>();
  /** Of every incident ever offered: a late or repeated record never brings an elder state back. */
  const newest = new Map<string, number>();
  const ready = new Set<Work>();
  const waiting = new Set<Work>();
  let nextWaitingAt = Number.POSITIVE_INFINITY;
  const makeReady = (work: Work): void => {
    waiting.delete(work);
    work.state = 'ready';
    ready.add(work);
  };
  const promote = (now: number): void => {
    if (now < nextWaitingAt) return;
    nextWaitingAt = Number.POSITIVE_INFINITY;
    for (const work of waiting) {
      if (work.notBefore > now) nextWaitingAt = Math.min(nextWaitingAt, work.notBefore);
      else {
        if (work.state === 'deferred') work.since = now;
        makeReady(work);
      }
    }
  };
  return {
    offer: (incident, now) => {
      if ((newest.get(incident.id) ?? -1) >= incident.version) return false;
      newest.set(incident.id, incident.version);
      const work = works.get(incident.id);
      if (work === undefined) {
        const added: Work = { incident, state: 'ready', since: now, notBefore: now, tries: 0, isStale: false };
        works.set(incident.id, added);
        ready.add(added);
        return true;
      }
      work.incident = incident;
      // A new state may be told at once where the elder was to wait; one that meets errors goes on waiting.
      if (work.state === 'deferred') {
        work.since = now;
        makeReady(work);
      }
      return true;
    },
    refresh: (incident, now) => {
      const work = works.get(incident.id);
      if (work !== undefined) {
        work.isStale = true;
        return;
      }
      const added: Work = { incident, state: 'ready', since: now, notBefore: now, tries: 0, isStale: true };
      works.set(incident.id, added);
      ready.add(added);
    },
    take: (now) => {
      promote(now);
      for (const work of ready) {
        ready.delete(work);
        work.state = 'running';
        return work;
      }
      return null;
    },
    again: makeReady,
    later: (work, state, at) => {
      work.state = state;
      work.notBefore = at;
      waiting.add(work);
      nextWaitingAt = Math.min(nextWaitingAt, at);
    },
    drop: (work) => {
      works.delete(work.incident.id);
      waiting.delete(work);
      ready.delete(work);
    },
    nextAt: () => {
      if (ready.size > 0) return 0;
      return waiting.size === 0 ? null : nextWaitingAt;
    },
    pending: () => {
      let count = 0;
      let oldestAt: number | null = null;
      for (const work of works.values()) {
        if (work.state === 'deferred' || work.state === 'failed') continue;
        count += 1;
        oldestAt = Math.min(oldestAt ?? work.since, work.since);
      }
      return { count, oldestAt };
    },
  };
}
