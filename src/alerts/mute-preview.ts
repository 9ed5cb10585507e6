// What a mute would have hidden lately, said before it is set: how many posts, and how many of those were fraud. Pure.
import type { IncidentFeed } from '../feed/feed.ts';
import { plural } from '../model/words.ts';

const DAY_MS = 86_400_000;
const LOOKED_BACK_DAYS = 30;
const MOST_COUNTED = 500;

/** A sentence on a mute of this incident's (detector, entity); null for an unknown incident. */
export function hiddenByMute(feed: Pick<IncidentFeed, 'get' | 'list'>, id: string, nowMs: number): string | null {
  const incident = feed.get(id);
  if (incident === null) return null;
  const { detector, entity, account, livemode } = incident;
  const since = nowMs - LOOKED_BACK_DAYS * DAY_MS;
  const { incidents, next } = feed.list({ detector, entity, account, livemode, since, limit: MOST_COUNTED });
  // What was never to be posted is not hidden by a mute.
  const posted = incidents.filter(({ mode, late, kind }) => mode === 'alert' && !late && kind === 'episode');
  const fraud = posted.filter(({ resolved, status }) => status === 'resolved' && resolved?.verdict === 'fraud').length;
  const judged = posted.filter(({ status }) => status === 'resolved').length;
  const count = `${next === null ? '' : 'more than '}${plural(posted.length, 'incident')}`;
  const verdicts =
    judged === 0
      ? 'none of them is judged yet'
      : `${fraud === 0 ? 'none' : fraud} of the ${judged} judged ${fraud === 1 ? 'was' : 'were'} fraud`;
  return `In the last ${LOOKED_BACK_DAYS} days it would have hidden ${count}, this one included; ${verdicts}.`;
}
