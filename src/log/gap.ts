// Records that a reader wants and the log does not have: always an error with its cure, never a silent jump.
import { AppError } from '../model/errors.ts';
import { TOPICS, type TopicName } from '../model/topics.ts';

type Kept = { readonly first: number; readonly next: number };

/**
 * Throws `log_gap` if the record at `wanted` was removed, or if the log ends before it (then it is older than what the
 * reader knows). Compacted topics have holes by design.
 */
export function checkGap(topic: TopicName, wanted: number, { first, next }: Kept): void {
  if (wanted < first && TOPICS[topic].cleanup !== 'compact')
    throw new AppError('log_gap', `${topic} begins at offset ${first}; offset ${wanted} is no longer there.`, {
      help: 'Retention has removed records that were not read in time: restore the log from a backup, or accept the loss by clearing the reader’s state.',
    });
  if (wanted > next)
    throw new AppError('log_gap', `${topic} ends at offset ${next}; offset ${wanted} was there before.`, {
      help: 'The log is older than the reader’s state: restore both from one backup, or clear the reader’s state so that it is built again.',
    });
}
