// Metrics for Prometheus: `declinewatch_<noun>_<unit>[_total]`, labels from closed lists, never an id.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What is read at each scrape. */
export type Readings = {
  /** Records that a stage has not read yet, by stage. */
  readonly lag: Readonly<Record<string, number>>;
  readonly attempts: number;
  readonly keys: number;
  /** Share of the limit that the fullest partition holds, 0 to 1. */
  readonly fill: number;
  /** Filters that failed since the state was loaded, by detector. */
  readonly filterErrors: Readonly<Record<string, number>>;
  readonly incidents: number;
  readonly unresolved: number;
  /** By output: deliveries that wait, and since when the oldest (milliseconds; null: none waits). */
  readonly deliveries: readonly {
    readonly output: string;
    readonly pending: number;
    readonly oldestAt: number | null;
  }[];
  /** By part: 1 if it is fine. */
  readonly parts: readonly { readonly name: string; readonly isFine: boolean }[];
  /** By source: dead letters that wait for a person. */
  readonly deadLetters: ReadonlyMap<string, number>;
  readonly accounts: { readonly watched: number; readonly silent: number };
  /** Of the last verification; null: none has ended. */
  readonly verified: { readonly at: number; readonly differences: number | null } | null;
  /** Milliseconds: Stripe and the log agree up to there; null: not compared. */
  readonly agreedUntil: number | null;
  /** Milliseconds. */
  readonly now: number;
};

export type Metrics = ReturnType<typeof createMetrics>;

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'declinewatch_' });
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: readonly string[] = []): Counter =>
    new Counter({ name: `declinewatch_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: readonly string[] = []): Gauge =>
    new Gauge({ name: `declinewatch_${name}`, help, labelNames, registers });
  const seconds = (name: string, help: string, labelNames: readonly string[] = []): Histogram =>
    new Histogram({ name: `declinewatch_${name}`, help, labelNames, buckets: SECONDS, registers });

  const webhooks = counter('webhooks_total', 'Webhooks by what was answered.', ['outcome']);
  const folded = counter('attempt_records_folded_total', 'Records of attempts that were folded into the windows.');
  const batch = seconds('attempt_batch_seconds', 'From a batch read to its windows stored.');
  const reports = counter('reports_total', 'Reports of the detectors, by why they were due.', ['why']);
  const letters = counter('dead_letters_total', 'Records that could not be handled, by reason.', ['reason']);
  const refusals = counter('store_refusals_total', 'Times the window store stood elsewhere and was loaded again.');
  const changes = counter('incident_changes_total', 'Changes of incidents, by what asked and what it did.', [
    'asked',
    'type',
  ]);
  const deliveries = counter('deliveries_total', 'Deliveries by output and outcome.', ['output', 'outcome']);
  const toOpened = seconds('received_to_opened_seconds', 'From the webhook to the incident.');
  const toAlert = seconds('decline_to_alert_seconds', 'From the decline that breached to its alert, by output.', [
    'output',
  ]);
  const gauges = {
    lag: gauge('lag_records', 'Records of the log that a stage has not read yet.', ['stage']),
    fill: gauge('window_fill_ratio', 'Share of the limit that the fullest partition of windows holds.'),
    filterErrors: gauge('filter_errors', 'Filters that failed at run time since the windows were loaded.', [
      'detector',
    ]),
    deadLetters: gauge('dead_letters_waiting', 'Dead letters that nobody has retried or dropped.', ['source']),
    watched: gauge('accounts_watched', 'Stripe accounts whose rhythm of arrivals is known.'),
    silent: gauge('accounts_silent', 'Stripe accounts that are silent against their own rhythm.'),
    verifiedAt: gauge('verify_finished_timestamp_seconds', 'When the last verification ended; 0: none has.'),
    differences: gauge('verify_differences', 'Incidents that differed from the log; -1: it could not be finished.'),
    agreed: gauge('reconciled_until_timestamp_seconds', 'Stripe and the log agree up to there; 0: not compared.'),
    attempts: gauge('window_attempts', 'Attempts that the windows hold.'),
    keys: gauge('window_keys', 'Keys that have windows.'),
    incidents: gauge('incidents_held', 'Incidents at hand.'),
    unresolved: gauge('incidents_unresolved', 'Incidents that nobody has resolved.'),
    pending: gauge('deliveries_pending', 'Incidents whose newest state is not delivered yet.', ['output']),
    oldest: gauge('delivery_oldest_seconds', 'Age of the oldest undelivered state.', ['output']),
    parts: gauge('part_up', '1 if the part is fine.', ['part']),
  };
  return {
    ingest: {
      answered: (outcome: string) => webhooks.inc({ outcome }),
      deadLettered: (reason: string) => letters.inc({ reason }),
    },
    detect: {
      folded: (records: number, ms: number): void => {
        folded.inc(records);
        batch.observe(ms / 1000);
      },
      reported: (why: string) => reports.inc({ why }),
      deadLettered: (reason: string) => letters.inc({ reason }),
      refused: () => refusals.inc(),
    },
    manager: { change: (asked: string, type: string) => changes.inc({ asked, type }) },
    delivery: { count: (output: string, outcome: string) => deliveries.inc({ output, outcome }) },
    /** Milliseconds from the breach instant to the first delivery. */
    alerted: (output: string, ms: number) => toAlert.observe({ output }, Math.max(0, ms) / 1000),
    opened: (receivedToOpenedMs: number) => toOpened.observe(receivedToOpenedMs / 1000),
    /** Prometheus' text form. */
    text: async (now: Readings): Promise<string> => {
      readDetails(gauges, now);
      for (const [stage, records] of Object.entries(now.lag)) gauges.lag.set({ stage }, records);
      gauges.attempts.set(now.attempts);
      gauges.keys.set(now.keys);
      gauges.incidents.set(now.incidents);
      gauges.unresolved.set(now.unresolved);
      for (const { output, pending, oldestAt } of now.deliveries) {
        gauges.pending.set({ output }, pending);
        gauges.oldest.set({ output }, oldestAt === null ? 0 : Math.max(0, now.now - oldestAt) / 1000);
      }
      for (const { name, isFine } of now.parts) gauges.parts.set({ part: name }, isFine ? 1 : 0);
      return await registry.metrics();
    },
  };
}

type Details = Readonly<
  Record<
    'fill' | 'filterErrors' | 'deadLetters' | 'watched' | 'silent' | 'verifiedAt' | 'differences' | 'agreed',
    Gauge
  >
>;

/** Labels that may go are told anew each time. */
function readDetails(
  gauges: Details,
  { fill, filterErrors, deadLetters, accounts, verified, agreedUntil }: Readings,
): void {
  gauges.fill.set(fill);
  gauges.filterErrors.reset();
  for (const [detector, errors] of Object.entries(filterErrors)) gauges.filterErrors.set({ detector }, errors);
  gauges.deadLetters.reset();
  for (const [source, count] of deadLetters) gauges.deadLetters.set({ source }, count);
  gauges.watched.set(accounts.watched);
  gauges.silent.set(accounts.silent);
  gauges.verifiedAt.set(verified === null ? 0 : verified.at / 1000);
  gauges.differences.set(verified === null ? 0 : (verified.differences ?? -1));
  gauges.agreed.set(agreedUntil === null ? 0 : agreedUntil / 1000);
}
