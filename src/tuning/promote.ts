// Shadow detectors that have run for a week: what they would have done, and whether others had spoken of the same already. Pure.
import type { IncidentFeed } from '../feed/feed.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import type { Incident } from '../model/incident.ts';
import type { Promotion } from '../model/suggestions.ts';
import { formatCount, plural } from '../model/words.ts';
import { entityIdOf } from './fraud-signals.ts';
import { wilson } from './grades.ts';

const DAY_MS = 86_400_000;
const SHADOW_DAYS = 7;

type Feed = Pick<IncidentFeed, 'settings' | 'settingsHistory' | 'all'>;

/** Those that are due, by name. */
export function promotionsOf(feed: Feed, nowMs: number): readonly Promotion[] {
  return feed.settings().flatMap(({ rule }) => {
    const since = shadowSince(feed.settingsHistory(rule.detector));
    if (since === null || nowMs - since < SHADOW_DAYS * DAY_MS) return [];
    return [promotionOf(feed, { detector: rule.detector, version: rule.version, since, nowMs })];
  });
}

/** Milliseconds; null: it is not in the shadow now. A change of something else goes on in the shadow. */
function shadowSince(history: readonly AcceptedSettings[]): number | null {
  const lastOther = history.findLastIndex(({ rule }) => rule.settings?.mode !== 'shadow');
  return history[lastOther + 1]?.at ?? null;
}

type Shadow = Pick<Promotion, 'detector' | 'version' | 'since'> & { readonly nowMs: number };

function promotionOf({ all }: Feed, { detector, version, since, nowMs }: Shadow): Promotion {
  const incidents = [...all()].filter(
    ({ kind, status, openedAt }) =>
      kind === 'episode' && status !== 'merged' && status !== 'withdrawn' && openedAt >= since,
  );
  const own = incidents.filter((incident) => incident.detector === detector && incident.mode === 'shadow');
  const others = incidents.filter((incident) => incident.detector !== detector && incident.mode === 'alert');
  const byEntity = Map.groupBy(others, keyOf);
  const told = new Set(others.flatMap(({ evidence }) => evidence.newest.map(({ id }) => id)));
  const overlapping = own.filter(
    (incident) =>
      incident.evidence.newest.some(({ id }) => told.has(id)) ||
      byEntity.get(keyOf(incident))?.some((other) => overlap(incident, other)),
  ).length;
  const judged = own.filter(({ resolved }) => resolved !== null && resolved.verdict !== 'unsure');
  const fraud = judged.filter(({ resolved }) => resolved?.verdict === 'fraud').length;
  const days = (nowMs - since) / DAY_MS;
  const counted = {
    incidents: own.length,
    perWeek: (own.length / days) * 7,
    overlapping,
    judged: judged.length,
    fraud,
  };
  const precision = wilson(fraud, judged.length);
  const words = wordsOf({ ...counted, precision }, days);
  return { detector, version, since, ...counted, precision, words, change: { mode: 'alert' } };
}

const keyOf = ({ account, livemode, entity }: Incident): string => entityIdOf({ scope: { account, livemode }, entity });

const overlap = (a: Incident, b: Incident): boolean =>
  a.firstAttemptAt <= b.lastAttemptAt && b.firstAttemptAt <= a.lastAttemptAt;

type Counted = Pick<Promotion, 'incidents' | 'perWeek' | 'overlapping' | 'judged' | 'fraud' | 'precision'>;

function wordsOf({ incidents, perWeek, overlapping, judged, fraud, precision }: Counted, days: number): string {
  const percent = (value: number): string => `${Math.round(value * 100)} %`;
  const rate = formatCount(Math.round(perWeek * 10) / 10);
  return [
    `would have fired ${plural(incidents, 'time')} (${rate} a week) in ${plural(Math.floor(days), 'day')}`,
    ...(incidents === 0 ? [] : [`${formatCount(overlapping)} of them beside another alert`]),
    precision === null
      ? 'none of them judged yet'
      : `${formatCount(fraud)} of ${formatCount(judged)} judged were fraud (${percent(precision.low)} to ${percent(precision.high)})`,
  ].join(', ');
}
