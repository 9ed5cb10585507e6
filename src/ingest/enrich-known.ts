// Which charges need no look-up, because a view of them went into the log a short while ago: bounded, in memory, and empty
// after a restart, which costs a read at most.

export type KnownCharges = {
  /** `receivedAt`: milliseconds, when a view of it went into the log. `isLive`: the detectors of the live lane have it too. */
  add(id: string, view: { readonly receivedAt: number; readonly isLive: boolean }): void;
  /** For a signal received at `receivedAt`, of the live lane or of history. */
  has(id: string, signal: { readonly receivedAt: number; readonly isLive: boolean }): boolean;
};

const MAX_CHARGES = 50_000;
/** Attempts are held for the lateness (72 h unless set) and more; a day leaves room for a shorter one. */
const HELD_MS = 24 * 3_600_000;

export function createKnownCharges(): KnownCharges {
  const views = new Map<string, { readonly anyAt: number; readonly liveAt: number }>();
  const never = { anyAt: Number.NEGATIVE_INFINITY, liveAt: Number.NEGATIVE_INFINITY };
  return {
    add: (id, { receivedAt, isLive }) => {
      const { anyAt, liveAt } = views.get(id) ?? never;
      // Set anew, so that it is the youngest.
      views.delete(id);
      views.set(id, { anyAt: Math.max(anyAt, receivedAt), liveAt: isLive ? Math.max(liveAt, receivedAt) : liveAt });
      const [oldest] = views.keys();
      if (views.size > MAX_CHARGES && oldest !== undefined) views.delete(oldest);
    },
    has: (id, { receivedAt, isLive }) => {
      const { anyAt, liveAt } = views.get(id) ?? never;
      return receivedAt - (isLive ? liveAt : anyAt) <= HELD_MS;
    },
  };
}
