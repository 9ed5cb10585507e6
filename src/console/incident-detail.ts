// One incident in full, as the API gives it (design §7): with its timeline, attempts, deliveries and latency. Pure.
import type { TimelineEntry } from '../feed/feed.ts';
import type { Delivery } from '../model/delivery.ts';
import type { MemberSummary } from '../model/episode.ts';
import { type Incident, type IncidentJson, incidentJson } from '../model/incident.ts';
import { attemptUrl } from '../model/stripe-url.ts';

export const MAX_ATTEMPTS = 200;

export type DetailParts = {
  readonly timeline: readonly TimelineEntry[];
  /** Newest first. */
  readonly attempts: readonly MemberSummary[];
  readonly deliveries: readonly Delivery[];
  readonly consoleUrl: string;
};

/** Milliseconds; null: not known, or not yet. */
export type Latency = {
  /** Stripe's times are whole seconds: up to a second of this is rounding. */
  readonly stripeToReceivedMs: number | null;
  readonly receivedToOpenedMs: number | null;
  readonly openedToSlackMs: number | null;
};

export type IncidentDetailJson = IncidentJson & {
  readonly timeline: readonly (Omit<TimelineEntry, 'at' | 'change'> & { readonly at: string })[];
  readonly attempts: readonly (Pick<MemberSummary, 'id' | 'outcome' | 'code' | 'amount' | 'currency' | 'card'> & {
    readonly at: string;
    readonly url: string | null;
  })[];
  readonly deliveries: readonly (Pick<Delivery, 'output' | 'state' | 'version' | 'error'> & {
    readonly at: string;
    readonly url: string | null;
  })[];
  readonly latency: Latency;
};

export function incidentDetailJson(incident: Incident, parts: DetailParts): IncidentDetailJson {
  const { timeline, attempts, deliveries, consoleUrl } = parts;
  return {
    ...incidentJson(incident, consoleUrl),
    timeline: timeline.map(({ version, at, type, actor, data }) => ({ version, at: iso(at), type, actor, data })),
    attempts: attempts.slice(0, MAX_ATTEMPTS).map((member) => {
      const { id, at, outcome, code, amount, currency, card } = member;
      return { id, at: iso(at * 1000), outcome, code, amount, currency, card, url: attemptUrl(member, incident) };
    }),
    deliveries: deliveries.map(({ output, state, version, at, place, error }) => ({
      output,
      state,
      version,
      at: iso(at),
      url: place?.url ?? null,
      error,
    })),
    latency: latencyOf(incident, deliveries),
  };
}

export function latencyOf(incident: Incident, deliveries: readonly Delivery[]): Latency {
  const { receivedAt, openedAt, openingBreachS, kind } = incident;
  const toldAt = firstToldAt(deliveries);
  const isMeasured = receivedAt !== null && kind === 'episode';
  return {
    stripeToReceivedMs: isMeasured ? atLeast0(receivedAt - openingBreachS * 1000) : null,
    receivedToOpenedMs: isMeasured ? atLeast0(openedAt - receivedAt) : null,
    openedToSlackMs: toldAt === null ? null : atLeast0(toldAt - openedAt),
  };
}

/** A message keeps the time of its posting as its id; the receipt's own time is that of its latest edit. */
function firstToldAt(deliveries: readonly Delivery[]): number | null {
  const message = deliveries.find(
    ({ output, slot, state }) =>
      slot === 'message' && state === 'posted' && output !== 'sheets' && output !== 'preview-sheets',
  );
  if (message === undefined) return null;
  const ts = Number(message.place?.ts ?? Number.NaN);
  if (!Number.isFinite(ts)) return message.at;
  // Slack: seconds with a fraction. The preview: milliseconds.
  return message.output === 'slack' ? Math.round(ts * 1000) : ts;
}

const atLeast0 = (ms: number): number => Math.max(0, Math.round(ms));
const iso = (ms: number): string => new Date(ms).toISOString();
