// What can be asked with the slash command, and its answers, for the asker alone.
import type { KnownBlock } from '@slack/types';
import type { EntityKind } from '../model/detector.ts';
import type { Entity } from '../model/entity.ts';
import { AppError } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';
import type { WhyQuestion } from '../model/why.ts';
import { plural } from '../model/words.ts';
import { handoverCard } from './blocks-handover.ts';
import { safe } from './blocks-inert.ts';
import { incidentLine, isForPeople, isUnresolved, muteLine, plainOf, sections } from './blocks-list.ts';
import { DURATIONS } from './blocks-modal.ts';
import { whyLines } from './blocks-why.ts';
import type { SlashAnswer } from './bolt-protocol.ts';
import type { DeskSources } from './desk-sources.ts';

export type Asker = { readonly id: string; readonly name: string };

export type SlashContext = {
  readonly sources: DeskSources;
  readonly asker: Asker;
  /** Milliseconds: when duty was handed over last. */
  readonly handedOverAt: number;
};

const HELP = [
  '`status`: what is open, how things stand',
  '`why card:… | customer:cus_… | email:… | ip:… | ch_… | INC-12`: which detectors alerted about it, and why',
  '`whynot …`: the same for those that did not',
  '`mute INC-12 [30m|2h|24h|7d]`: silence for its detector and entity; a form says first what that would have hidden',
  '`mutes`: those in force; `unmute INC-12`: lifts one',
  '`handover`: what the next on duty must know',
  '`help`: this',
];
const MAX_LISTED = 15;

/** Never rejects: what cannot be told is told so. */
export async function answerSlash(typed: string, context: SlashContext): Promise<SlashAnswer> {
  const [word = '', ...rest] = typed.trim().split(/\s+/);
  try {
    switch (word.toLowerCase()) {
      case '':
      case 'help':
        return lines(['What can be asked, answered to you alone:', ...HELP]);
      case 'status':
        return await status(context.sources);
      case 'why':
      case 'whynot':
        return await why(word.toLowerCase() === 'why' ? 'why' : 'whynot', rest.join(' '), context.sources);
      case 'mute':
        return mute(rest, context.sources);
      case 'mutes':
        return mutes(context.sources);
      case 'unmute':
        return await unmute(rest[0] ?? '', context);
      case 'handover':
        return { kind: 'text', ...handoverCard(context.sources, context.handedOverAt) };
      default:
        return lines([`“${safe(word, 40)}” cannot be asked. These can:`, ...HELP]);
    }
  } catch (error) {
    const [message, help] = error instanceof AppError ? [error.message, error.help] : ['It cannot be said now.', ''];
    return lines([safe(`${message} ${help}`.trim(), 500)]);
  }
}

function lines(all: readonly string[]): SlashAnswer {
  const blocks: readonly KnownBlock[] = sections(all);
  return { kind: 'text', text: plainOf(all), blocks };
}

async function status({ feed, consoleUrl, clock, coverage, health, waiting }: DeskSources): Promise<SlashAnswer> {
  const now = clock.now();
  const unresolved = [...feed.all()].filter((incident) => isForPeople(incident) && isUnresolved(incident));
  const open = unresolved.filter((incident) => incident.status === 'open');
  const parts = (await health?.()) ?? [];
  const ill = parts.filter(({ state }) => state !== 'fine');
  const { pending, failedCount } = waiting();
  return lines([
    `*${plural(open.length, 'open incident')}*, ${unresolved.length - open.length} acknowledged, ${plural(feed.mutes(now).length, 'mute')}.`,
    ...open.slice(0, MAX_LISTED).map((incident) => incidentLine(incident, { consoleUrl, now })),
    ...(open.length > MAX_LISTED ? [`… and ${open.length - MAX_LISTED} more in the console.`] : []),
    `${plural(pending, 'alert')} to be told${failedCount === 0 ? '' : `, ${failedCount} refused by Slack`}.`,
    ...(ill.length === 0
      ? ['Every part is fine.']
      : ill.map((part) => `*${part.name}* is ${part.state}: ${safe(part.message, 200)}`)),
    ...[coverage?.() ?? ''].filter((sentence) => sentence !== '').map((sentence) => safe(sentence, 300)),
  ]);
}

async function why(which: 'why' | 'whynot', about: string, { feed, ...sources }: DeskSources): Promise<SlashAnswer> {
  if (sources.why === undefined) return lines(['It cannot be asked here: this process does not read the log.']);
  const asked = questionOf(about, feed);
  if (asked === null)
    return lines([`Ask \`${which} card:…\`, \`customer:cus_…\`, \`email:…\`, \`ip:…\`, \`ch_…\` or \`INC-12\`.`]);
  const settings = feed.settings().flatMap(({ rule }) => rule.settings ?? []);
  return lines(whyLines(await sources.why(asked), { which, settings }));
}

/** Null for what is neither an entity, an attempt nor an incident that is known. */
function questionOf(about: string, feed: DeskSources['feed']): WhyQuestion | null {
  const text = unlinked(about).slice(0, 300);
  if (/^INC-\d{1,12}$/i.test(text)) {
    const incident = feed.get(text.toUpperCase());
    return incident === null ? null : { entity: incident.entity };
  }
  const entity = entityIn(text);
  if (entity !== null) return { entity };
  return /^(ch|py|pi|setatt|seti|evt)_\S+$/.test(text) ? { attempt: text } : null;
}

function entityIn(text: string): Entity | null {
  if (/^cus_\w+$/.test(text)) return { kind: 'customer', value: text };
  const [, kind, value] = /^(card|customer|email|ip|account|metadata\.[^:]{1,40}):(.+)$/s.exec(text) ?? [];
  if (kind === undefined || value === undefined) return null;
  return { kind: kind as EntityKind, value: kind === 'email' ? value.trim().toLowerCase() : value.trim() };
}

/** Slack makes links of addresses that were typed: `<mailto:a@b.c|a@b.c>`. */
const unlinked = (text: string): string => text.trim().replace(/<(?:mailto:|https?:\/\/)?[^|>]*\|([^>]*)>/g, '$1');

function mute(rest: readonly string[], sources: DeskSources): SlashAnswer {
  const [about = '', duration = null] = rest;
  if (about === '' || about === 'list') return mutes(sources);
  if (duration !== null && !DURATIONS.some(({ value }) => value === duration))
    return lines([`For how long? One of ${DURATIONS.map(({ value }) => `\`${value}\``).join(', ')}.`]);
  const found = incidentsAbout(unlinked(about), sources);
  const [only] = found;
  if (only === undefined) return lines([`There is no incident ${safe(about, 100)} to mute.`]);
  if (found.length > 1)
    return lines([
      'Several detectors alert about it. Which one?',
      ...found.map((one) => `\`mute ${one.id}\`: ${safe(one.title, 100)}`),
    ]);
  return { kind: 'mute', incident: only.id, duration };
}

/** The incident of that id, or of an entity the newest of each detector. */
function incidentsAbout(about: string, { feed }: DeskSources): readonly Incident[] {
  if (/^INC-\d{1,12}$/i.test(about)) {
    const incident = feed.get(about.toUpperCase());
    return incident === null || incident.kind !== 'episode' ? [] : [incident];
  }
  const entity = entityIn(about);
  if (entity === null) return [];
  const newest = new Map<string, Incident>();
  for (const incident of feed.list({ entity, limit: 200 }).incidents)
    if (incident.kind === 'episode' && !newest.has(incident.detector)) newest.set(incident.detector, incident);
  return [...newest.values()].slice(0, MAX_LISTED);
}

function mutes({ feed, clock }: DeskSources): SlashAnswer {
  const now = clock.now();
  const all = [...feed.mutes(now)].sort((a, b) => a.until - b.until);
  if (all.length === 0) return lines(['Nothing is muted.']);
  return lines([
    `*${plural(all.length, 'mute')}*, the next to end first:`,
    ...all.slice(0, 50).map((one) => muteLine(one, now)),
  ]);
}

async function unmute(about: string, { sources, asker }: SlashContext): Promise<SlashAnswer> {
  const [incident] = incidentsAbout(about, sources);
  if (incident === undefined) return lines([`There is no incident ${safe(about, 100)} to unmute.`]);
  const actor = { kind: 'slack', id: asker.id, name: asker.name } as const;
  const done = await sources.act({ actor, body: { type: 'mute', incident: incident.id, until: null } });
  if (done.outcome === 'refused') return lines([safe(done.refusal.message, 300)]);
  return lines([`The mute of ${incident.id} is lifted: its posts speak again.`]);
}
