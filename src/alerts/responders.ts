// Who may act on incidents from Slack: members of the app's own team, and of those only the named users and groups if
// any are named. Outsiders of a shared channel have another team.
import type { WebClient } from '@slack/web-api';
import type { Clock } from '../model/clock.ts';

type Person = { readonly id: string; readonly teamId: string };

/** Null: may act. Else the reason, for the person alone. */
export type MayAct = (person: Person) => Promise<string | null>;

const GROUP_CACHE_MS = 60_000;
/** While Slack does not answer, yesterday's members are not asked for ever. */
const STALE_CACHE_MS = 600_000;

export function createMayAct({
  client,
  responders,
  clock,
}: {
  readonly client: WebClient;
  readonly responders: readonly string[];
  readonly clock: Clock;
}): MayAct {
  const users = new Set(responders.filter((id) => /^[UW]/.test(id)));
  const groups = responders.filter((id) => id.startsWith('S'));
  const members = new Map<string, { readonly at: number; readonly ids: ReadonlySet<string> }>();
  let ownTeam: string | null = null;

  const membersOf = async (group: string): Promise<ReadonlySet<string>> => {
    const known = members.get(group);
    if (known !== undefined && clock.now() - known.at < GROUP_CACHE_MS) return known.ids;
    try {
      const answer = await client.usergroups.users.list({ usergroup: group });
      const ids = new Set(answer.users ?? []);
      members.set(group, { at: clock.now(), ids });
      return ids;
    } catch (error) {
      if (known !== undefined && clock.now() - known.at < STALE_CACHE_MS) return known.ids;
      throw error;
    }
  };

  return async ({ id, teamId }) => {
    try {
      ownTeam ??= (await client.auth.test()).team_id ?? null;
      if (ownTeam === null || teamId !== ownTeam)
        return 'Only members of the team that runs declinewatch may do this; you belong to another workspace.';
      if (responders.length === 0 || users.has(id)) return null;
      for (const group of groups) if ((await membersOf(group)).has(id)) return null;
      return 'You are not among the responders (SLACK_RESPONDERS). Ask whoever runs declinewatch to add you.';
    } catch {
      return 'It cannot be checked right now whether you may do this. Nothing was changed; please press again in a moment.';
    }
  };
}
