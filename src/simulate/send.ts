// Sends a scenario as signed webhooks, at a steady rate, to any declinewatch: the demo and `declinewatch simulate`.
import Stripe from 'stripe';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import { eventsOf } from './events.ts';
import { seededRandom } from './random.ts';
import { type ScenarioName, scenario } from './scenarios.ts';

export type SimulationOptions = {
  /** Address of the webhook, e.g. `http://127.0.0.1:4242/webhooks/stripe`. */
  readonly url: string;
  readonly secret: string;
  readonly name: ScenarioName;
  readonly seed: number;
  /** Tries a second. */
  readonly ratePerS: number;
  /** Stops after so many tries; null: until the signal. */
  readonly count: number | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: SimulationProgress) => void;
};

export type SimulationProgress = {
  tries: number;
  events: number;
  accepted: number;
  /** Answers other than 200, and connections that failed. */
  refused: number;
  lastRefusal: string | null;
  readonly labels: Record<string, number>;
};

const MAX_IN_FLIGHT = 64;
const SEND_TIMEOUT_MS = 10_000;

/** Resolves with the totals when `count` tries are sent or the signal is aborted, after the last answer. */
export async function simulate(options: SimulationOptions): Promise<SimulationProgress> {
  const { clock, signal, count } = options;
  const random = seededRandom(options.seed);
  const next = scenario(options.name, random);
  const progress: SimulationProgress = { tries: 0, events: 0, accepted: 0, refused: 0, lastRefusal: null, labels: {} };
  const inFlight = new Set<Promise<void>>();
  const startedAt = clock.now();
  while (!signal.aborted && (count === null || progress.tries < count)) {
    const dueAt = startedAt + (progress.tries * 1000) / options.ratePerS;
    if (dueAt > clock.now()) await clock.sleep(dueAt - clock.now(), signal);
    if (signal.aborted) break;
    const now = clock.now();
    const { act, label } = next(Math.floor(now / 1000), now - startedAt);
    progress.tries += 1;
    progress.labels[label] = (progress.labels[label] ?? 0) + 1;
    for (const event of eventsOf(act, random)) {
      progress.events += 1;
      const sent = post(JSON.stringify(event), options, progress).finally(() => inFlight.delete(sent));
      inFlight.add(sent);
      if (inFlight.size >= MAX_IN_FLIGHT) await Promise.race(inFlight);
    }
    options.onProgress?.(progress);
  }
  await Promise.all(inFlight);
  return progress;
}

async function post(
  payload: string,
  { url, secret, clock }: SimulationOptions,
  progress: SimulationProgress,
): Promise<void> {
  const timestamp = Math.floor(clock.now() / 1000);
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': signature },
      body: payload,
      signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
    });
    await answer.arrayBuffer();
    if (answer.status === 200) progress.accepted += 1;
    else refuse(progress, `HTTP ${answer.status}`);
  } catch (error) {
    refuse(progress, messageOf(error));
  }
}

function refuse(progress: SimulationProgress, reason: string): void {
  progress.refused += 1;
  progress.lastRefusal = reason;
}
