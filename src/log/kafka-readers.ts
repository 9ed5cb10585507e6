// Who reads the topics of a prefix now: whether all of them are processes of one installation. It changes nothing.
import type { Admin } from 'kafkajs';
import { TOPICS } from '../model/topics.ts';
import { GROUP_PROTOCOL, memberOf } from './kafka-assigner.ts';

export const STRANGERS_HELP =
  'Replicas need the same DECLINEWATCH_PII_KEY, and two installations on one Kafka need two values of TOPIC_PREFIX.';

/** The different marks of those that read now; rejects if the user may not ask. */
export async function marksOfReaders(admin: Admin, prefix: string): Promise<readonly string[]> {
  const names = Object.values(TOPICS).map(({ name }) => `${prefix}${name}.`);
  const { groups: all } = await admin.listGroups();
  const ours = all.map(({ groupId }) => groupId).filter((id) => names.some((name) => id.startsWith(name)));
  if (ours.length === 0) return [];
  const { groups } = await admin.describeGroups(ours);
  const marks = groups
    .filter(({ protocol }) => protocol === GROUP_PROTOCOL)
    .flatMap(({ members }) => members.flatMap(({ memberMetadata }) => memberOf(memberMetadata).mark ?? []));
  return [...new Set(marks)].sort();
}
