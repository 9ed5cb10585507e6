// The log as everybody reads it: records of before an erase come with the names in the place of who was erased. Where the log
// can be rewritten they soon are so; in Kafka they stay as they were until retention removes them, and this is all there is.
import type { EventLog, StoredRecord } from '../log/event-log.ts';
import type { Erasure } from '../model/erasure.ts';
import type { TopicName } from '../model/topics.ts';
import { createRecordEraser, type RecordEraser } from './erase-record.ts';
import type { Erasures } from './erasures.ts';

type Unsettled = Pick<Erasures, 'unsettled'>;

/** What Stripe sends again of an erased attempt, or later, must not bring the person back. */
const TAKEN_IN: ReadonlySet<TopicName> = new Set<TopicName>(['attempts', 'stripe-events']);

export function erasingLog(log: EventLog, erasures: Pick<Erasures, 'list' | 'unsettled'>, piiKey: string): EventLog {
  const erase = pagesOf(erasures, piiKey);
  const eraserOfNew = eraserFor(erasures.list, (list) => createRecordEraser(list, piiKey, { isNew: true }));
  return {
    ...log,
    append: async (topic, records) => {
      if (!TAKEN_IN.has(topic) || erasures.list().length === 0) return await log.append(topic, records);
      const eraser = eraserOfNew();
      const place = { partition: 0, offset: 0 };
      return await log.append(
        topic,
        records.map((record) => ({ ...record, ...eraser(topic, { ...record, ...place }) })),
      );
    },
    read: (topic, partition, from, to) => erasingRead(log, erase, { topic, partition, from, to }),
    consume: async (options) =>
      await log.consume({
        ...options,
        batch: async (batch) => await options.batch({ ...batch, records: erase(options.topic, batch.records) }),
      }),
  };
}

/** The same for who only reads. */
export function erasingReader<T extends Pick<EventLog, 'read'>>(log: T, erasures: Unsettled, piiKey: string): T {
  const erase = pagesOf(erasures, piiKey);
  const read: EventLog['read'] = (topic, partition, from, to) =>
    erasingRead(log, erase, { topic, partition, from, to });
  return { ...log, read };
}

type Page = readonly StoredRecord[];
type Range = {
  readonly topic: TopicName;
  readonly partition: number;
  readonly from: number;
  readonly to: number | undefined;
};

async function* erasingRead(
  log: Pick<EventLog, 'read'>,
  erase: (topic: TopicName, records: Page) => Page,
  { topic, partition, from, to }: Range,
): AsyncGenerator<Page> {
  for await (const page of log.read(topic, partition, from, to)) yield erase(topic, page);
}

function pagesOf({ unsettled }: Unsettled, piiKey: string): (topic: TopicName, records: Page) => Page {
  const eraser = eraserFor(unsettled, (list) => createRecordEraser(list, piiKey));
  return (topic, records) => {
    if (unsettled().length === 0) return records;
    const erase = eraser();
    return records.map((record) => {
      const after = erase(topic, record);
      if (after === null) return record;
      // Field by field: nothing else of the record, such as its bytes, may bring back what was erased.
      const { partition, offset, timeMs } = record;
      return { partition, offset, timeMs, ...after };
    });
  };
}

/** Made anew when the list is another one. */
function eraserFor(
  list: () => readonly Erasure[],
  make: (list: readonly Erasure[]) => RecordEraser,
): () => RecordEraser {
  let known = list();
  let eraser = make(known);
  return () => {
    if (list() !== known) {
      known = list();
      eraser = make(known);
    }
    return eraser;
  };
}
