// Which incidents were found late and are told together, once the rush is over (design §4.6). Pure.
import type { Incident } from '../model/incident.ts';
import type { NoticesTold } from './notice.ts';

export type LateGroup = {
  /** Names its first incident: the same after a restart. */
  readonly subject: string;
  /** The number of its last incident: told so far. */
  readonly version: number;
  readonly livemode: boolean;
  /** By number. */
  readonly incidents: readonly Incident[];
};

/** How an incident came to be found late: `backfill` is nobody's news; null: not known yet. */
export type LateOrigin = 'late' | 'backfill' | null;

export type LateContext = {
  readonly told: NoticesTold;
  readonly originOf: (incident: Incident) => LateOrigin;
  readonly livemode: boolean;
  readonly now: number;
};

export const LATE_NEWS_FOR_MS = 86_400_000;
/** So long nothing more was found. */
const QUIET_MS = 60_000;
/** Where its events came from is in the log by then. */
const SETTLED_MS = 15_000;
/** Told by then, although more is being found. */
const LONGEST_MS = 600_000;

/** Versions are numbers of incidents; each erasure that a message must follow raises its version by so many. */
const ERASED = 1_000_000_000;
const prefixOf = (livemode: boolean): string => `late:${livemode ? 'live' : 'test'}:`;

/** `incidents`: newest first. What was told already is left out, and what may still grow. */
export function lateGroups(incidents: Iterable<Incident>, context: LateContext): readonly LateGroup[] {
  const { told, originOf, livemode, now } = context;
  const prefix = prefixOf(livemode);
  const receipts = [...told.all()].filter(({ subject }) => subject.startsWith(prefix));
  const all = foundLate(incidents, context);
  // Whether some of them are nobody's news will be known in a moment.
  if (!all.every((incident) => originOf(incident) === 'late')) return [];
  const groupOf = (subject: string, version: number, own: readonly Incident[]): LateGroup => ({
    subject,
    version,
    livemode,
    incidents: own,
  });
  const begun = receipts
    .filter(({ state, version }) => state === 'posting' && version < ERASED)
    .map(({ subject, version }) => {
      const from = Number(subject.slice(prefix.length));
      const own = all.filter(({ id }) => numberOf(id) >= from && numberOf(id) <= version);
      return groupOf(subject, version, own);
    });
  const toldUpTo = Math.max(0, ...receipts.map(({ version }) => version % ERASED));
  const fresh = all.filter(({ id }) => numberOf(id) > toldUpTo);
  const [first, last] = [fresh[0], fresh.at(-1)];
  const isOver =
    first !== undefined &&
    last !== undefined &&
    (now - last.openedAt >= QUIET_MS || now - first.openedAt >= LONGEST_MS);
  const next = isOver ? [groupOf(`${prefix}${numberOf(first.id)}`, numberOf(last.id), fresh)] : [];
  return [...begun, ...next].filter(({ incidents: own }) => own.length > 0);
}

export type ErasedGroup = Pick<LateGroup, 'subject' | 'version' | 'livemode'> & {
  /** Milliseconds: when the first of its incidents opened. */
  readonly sinceMs: number;
};

/** Messages that told of somebody who has been erased since. */
export function erasedGroups(
  incidents: Iterable<Incident>,
  { told, livemode }: Pick<LateContext, 'told' | 'livemode'>,
): readonly ErasedGroup[] {
  const prefix = prefixOf(livemode);
  const posted = [...told.all()].filter(({ subject, place }) => subject.startsWith(prefix) && place !== null);
  if (posted.length === 0) return [];
  const erased = [...incidents].filter((incident) => incident.erased !== undefined);
  return posted.flatMap(({ subject, version }) => {
    const [from, to] = [Number(subject.slice(prefix.length)), version % ERASED];
    const own = erased.filter(({ id }) => numberOf(id) >= from && numberOf(id) <= to);
    const sinceMs = Math.min(...own.map(({ openedAt }) => openedAt));
    return own.length === 0 ? [] : [{ subject, version: own.length * ERASED + to, livemode, sinceMs }];
  });
}

/** By number. What the history lane finds is of a time that nobody waits for; a mute hides; what is resolved is done with. */
function foundLate(incidents: Iterable<Incident>, { livemode, now, originOf }: LateContext): readonly Incident[] {
  const found: Incident[] = [];
  for (const incident of incidents) {
    if (now - incident.openedAt > LATE_NEWS_FOR_MS) break;
    const { kind, late, mode, asOf, status, mutedUntil } = incident;
    if (kind !== 'episode' || !late || mode !== 'alert' || asOf.lane !== 'live') continue;
    if (incident.livemode !== livemode || mutedUntil !== null || now - incident.openedAt < SETTLED_MS) continue;
    if ((status === 'open' || status === 'acknowledged') && originOf(incident) !== 'backfill') found.push(incident);
  }
  return found.reverse();
}

const numberOf = (id: string): number => Number(id.slice(id.indexOf('-') + 1));
