// Incidents and mutes as short lines, for the App Home, the handover card and the slash command. Pure.
import type { KnownBlock } from '@slack/types';
import type { Mute } from '../feed/feed.ts';
import type { Incident } from '../model/incident.ts';
import { formatDuration } from '../model/words.ts';
import { headline } from './blocks-headline.ts';
import { cutEscaped, escapeSlack, safe } from './blocks-inert.ts';
import { BLOCK_STYLE } from './blocks-state.ts';

const SECTION_MAX = 2_900;
const GROWING_FOR_MS = 600_000;

export const isUnresolved = ({ status }: Incident): boolean => status === 'open' || status === 'acknowledged';

/** Told in Slack: not of a detector in shadow, not a storm's child. */
export const isForPeople = ({ mode, storm, late }: Incident): boolean => mode === 'alert' && storm === null && !late;

/** It still gets attempts. */
export const isGrowing = (incident: Incident, now: number): boolean =>
  isUnresolved(incident) && !incident.over && now - incident.lastBreachAt < GROWING_FOR_MS;

/** `INC-12 · CRITICAL · 14 declines on visa •••• 4242 in 10 min (alerts at 3) · open for 12 min`, with a link. */
export function incidentLine(incident: Incident, { consoleUrl, now }: { consoleUrl: string; now: number }): string {
  const { id, acknowledged, openedAt, status } = incident;
  const age = formatDuration((now - openedAt) / 1000);
  const state =
    status === 'acknowledged' && acknowledged !== null
      ? `acknowledged by ${BLOCK_STYLE.who(acknowledged.by)}`
      : `open for ${age}`;
  const growing = isGrowing(incident, now) ? ' · *growing*' : '';
  return `<${consoleUrl}/incidents/${id}|${id}> · ${escapeSlack(headline(incident))} · ${state}${growing}`;
}

export function muteLine({ detector, entity, until, incident }: Mute, now: number): string {
  const left = formatDuration((until - now) / 1000);
  return `${safe(detector, 64)} on ${safe(entity.label || entity.value, 60)} · ends in ${left}, at ${BLOCK_STYLE.when(until)} · lift it: \`unmute ${incident}\``;
}

export function section(text: string): KnownBlock {
  return { type: 'section', text: { type: 'mrkdwn', text: cutEscaped(text, SECTION_MAX), verbatim: true } };
}

export function header(text: string): KnownBlock {
  return { type: 'header', text: { type: 'plain_text', text: text.slice(0, 150), emoji: false } };
}

export function contextBlock(text: string): KnownBlock {
  return { type: 'context', elements: [{ type: 'mrkdwn', text: cutEscaped(text, SECTION_MAX), verbatim: true }] };
}

/** Each line whole, in as few sections as they need, at most `most` of them. */
export function sections(lines: readonly string[], most = 10): readonly KnownBlock[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length + 1 <= SECTION_MAX)
      texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts.slice(0, most).map(section);
}

/** What the blocks say, for notifications and screen readers: links by their words, times in UTC. */
export function plainOf(lines: readonly string[]): string {
  const text = lines
    .join('\n')
    .replace(/<!date\^\d+\^[^|>]*\|([^>]*)>/g, '$1')
    .replace(/<https?:[^|>]*\|([^>]*)>/g, '$1')
    .replace(/\*([^*\n]+)\*/g, '$1');
  return cutEscaped(text, 3_900);
}
