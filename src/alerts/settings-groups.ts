// Which changes of settings are to be announced, and which of them together: a reload of the file is one message. Pure.
import type { IncidentFeed } from '../feed/feed.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import type { NoticesTold } from './notice.ts';

export type SettingsChanged = {
  readonly accepted: AcceptedSettings;
  /** What was in force before it; null: nothing ever was. */
  readonly before: AcceptedSettings | null;
};

export type SettingsGroup = {
  /** Names its first change: the same after a restart. */
  readonly subject: string;
  /** Its last change: told so far. */
  readonly version: number;
  /** In the order in which they were accepted. */
  readonly changes: readonly SettingsChanged[];
};

type Feed = Pick<IncidentFeed, 'detectorNames' | 'settingsHistory'>;

const PREFIX = 'settings:';
/** Elder ones are history: the handover card and the console have them. */
export const NEWS_FOR_MS = 86_400_000;
/** Of one author, no longer apart than this: they are told together. */
const TOGETHER_MS = 5_000;
const MOST_TOGETHER = 100;
/** So long after the very first settings a detector's first version is one of the first settings too. */
const FIRST_MS = 60_000;

/** Oldest first; those that were told already are left out, and those that may still grow. */
export function settingsGroups(feed: Feed, told: NoticesTold, now: number): readonly SettingsGroup[] {
  const receipts = [...told.all()].filter(({ subject }) => subject.startsWith(PREFIX));
  const all = changesSince(feed, now - NEWS_FOR_MS);
  const begun = receipts
    .filter(({ state }) => state === 'posting')
    .map(({ subject, version }) => ({
      subject,
      version,
      changes: all.filter(({ accepted: { position } }) => {
        return position.offset >= Number(subject.slice(PREFIX.length)) && position.offset <= version;
      }),
    }));
  const toldUpTo = Math.max(-1, ...receipts.map(({ version }) => version));
  const fresh = all.filter(({ accepted }) => accepted.position.offset > toldUpTo);
  const groups = together(fresh);
  const isOpen = now - (groups.at(-1)?.at(-1)?.accepted.at ?? 0) < TOGETHER_MS;
  return [...begun, ...(isOpen ? groups.slice(0, -1) : groups).map(groupOf)].filter(
    ({ changes }) => changes.length > 0,
  );
}

function groupOf(changes: readonly SettingsChanged[]): SettingsGroup {
  const offset = (change: SettingsChanged | undefined): number => change?.accepted.position.offset ?? 0;
  return { subject: `${PREFIX}${offset(changes[0])}`, version: offset(changes.at(-1)), changes };
}

/** What was in force from the very beginning is no change. */
function changesSince(feed: Feed, sinceMs: number): readonly SettingsChanged[] {
  const histories = feed.detectorNames().map((name) => feed.settingsHistory(name));
  const beganAt = Math.min(...histories.flatMap((history) => history[0]?.at ?? []));
  const isFirst = ({ rule, at }: AcceptedSettings): boolean => rule.version === 1 && at - beganAt <= FIRST_MS;
  return histories
    .flatMap((history) => history.map((accepted, index) => ({ accepted, before: history[index - 1] ?? null })))
    .filter(({ accepted }) => accepted.at >= sinceMs && !isFirst(accepted))
    .sort((a, b) => a.accepted.position.offset - b.accepted.position.offset);
}

function together(changes: readonly SettingsChanged[]): readonly (readonly SettingsChanged[])[] {
  const groups: SettingsChanged[][] = [];
  for (const change of changes) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group !== undefined && last !== undefined && group.length < MOST_TOGETHER && belong(last, change))
      group.push(change);
    else groups.push([change]);
  }
  return groups;
}

function belong({ accepted: a }: SettingsChanged, { accepted: b }: SettingsChanged): boolean {
  return a.actor.kind === b.actor.kind && a.actor.id === b.actor.id && b.at - a.at <= TOGETHER_MS;
}
