// The ids that `members` keeps of an ended episode, for when the log has let go of its attempts.
import { decode } from '../log/codec.ts';
import { AppError } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';
import { type EndedMembers, membersId } from '../model/members.ts';
import type { ReadLog } from './attempts-scan.ts';

/** Most records that are looked at: one for each ended episode. */
const MAX_SCANNED = 500_000;

/** Newest first, at most 10,000; empty if there is no such record. */
export async function endedMembersOf(log: ReadLog, incident: Incident): Promise<readonly string[]> {
  const { detector, account, livemode, entity, firstBreachAt, lastBreachAt } = incident;
  const scope = { account, livemode };
  const wanted = membersId({ detector, scope, entity, firstBreachAt: firstBreachAt / 1_000 });
  let ids: readonly string[] = [];
  // It was written when the episode was over.
  for (const { partition, offset } of await log.offsetsAt('members', lastBreachAt)) {
    const next = (await log.ends('members')).find((ends) => ends.partition === partition)?.next ?? offset;
    for await (const page of log.read('members', partition, offset, Math.min(next, offset + MAX_SCANNED)))
      for (const { key, value } of page) if (key === wanted) ids = idsIn(value) ?? ids;
  }
  return ids;
}

function idsIn(value: string): readonly string[] | null {
  try {
    const { attempts } = decode<EndedMembers>('members', value);
    return Array.isArray(attempts) ? attempts.filter((id) => typeof id === 'string') : null;
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return null;
    throw error;
  }
}
