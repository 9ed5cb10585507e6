// What fits into a record: the same for every adapter, so that what one takes the other takes too.
import { AppError } from '../model/errors.ts';
import type { TopicName } from '../model/topics.ts';
import type { NewRecord } from './event-log.ts';

/** A body of 1 MiB, which ingest takes, and what is written around it. */
const MAX_VALUE_BYTES = 1_048_576 + 65_536;
const MAX_KEY_BYTES = 4_096;

/** Throws `too_large`. */
export function checkSize(topic: TopicName, { key, value }: NewRecord): void {
  // A character is at most three bytes: most records need no count.
  if (value.length * 3 > MAX_VALUE_BYTES && Buffer.byteLength(value) > MAX_VALUE_BYTES)
    throw new AppError('too_large', `A record of ${topic} is larger than ${MAX_VALUE_BYTES} bytes.`, {
      help: 'Nothing that Stripe sends is that large; what made the record must split or shorten it.',
    });
  if (key !== null && key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new AppError('too_large', `The key of a record of ${topic} is larger than ${MAX_KEY_BYTES} bytes.`);
}

/** Most that is sent to a partition at once: at least one record of the largest size fits. */
export const MAX_BATCH_BYTES = 2_097_152;
