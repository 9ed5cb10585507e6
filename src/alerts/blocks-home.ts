// The App Home: what waits for this person, and how things stand. Its buttons are those of the alerts. Pure.
import type { KnownBlock } from '@slack/types';
import type { Incident } from '../model/incident.ts';
import { plural } from '../model/words.ts';
import { actionsBlock, button } from './blocks-actions.ts';
import { safe } from './blocks-inert.ts';
import {
  contextBlock,
  header,
  incidentLine,
  isForPeople,
  isGrowing,
  isUnresolved,
  muteLine,
  section,
} from './blocks-list.ts';
import type { DeskSources } from './desk-sources.ts';

/** Two blocks each, of Slack's 100. */
const MAX_OPEN = 15;
const MAX_MINE = 10;
const MAX_GROWING = 10;
const MAX_MUTES = 8;
const WEEK_MS = 7 * 86_400_000;

export function homeBlocks(sources: DeskSources, userId: string): readonly KnownBlock[] {
  const { feed, consoleUrl, clock } = sources;
  const now = clock.now();
  const unresolved = [...feed.all()].filter((incident) => isForPeople(incident) && isUnresolved(incident));
  const open = unresolved.filter(({ status }) => status === 'open').sort(worstFirst);
  const mine = unresolved.filter(
    ({ acknowledged, status }) => status === 'acknowledged' && acknowledged?.by.id === userId,
  );
  const growing = unresolved.filter((incident) => isGrowing(incident, now) && !mine.includes(incident));
  const acknowledged = growing.filter(({ status }) => status === 'acknowledged');
  const mutes = [...feed.mutes(now)].sort((a, b) => a.until - b.until);
  const withButtons = (incident: Incident): readonly KnownBlock[] => {
    const actions = actionsBlock(incident);
    return [section(incidentLine(incident, { consoleUrl, now })), ...(actions === null ? [] : [actions])];
  };
  return [
    header('declinewatch'),
    contextBlock(`<${consoleUrl}|The console> has every incident; \`/declinewatch help\` says what can be asked.`),
    ...part(`Open (${open.length})`, open, MAX_OPEN, withButtons, 'Nothing waits for anybody.'),
    ...part(`Acknowledged by you (${mine.length})`, mine, MAX_MINE, withButtons, 'Nothing.'),
    ...part(
      'Growing, acknowledged by others',
      acknowledged,
      MAX_GROWING,
      (incident) => [section(incidentLine(incident, { consoleUrl, now }))],
      'Nothing.',
    ),
    ...part(
      `Mutes (${mutes.length}), the next to end first`,
      mutes,
      MAX_MUTES,
      (mute) => [
        section(muteLine(mute, now)),
        {
          type: 'actions',
          block_id: `mute-${mute.incident}-${mute.until}`,
          elements: [button({ action: 'unmute', label: 'Lift' }, mute.incident)],
        },
      ],
      'None.',
    ),
    { type: 'divider' },
    contextBlock(`${noisiest(sources, now)} ${safe(sources.coverage?.() ?? '', 300)}`.trim()),
  ];
}

function part<T>(
  title: string,
  all: readonly T[],
  most: number,
  blocksOf: (one: T) => readonly KnownBlock[],
  none: string,
): readonly KnownBlock[] {
  const more = all.length > most ? [contextBlock(`… and ${all.length - most} more in the console.`)] : [];
  return [header(title), ...(all.length === 0 ? [contextBlock(none)] : all.slice(0, most).flatMap(blocksOf)), ...more];
}

const RANK = { critical: 0, warning: 1, notice: 2 } as const;
const worstFirst = (a: Incident, b: Incident): number =>
  RANK[a.severity] - RANK[b.severity] || b.lastBreachAt - a.lastBreachAt;

/** The detector with most posts in a week, and what they were worth. */
function noisiest({ feed }: Pick<DeskSources, 'feed'>, now: number): string {
  const counts = new Map<string, { posts: number; fraud: number; judged: number }>();
  for (const incident of feed.all()) {
    const { detector, openedAt, resolved, status, kind } = incident;
    if (openedAt < now - WEEK_MS || kind === 'operator' || !isForPeople(incident)) continue;
    const count = counts.get(detector) ?? { posts: 0, fraud: 0, judged: 0 };
    const isJudged = status === 'resolved' && resolved !== null;
    counts.set(detector, {
      posts: count.posts + 1,
      judged: count.judged + (isJudged ? 1 : 0),
      fraud: count.fraud + (isJudged && resolved.verdict === 'fraud' ? 1 : 0),
    });
  }
  const [most] = [...counts].sort(([a, x], [b, y]) => y.posts - x.posts || (a < b ? -1 : 1));
  if (most === undefined) return 'No detector has alerted in the last 7 days.';
  const [detector, { posts, fraud, judged }] = most;
  return `Noisiest detector of the last 7 days: ${safe(detector, 64)}, ${plural(posts, 'alert')}, ${fraud} of ${judged} judged fraud.`;
}
