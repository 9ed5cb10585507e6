// An incident as a Slack message (pure): text that says it all (screen readers read only that), blocks, and metadata by
// which a message is found again after a crash.
import type { KnownBlock } from '@slack/types';
import type { Incident } from '../model/incident.ts';
import { formatDuration } from '../model/words.ts';
import { type Aside, NOTHING_ASIDE } from './aside.ts';
import { actionsBlock } from './blocks-actions.ts';
import {
  amountAtStake,
  attemptsInWords,
  codesInWords,
  customersOf,
  distinctInWords,
  links,
  shapeOverTime,
  throughInWords,
} from './blocks-evidence.ts';
import { pastInWords, whatFollows } from './blocks-follows.ts';
import { headline } from './blocks-headline.ts';
import { cutEscaped, escapeSlack, safe } from './blocks-inert.ts';
import { BLOCK_STYLE, remarks, resolutionNote, type Style, stateSentence, TEXT_STYLE } from './blocks-state.ts';
import { trendInWords } from './blocks-storm.ts';

export const METADATA_EVENT_TYPE = 'declinewatch_incident';

export type AlertMessage = {
  /** Complete without the blocks, escaped, at most 3,900 characters. */
  readonly text: string;
  readonly blocks: KnownBlock[];
  /** Ids only: every app of the workspace may read it. */
  readonly metadata: {
    readonly event_type: typeof METADATA_EVENT_TYPE;
    readonly event_payload: { readonly incident: string; readonly version: number };
  };
};

export type RenderOptions = {
  readonly aside?: Aside;
  /** The console's root without a slash at its end. */
  readonly consoleUrl: string;
};

const TEXT_MAX = 3_900;
const SECTION_MAX = 2_900;
const FIELD_MAX = 1_900;

export function renderAlert(incident: Incident, { consoleUrl, aside = NOTHING_ASIDE }: RenderOptions): AlertMessage {
  const actions = actionsBlock(incident);
  return {
    text: plainText(incident, consoleUrl, aside),
    blocks: [
      {
        type: 'header',
        text: { type: 'plain_text', text: cutEscaped(escapeSlack(headline(incident)), 150), emoji: false },
      },
      section(`*${safe(incident.title, 150)}* · ${incident.id}\n${stateSentence(incident, BLOCK_STYLE)}`),
      ...noteBlocks(incident),
      ...fieldsBlocks(incident, aside),
      ...evidenceBlocks(incident),
      ...contextBlocks([...remarks(incident, BLOCK_STYLE), ...explanations(incident, aside)]),
      section(
        links(incident, consoleUrl, aside)
          .map(({ url, label }) => `<${url}|${label}>`)
          .join(' · '),
      ),
      ...(actions === null ? [] : [actions]),
    ],
    metadata: { event_type: METADATA_EVENT_TYPE, event_payload: { incident: incident.id, version: incident.version } },
  };
}

/** The whole alert without blocks: for notifications, screen readers, and when Slack refuses the blocks. */
function plainText(incident: Incident, consoleUrl: string, aside: Aside): string {
  const lines = [
    escapeSlack(headline(incident)),
    `${safe(incident.title, 150)} (${incident.id}). ${stateSentence(incident, TEXT_STYLE)}`,
    resolutionNote(incident),
    ...facts(incident, TEXT_STYLE, aside).map(([name, value]) => `${name}: ${value}`),
    prefixed('Reasons', codesInWords(incident)),
    ...remarks(incident, TEXT_STYLE),
    ...explanations(incident, aside),
    ...links(incident, consoleUrl, aside)
      .slice(0, 2)
      .map(({ url }) => url),
  ];
  return cutEscaped(lines.filter((line) => line !== null && line !== '').join('\n'), TEXT_MAX);
}

const prefixed = (name: string, value: string | null): string | null => (value === null ? null : `${name}: ${value}`);

/** What the detector is for, what usually follows, how such alerts were judged. */
function explanations(incident: Incident, { past }: Aside): readonly string[] {
  const sentences = [safe(incident.why, 500), whatFollows(incident), pastInWords(past)];
  return sentences.filter((sentence) => sentence !== null);
}

/** Name and value, in the order of importance; what is unknown is left out. At most 10: Slack's limit. */
function facts(
  incident: Incident,
  { when }: Style,
  { through }: Aside,
): readonly (readonly [name: string, value: string])[] {
  if (incident.kind === 'operator') return [['Since', when(incident.firstBreachAt)]];
  const customers = customersOf(incident, through);
  const rows: readonly (readonly [string, string | null])[] = [
    [incident.kind === 'storm' ? 'Amount tested' : 'Amount at stake', amountAtStake(incident)],
    ['Got through', throughInWords(through)],
    ['Attempts', attemptsInWords(incident)],
    ['Now', trendInWords(incident)],
    ['First', when(incident.firstAttemptAt)],
    [
      'Last',
      `${when(incident.lastAttemptAt)} (after ${formatDuration((incident.lastAttemptAt - incident.firstAttemptAt) / 1000)})`,
    ],
    ['On', distinctInWords(incident)],
    ['Customer', customers.length === 0 ? null : customers.join(', ')],
    ['Account', incident.account === null ? null : safe(incident.account, 60)],
    ['Settings', `${safe(incident.detector, 64)}, version ${incident.settingsVersion}`],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
}

function fieldsBlocks(incident: Incident, aside: Aside): KnownBlock[] {
  const fields = facts(incident, BLOCK_STYLE, aside).map(([name, value]) => ({
    type: 'mrkdwn' as const,
    text: cutEscaped(`*${name}*\n${value}`, FIELD_MAX),
    verbatim: true,
  }));
  return [{ type: 'section', fields }];
}

function evidenceBlocks(incident: Incident): KnownBlock[] {
  const codes = codesInWords(incident);
  const shape = shapeOverTime(incident);
  const lines = [codes === null ? null : `*Reasons*  ${codes}`, shape === null ? null : `*Over time*  ${shape}`];
  const text = lines.filter((line) => line !== null).join('\n');
  return text === '' ? [] : [section(text)];
}

/** A person's own words are plain text: no formatting of theirs takes effect. */
function noteBlocks(incident: Incident): KnownBlock[] {
  const note = resolutionNote(incident);
  if (note === null) return [];
  return [{ type: 'section', text: { type: 'plain_text', text: cutEscaped(note, SECTION_MAX), emoji: false } }];
}

function section(text: string): KnownBlock {
  return { type: 'section', text: { type: 'mrkdwn', text: cutEscaped(text, SECTION_MAX), verbatim: true } };
}

function contextBlocks(sentences: readonly string[]): KnownBlock[] {
  const text = sentences.filter((sentence) => sentence !== '').join(' ');
  if (text === '') return [];
  return [{ type: 'context', elements: [{ type: 'mrkdwn', text: cutEscaped(text, SECTION_MAX), verbatim: true }] }];
}
