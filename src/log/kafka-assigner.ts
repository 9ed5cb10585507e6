// Who gets which partition: each member keeps what it has as far as that is fair, so that another replica, or one less,
// moves few partitions. (kafkajs deals them round by random member ids: nearly all of them move, every time.)
import type { PartitionAssigner } from 'kafkajs';
import { AssignerProtocol } from './kafkajs.ts';

const { MemberAssignment, MemberMetadata } = AssignerProtocol;

/** Part of the group's protocol: members of one group must all speak it. */
export const GROUP_PROTOCOL = 'declinewatch-keep';
const VERSION = 1;

export type Claim = { readonly memberId: string; readonly held: readonly number[] };

/** What a member says of itself when it joins. */
export type Member = {
  /** The partitions that it has now. */
  readonly held: readonly number[];
  /** What the processes of one installation have in common; absent: it does not say. */
  readonly mark?: string | undefined;
};

/** `me` is asked at each join; `strangers` is called with the marks if members of several installations have met. */
export const keepAssigner =
  (me: () => Member, strangers: (marks: readonly string[]) => void): PartitionAssigner =>
  ({ cluster }) => ({
    name: GROUP_PROTOCOL,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: GROUP_PROTOCOL,
      metadata: MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.from(JSON.stringify(me())) }),
    }),
    assign: async ({ members, topics }) => {
      const said = members.map(({ memberId, memberMetadata }) => ({ memberId, ...memberOf(memberMetadata) }));
      const claims: readonly Claim[] = said;
      const marks = new Set(said.flatMap(({ mark }) => mark ?? []));
      if (marks.size > 1) strangers([...marks]);
      // A group reads one topic (kafka.ts), so a claim is of that topic's partitions.
      const shares = new Map(
        topics.map((topic) => {
          const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
          return [topic, shareOut(partitions, claims)] as const;
        }),
      );
      return claims.map(({ memberId }) => {
        const assignment = Object.fromEntries(
          [...shares].map(([topic, share]) => [topic, [...(share.get(memberId) ?? [])]]),
        );
        return {
          memberId,
          memberAssignment: MemberAssignment.encode({ version: VERSION, assignment, userData: Buffer.alloc(0) }),
        };
      });
    },
  });

/** Every partition to exactly one member, the numbers of any two members at most one apart. Pure. */
export function shareOut(partitions: readonly number[], claims: readonly Claim[]): Map<string, number[]> {
  const members = claims.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const shares = new Map(members.map(({ memberId }): [string, number[]] => [memberId, []]));
  if (members.length === 0) return shares;
  const free = new Set(partitions.toSorted((a, b) => a - b));
  const least = Math.floor(free.size / members.length);
  let larger = free.size % members.length;
  for (const { memberId, held } of members) {
    const kept = held.filter((partition) => free.has(partition));
    const size = kept.length > least && larger > 0 ? least + 1 : Math.min(kept.length, least);
    if (size > least) larger -= 1;
    for (const partition of kept.slice(0, size)) {
      free.delete(partition);
      shares.get(memberId)?.push(partition);
    }
  }
  for (const partition of free) smallest(shares).push(partition);
  return shares;
}

function smallest(shares: Map<string, number[]>): number[] {
  let found: number[] | null = null;
  for (const share of shares.values()) if (found === null || share.length < found.length) found = share;
  return found ?? [];
}

/** What it says is only a wish: anything unreadable is nothing. */
export function memberOf(metadata: Buffer): Member {
  try {
    const said: unknown = JSON.parse(MemberMetadata.decode(metadata)?.userData.toString() ?? '{}');
    const { held, mark } = said as { readonly held?: unknown; readonly mark?: unknown };
    return {
      held: Array.isArray(held) ? [...new Set(held.filter(Number.isInteger))] : [],
      ...(typeof mark === 'string' ? { mark } : {}),
    };
  } catch {
    return { held: [] };
  }
}
