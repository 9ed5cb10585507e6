// A change of settings as a message: who, old and new, why, from when, what it would have done, and a button that takes it
// back. Pure.
import type { ActionsBlock, KnownBlock } from '@slack/types';
import type { AcceptedSettings } from '../model/commands.ts';
import type { DetectorSettings, GeneralSettings } from '../model/detector.ts';
import type { Actor } from '../model/incident.ts';
import { changeInWords } from '../model/settings-words.ts';
import { actorName, formatDuration, plural } from '../model/words.ts';
import { detectorLink, isPlainName, versionValue } from './blocks-detector.ts';
import { cutEscaped, safe } from './blocks-inert.ts';
import { contextBlock, header, plainOf, section } from './blocks-list.ts';
import { BLOCK_STYLE } from './blocks-state.ts';
import type { Card } from './notice.ts';
import type { SettingsChanged, SettingsGroup } from './settings-groups.ts';

/** Three blocks each, of Slack's 50. */
const MOST_SHOWN = 12;
const MOST_FIELDS = 12;
const MAX_FIELD = 300;
const MAX_WHY = 500;
const MAX_WOULD = 400;
/** The file gives no reason of its own. */
const FILE_REASON = 'detectors.yaml';

export type SettingsCardParts = {
  /** What the change would have done, a line, by the offset of its command; absent: nothing is to be said. */
  readonly would: ReadonlyMap<number, string>;
  /** It is in force still, and there is something to go back to. */
  readonly isRevertible: (change: SettingsChanged) => boolean;
  readonly consoleUrl: string;
};

/** Before the words for what a change would have done. */
export const WOULD = 'What it would have done: ';

/** Held stable: buttons in old messages must go on working. */
export const REVERT_SETTINGS = 'revert-settings';

export function settingsCard({ changes }: SettingsGroup, parts: SettingsCardParts): Card {
  const [first] = changes;
  if (first === undefined) return { text: 'Settings changed', blocks: [header('Settings changed')] };
  const { actor, at } = first.accepted;
  const names = [...new Set(changes.map(({ accepted }) => accepted.rule.detector))];
  const title =
    names.length === 1
      ? `Settings of ${safe(names[0] ?? '', 64)} changed`
      : `Settings of ${names.length} detectors changed`;
  const by = `By ${authorInWords(actor)}, ${BLOCK_STYLE.when(at)}.`;
  const told = changes.filter((change) => linesOf(change).length > 0 || isAddedOrRemoved(change));
  const shown = told.slice(0, MOST_SHOWN);
  const tails = [...generalLines(changes), ...restLines(told.length - shown.length, changes.length - told.length)];
  const whole = shown.map((change) => ({ change, lines: sectionLines(change, parts) }));
  return {
    text: plainOf([title, by, ...whole.flatMap(({ lines }) => lines), ...tails, `${parts.consoleUrl}/detectors`]),
    blocks: [
      header(title),
      contextBlock(by),
      ...whole.flatMap(({ change, lines }) => [
        section(lines.join('\n')),
        ...(isPlainName(change.accepted.rule.detector) && parts.isRevertible(change)
          ? [revertBlock(change.accepted)]
          : []),
      ]),
      ...(tails.length === 0 ? [] : [section(tails.join('\n'))]),
      contextBlock(`<${parts.consoleUrl}/detectors|The detectors in the console>`),
    ],
  };
}

/** `<@U1> in Slack`, `Ben on the command line`, `somebody in the sheet`, `detectors.yaml`. */
function authorInWords(actor: Actor): string {
  // Where persons are not told apart, the place is all that is known of them.
  const who = NOBODY.has(actor.id) ? 'somebody' : BLOCK_STYLE.who(actor) || safe(actorName(actor), 80);
  return `${who}${PLACES[actor.kind]}`;
}

/** Without tokens whoever reaches the console is `local`; Google does not say who edits a sheet. */
const NOBODY: ReadonlySet<string> = new Set(['local', 'sheet']);

const PLACES: Readonly<Record<Actor['kind'], string>> = {
  slack: ' in Slack',
  sheet: ' in the sheet',
  cli: ' on the command line',
  console: ' in the console',
  api: ' over the API',
  file: '',
  engine: '',
};

const isAddedOrRemoved = ({ accepted, before }: SettingsChanged): boolean =>
  settingsOf(accepted) === null || settingsOf(before) === null;

const settingsOf = (accepted: AcceptedSettings | null): DetectorSettings | null => accepted?.rule.settings ?? null;

function sectionLines(change: SettingsChanged, { would, consoleUrl }: SettingsCardParts): readonly string[] {
  const { rule, proposedBy, position } = change.accepted;
  const was = settingsOf(change.before);
  const fields = linesOf(change);
  const state =
    rule.settings === null ? 'is removed' : was === null ? 'is new' : `version ${rule.version - 1} → ${rule.version}`;
  const more = fields.length - MOST_FIELDS;
  const outcome = would.get(position.offset) ?? '';
  const reason = reasonOf(change.accepted, outcome);
  return [
    `*${detectorLink(rule.detector, consoleUrl)}* ${state}`,
    ...fields.slice(0, MOST_FIELDS).map((field) => `• ${field}`),
    ...(more > 0 ? [`• and ${plural(more, 'other field')}`] : []),
    ...(outcome === '' ? [] : [safe(outcome, MAX_WOULD)]),
    ...(reason === '' ? [] : [`Why: ${safe(reason, MAX_WHY)}`]),
    ...(proposedBy === undefined ? [] : [`Proposed by ${authorInWords(proposedBy)}.`]),
    sinceLine(change.accepted),
  ];
}

/** The reason of what was proposed holds what it would have done: it stands there once. */
function reasonOf({ why }: AcceptedSettings, outcome: string): string {
  const words = outcome.startsWith(WOULD) ? outcome.slice(WOULD.length) : '';
  if (why === FILE_REASON || why === words) return '';
  return words === '' ? why : why.replace(words, 'as above');
}

function sinceLine({ rule, at }: AcceptedSettings): string {
  if (rule.settings === null) return `It counts nothing from ${BLOCK_STYLE.when(rule.sinceS * 1000)} on.`;
  if (rule.sinceS * 1000 < at) return `In force since ${BLOCK_STYLE.when(at)}.`;
  return `In force from ${BLOCK_STYLE.when(rule.sinceS * 1000)}; what was before keeps the rules of its time.`;
}

function linesOf({ accepted, before }: SettingsChanged): readonly string[] {
  const [was, is] = [settingsOf(before), settingsOf(accepted)];
  if (is === null) return [];
  const words = was === null ? newInWords(is) : changeInWords(was, is);
  const isHidden = words.length === 0 && JSON.stringify(was) !== JSON.stringify(is);
  return isHidden ? ['changed where it is too long to be shown here'] : words.map((line) => safe(line, MAX_FIELD));
}

/** Of a new detector what people look for first; the rest is in the console. */
function newInWords(settings: DetectorSettings): readonly string[] {
  const nothing: DetectorSettings = { ...settings, thresholds: {} };
  return [...changeInWords(nothing, settings), `window ${formatDuration(settings.windowS)}`, `mode ${settings.mode}`];
}

/** What concerns all detectors alike, said once. */
function generalLines(changes: readonly SettingsChanged[]): readonly string[] {
  const lines = changes.flatMap(({ accepted, before }) => {
    if (before === null) return [];
    const [was, is] = [generalInWords(before.general), generalInWords(accepted.general)];
    return is.flatMap(([name, to], index) => {
      const from = was[index]?.[1] ?? '';
      return from === to ? [] : [`For all detectors: ${name} ${safe(from, 200)} → ${safe(to, 200)}`];
    });
  });
  return [...new Set(lines)].slice(0, 6);
}

function generalInWords({ latenessMs, metadata }: GeneralSettings): readonly (readonly [string, string])[] {
  return [
    ['lateness', formatDuration(latenessMs / 1000)],
    ['metadata.ip', metadata.ip ?? 'none'],
    ['metadata.keys', metadata.keys.join(', ') || 'none'],
  ];
}

function restLines(more: number, unchanged: number): readonly string[] {
  return [
    ...(more > 0 ? [`… and ${plural(more, 'other change')}, in the console.`] : []),
    ...(unchanged > 0 ? [`${plural(unchanged, 'detector')} otherwise as before.`] : []),
  ];
}

function revertBlock({ rule, position }: AcceptedSettings): KnownBlock {
  const block: ActionsBlock = {
    type: 'actions',
    block_id: `settings-${position.offset}`,
    elements: [
      {
        type: 'button',
        action_id: REVERT_SETTINGS,
        value: versionValue(rule),
        text: { type: 'plain_text', text: 'Revert', emoji: false },
        accessibility_label: cutEscaped(`Revert ${safe(rule.detector, 40)}`, 75),
        confirm: {
          title: { type: 'plain_text', text: 'Revert?' },
          text: { type: 'plain_text', text: `Back to version ${rule.version - 1}, as a new version.` },
          confirm: { type: 'plain_text', text: 'Revert' },
          deny: { type: 'plain_text', text: 'Cancel' },
        },
      },
    ],
  };
  return block;
}
