// Keeps what alerts tell beside their incidents: reads what got through at most once a minute for each alert that is
// handled, and says when it has changed, so that the message is edited.
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';
import type { Through } from '../model/through.ts';
import { type Aside, type Past, pastOf, type ThroughOf } from './aside.ts';

export type AsidesOptions = {
  readonly throughOf: ThroughOf;
  /** Of its row in the sheet; null: there is none (yet). */
  readonly rowUrlOf: (incident: string) => string | null;
  /** Newest first. */
  readonly all: () => Iterable<Incident>;
  readonly get: (id: string) => Incident | null;
  /** Something that its alert tells has changed. */
  readonly onNews: (incident: Incident) => void;
  readonly clock: Clock;
  readonly logger: Logger;
};

export type Asides = {
  /** What is known now; what is not gets read, and `onNews` follows. Never waits. */
  of(incident: Incident): Aside;
  close(): Promise<void>;
};

const EVERY_MS = 60_000;
const PAST_MS = 60_000;
/** Beyond it the one that was shown longest ago is no longer followed. */
const MAX_FOLLOWED = 200;
/** What got through matters for a while after the last breach. */
const FOLLOWED_FOR_MS = 6 * 3_600_000;
const MAX_PASTS = 500;

type Followed = { readAt: number; through: Through | null };

export function startAsides(options: AsidesOptions): Asides {
  const { throughOf, rowUrlOf, all, get, onNews, clock, logger } = options;
  const stop = new AbortController();
  let bell = new AbortController();
  const followed = new Map<string, Followed>();
  const pasts = new Map<string, { readonly at: number; readonly past: Past | null }>();

  const pastFor = (detector: string): Past | null => {
    const known = pasts.get(detector);
    if (known !== undefined && clock.now() - known.at < PAST_MS) return known.past;
    const past = pastOf(all(), detector);
    if (pasts.size >= MAX_PASTS) pasts.clear();
    pasts.set(detector, { at: clock.now(), past });
    return past;
  };

  const follow = (incident: Incident): void => {
    if (!isWorthReading(incident, clock.now())) return;
    const known = followed.get(incident.id) ?? { readAt: Number.NEGATIVE_INFINITY, through: null };
    followed.delete(incident.id);
    followed.set(incident.id, known);
    const [longestAgo] = followed.keys();
    if (followed.size > MAX_FOLLOWED && longestAgo !== undefined) followed.delete(longestAgo);
    bell.abort();
    bell = new AbortController();
  };

  const read = async (id: string, one: Followed): Promise<void> => {
    const incident = get(id);
    one.readAt = clock.now();
    if (incident === null || !isWorthReading(incident, clock.now())) return void followed.delete(id);
    try {
      const through = await throughOf(incident, stop.signal);
      if (through === null || JSON.stringify(through) === JSON.stringify(one.through)) return;
      one.through = through;
      onNews(get(id) ?? incident);
    } catch (error) {
      if (!stop.signal.aborted) logger.warn({ error: messageOf(error) }, 'what got through cannot be read now');
    }
  };

  const reading = (async () => {
    while (!stop.signal.aborted) {
      // Taken before looking: who is followed from here on rings this one.
      const woken = AbortSignal.any([bell.signal, stop.signal]);
      // One after the other: an attack of many alerts must not become many scans side by side.
      let nextAt = Number.POSITIVE_INFINITY;
      for (const [id, one] of [...followed]) {
        if (stop.signal.aborted) return;
        if (one.readAt + EVERY_MS <= clock.now()) await read(id, one);
        nextAt = Math.min(nextAt, one.readAt + EVERY_MS);
      }
      await clock.sleep(Math.min(EVERY_MS, Math.max(1, nextAt - clock.now())), woken);
    }
  })();

  return {
    of: (incident) => {
      follow(incident);
      const known = followed.get(incident.id);
      // Read before somebody was erased, it may name them.
      const isStale = known === undefined || known.readAt < (incident.erased?.at ?? Number.NEGATIVE_INFINITY);
      const through = isStale ? null : known.through;
      return { through, rowUrl: rowUrlOf(incident.id), past: pastFor(incident.detector) };
    },
    close: async () => {
      stop.abort();
      await reading;
    },
  };
}

/** Of a storm's thousand entities, of conditions and of the whole account there is nothing to say. */
function isWorthReading({ kind, entity, status, lastBreachAt, storm }: Incident, now: number): boolean {
  if (kind !== 'episode' || storm !== null || entity.kind === 'account') return false;
  return (status === 'open' || status === 'acknowledged') && now - lastBreachAt < FOLLOWED_FOR_MS;
}
