// Who may act on incidents from Slack: members of the app's own team, and of those only the named users, groups and members
// of channels; if none is named, the members of the alert channels. Outsiders of a shared channel have another team.
import type { WebClient } from '@slack/web-api';
import type { Clock } from '../model/clock.ts';

type Person = { readonly id: string; readonly teamId: string };

/** Null: may act. Else the reason, for the person alone. */
export type MayAct = (person: Person) => Promise<string | null>;

export type RespondersOptions = {
  readonly client: WebClient;
  /** Ids of users (U…, W…), user groups (S…) and channels (C…, G…). */
  readonly responders: readonly string[];
  /** Whose members may act if `responders` is empty; empty too: the whole team. */
  readonly channels: readonly string[];
  readonly clock: Clock;
};

const CACHE_MS = 60_000;
/** Who is not found may have been added just now. */
const MISSED_CACHE_MS = 5_000;
/** While Slack does not answer, yesterday's members are not asked for ever. */
const STALE_CACHE_MS = 600_000;
const PAGE = 1_000;
const MAX_PAGES = 20;

type Members = { readonly at: number; readonly ids: ReadonlySet<string> };

export function createMayAct({ client, responders, channels, clock }: RespondersOptions): MayAct {
  const users = new Set(responders.filter((id) => /^[UW]/.test(id)));
  const named = responders.filter((id) => /^[SCG]/.test(id));
  const circles = responders.length === 0 ? channels : named;
  const known = new Map<string, Members>();
  let ownTeam: string | null = null;

  const isIn = async (circle: string, id: string): Promise<boolean> => {
    const before = known.get(circle);
    const ageMs = before === undefined ? Number.POSITIVE_INFINITY : clock.now() - before.at;
    if (before !== undefined && ageMs < (before.ids.has(id) ? CACHE_MS : MISSED_CACHE_MS)) return before.ids.has(id);
    try {
      const ids = circle.startsWith('S') ? await groupMembers(client, circle) : await channelMembers(client, circle);
      known.set(circle, { at: clock.now(), ids });
      return ids.has(id);
    } catch (error) {
      if (before !== undefined && ageMs < STALE_CACHE_MS) return before.ids.has(id);
      throw error;
    }
  };

  return async ({ id, teamId }) => {
    try {
      ownTeam ??= (await client.auth.test()).team_id ?? null;
      if (ownTeam === null || teamId !== ownTeam)
        return 'Only members of the team that runs declinewatch may do this; you belong to another workspace.';
      if (users.has(id) || (responders.length === 0 && channels.length === 0)) return null;
      for (const circle of circles) if (await isIn(circle, id)) return null;
      return responders.length === 0
        ? 'Only members of the channel of the alerts may do this. Join it, or ask whoever runs declinewatch.'
        : 'You are not among the responders (SLACK_RESPONDERS). Ask whoever runs declinewatch to add you.';
    } catch {
      return 'It cannot be checked right now whether you may do this. Nothing was changed; please press again in a moment.';
    }
  };
}

async function groupMembers(client: WebClient, usergroup: string): Promise<ReadonlySet<string>> {
  return new Set((await client.usergroups.users.list({ usergroup })).users ?? []);
}

async function channelMembers(client: WebClient, channel: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await client.conversations.members({
      channel,
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const id of answer.members ?? []) ids.add(id);
    cursor = answer.response_metadata?.next_cursor || undefined;
    if (cursor === undefined) break;
  }
  return ids;
}
