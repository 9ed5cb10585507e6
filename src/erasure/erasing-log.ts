// The log as everybody reads it: records of before an erase come with the names in the place of who was erased. Where the log
// can be rewritten they soon are so; in Kafka they stay as they were until retention removes them, and this is all there is.
import type { EventLog, StoredRecord } from '../log/event-log.ts';
import type { TopicName } from '../model/topics.ts';
import { createRecordEraser, type RecordEraser } from './erase-record.ts';
import type { Erasures } from './erasures.ts';

type Unsettled = Pick<Erasures, 'unsettled'>;

export function erasingLog(log: EventLog, erasures: Unsettled, piiKey: string): EventLog {
  const erase = pagesOf(erasures, piiKey);
  return {
    ...log,
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
  let known = unsettled();
  let eraser: RecordEraser = createRecordEraser(known, piiKey);
  return (topic, records) => {
    const now = unsettled();
    if (now.length === 0) return records;
    if (now !== known) {
      known = now;
      eraser = createRecordEraser(now, piiKey);
    }
    return records.map((record) => {
      const after = eraser(topic, record);
      return after === null ? record : { ...record, ...after };
    });
  };
}
