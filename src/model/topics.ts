// Every topic, in one place: name, schema version, key, partitions, retention, cleanup (design §3).

export type TopicName =
  | 'stripe-events'
  | 'attempts'
  | 'commands'
  | 'incidents'
  | 'members'
  | 'detector-settings'
  | 'deliveries'
  | 'dead-letters'
  | 'daily-totals'
  | 'erasures';

export type Topic = {
  readonly name: TopicName;
  /** Written as `v` into every record; a reader that meets a newer one stops (`newer_schema`). */
  readonly schema: number;
  readonly key: string;
  /** Partitions in Kafka; the embedded log has one for each topic. Fixed at creation, checked at every start. */
  readonly partitions: number;
  /** null: kept for ever. */
  readonly retentionMs: number | null;
  readonly cleanup: 'delete' | 'compact';
};

const DAY_MS = 86_400_000;

const topic = (
  name: TopicName,
  key: string,
  partitions: number,
  days: number | null,
  cleanup: Topic['cleanup'] = 'delete',
): Topic => ({ name, schema: 1, key, partitions, retentionMs: days === null ? null : days * DAY_MS, cleanup });

export const TOPICS: Readonly<Record<TopicName, Topic>> = {
  'stripe-events': topic('stripe-events', 'event id', 6, 35),
  attempts: topic('attempts', 'scope', 6, 35),
  commands: topic('commands', 'none', 1, 400),
  incidents: topic('incidents', 'incident id', 1, 400),
  members: topic('members', 'detector + scope + entity + first breach', 1, 400),
  'detector-settings': topic('detector-settings', 'detector', 1, null),
  deliveries: topic('deliveries', 'output + subject + slot', 1, null, 'compact'),
  'dead-letters': topic('dead-letters', 'source + offset', 1, 35),
  'daily-totals': topic('daily-totals', 'scope + day', 1, null, 'compact'),
  erasures: topic('erasures', 'number', 1, 400),
};
