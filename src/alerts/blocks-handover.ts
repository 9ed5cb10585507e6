// The handover card: what whoever comes on duty must know. Pure.
import type { AcceptedSettings } from '../model/commands.ts';
import { ladder, type Thresholds } from '../model/detector.ts';
import { actorName, formatCount, formatDuration, plural } from '../model/words.ts';
import { safe } from './blocks-inert.ts';
import {
  contextBlock,
  header,
  incidentLine,
  isForPeople,
  isGrowing,
  isUnresolved,
  muteLine,
  plainOf,
  sections,
} from './blocks-list.ts';
import { BLOCK_STYLE } from './blocks-state.ts';
import type { DeskSources } from './desk-sources.ts';
import type { Card } from './notice.ts';

const MAX_LINES = 15;
const MUTES_WITHIN_MS = 24 * 3_600_000;

/** `sinceMs`: when duty was handed over last. */
export function handoverCard({ feed, consoleUrl, clock, coverage }: DeskSources, sinceMs: number): Card {
  const now = clock.now();
  const all = [...feed.all()].filter(isForPeople);
  const unresolved = all.filter(isUnresolved);
  const line = (incident: (typeof all)[number]): string => incidentLine(incident, { consoleUrl, now });
  const open = unresolved.filter(({ status }) => status === 'open');
  const acknowledged = unresolved.filter(({ status }) => status === 'acknowledged');
  const growing = acknowledged.filter((incident) => isGrowing(incident, now));
  const quiet = acknowledged.filter((incident) => !isGrowing(incident, now));
  const mutes = feed.mutes(now).filter(({ until }) => until - now <= MUTES_WITHIN_MS);
  const opened = all.filter(({ openedAt }) => openedAt >= sinceMs).length;
  const resolved = all.filter((one) => one.status === 'resolved' && (one.resolved?.at ?? 0) >= sinceMs);
  const fraud = resolved.filter((one) => one.resolved?.verdict === 'fraud').length;
  const parts: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ['Nobody has acknowledged', open.map(line)],
    ['Acknowledged and growing', growing.map(line)],
    ['Acknowledged, not resolved', quiet.map(line)],
    ['Mutes that end within a day', mutes.map((mute) => muteLine(mute, now))],
    ['Changes of detectors', changesSince(feed, sinceMs)],
  ];
  const sums = `Since ${BLOCK_STYLE.when(sinceMs)}, ${formatDuration((now - sinceMs) / 1000)} ago: ${plural(opened, 'incident')} opened, ${plural(resolved.length, 'incident')} resolved, ${fraud} of them fraud. ${safe(coverage?.() ?? '', 300)}`;
  const told = parts.filter(([, lines]) => lines.length > 0);
  const lines = told.flatMap(([title, each]) => [`*${title}* (${each.length})`, ...cutLines(each)]);
  const calm = 'Nothing waits: no open incident, no mute that ends, no change.';
  return {
    text: plainOf(['Handover', sums.trim(), ...(lines.length === 0 ? [calm] : lines)]),
    blocks: [
      header('Handover'),
      contextBlock(sums.trim()),
      ...(told.length === 0
        ? sections([calm])
        : told.flatMap(([title, each]) => sections([`*${title}* (${each.length})`, ...cutLines(each)], 4))),
    ],
  };
}

/** In its place once somebody whom it named has been erased. */
export function erasedHandover(consoleUrl: string): Card {
  const story = `Somebody whom this named was erased. \`/declinewatch handover\` says how things stand now, and <${consoleUrl}|the console> has every incident.`;
  return { text: plainOf(['Handover', story, consoleUrl]), blocks: [header('Handover'), ...sections([story])] };
}

function cutLines(lines: readonly string[]): readonly string[] {
  if (lines.length <= MAX_LINES) return lines;
  return [...lines.slice(0, MAX_LINES), `… and ${lines.length - MAX_LINES} more in the console.`];
}

function changesSince(feed: DeskSources['feed'], sinceMs: number): readonly string[] {
  return feed.detectorNames().flatMap((name) => {
    const history = feed.settingsHistory(name);
    return history.flatMap((accepted, index) =>
      accepted.at < sinceMs ? [] : [changeLine(accepted, history[index - 1] ?? null)],
    );
  });
}

function changeLine({ rule, actor, why, at }: AcceptedSettings, before: AcceptedSettings | null): string {
  const name = safe(rule.detector, 64);
  const who = `${BLOCK_STYLE.who(actor) || safe(actorName(actor), 80)}, ${BLOCK_STYLE.when(at)}${why === '' ? '' : `: ${safe(why, 200)}`}`;
  const was = before?.rule.settings ?? null;
  if (rule.settings === null) return `${name} is removed, by ${who}`;
  if (was === null) return `${name} is new, alerts at ${ladderInWords(rule.settings.thresholds)}, by ${who}`;
  const parts = [
    difference('thresholds', ladderInWords(was.thresholds), ladderInWords(rule.settings.thresholds)),
    difference('mode', was.mode, rule.settings.mode),
    difference('window', formatDuration(was.windowS), formatDuration(rule.settings.windowS)),
  ].filter((part) => part !== null);
  return `${name}: ${parts.length === 0 ? 'changed' : parts.join(', ')}, by ${who}`;
}

const difference = (what: string, was: string, is: string): string | null =>
  was === is ? null : `${what} ${was} → ${is}`;

const ladderInWords = (thresholds: Thresholds): string =>
  ladder(thresholds)
    .map(({ severity, value }) => `${severity} ${formatCount(value)}`)
    .join(' / ') || 'nothing';
