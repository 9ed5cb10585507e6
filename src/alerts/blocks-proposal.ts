// A proposal as Slack shows it: what would change, what that would have done, what became of it; with its buttons. Pure.
import type { ActionsBlock, KnownBlock } from '@slack/types';
import { isSamePerson } from '../model/approval.ts';
import type { Actor } from '../model/incident.ts';
import { isOpenProposal } from '../model/proposal.ts';
import { plural } from '../model/words.ts';
import { cutEscaped, safe } from './blocks-inert.ts';
import { contextBlock, header, plainOf, section } from './blocks-list.ts';
import { BLOCK_STYLE, type Style, TEXT_STYLE } from './blocks-state.ts';
import type { ShownProposal } from './bolt-tune-protocol.ts';

/** Held stable: buttons in old messages must be answered. */
export const PROPOSAL_ACTIONS = { apply: 'apply-proposal', discard: 'discard-proposal' } as const;

const MAX_CHANGES = 12;
const MAX_WORDS = 1_500;
const MAX_WHY = 500;

/** Only what this program wrote into a button; anything else is null. */
export const proposalOf = (value: string | undefined): string | null =>
  value !== undefined && /^[0-9a-f]{16}$/.test(value) ? value : null;

export type ProposalCard = { readonly text: string; readonly blocks: readonly KnownBlock[] };

/** For the channel: who asks, old → new, what it would have done, and who decided. `consoleUrl`: without a slash at its end. */
export function proposalCard(proposal: ShownProposal, consoleUrl: string): ProposalCard {
  const { detector, by } = proposal;
  const name = safe(detector, 64);
  const title = `Proposed for ${name}`;
  const lines = [...changeLines(proposal), ...wordsLines(proposal)];
  const link = /^[\w.-]{1,100}$/.test(detector) ? [`<${consoleUrl}/detectors/${detector}|${name} in the console>`] : [];
  const buttons = isOpenProposal(proposal) ? [proposalButtons(proposal, ['apply', 'discard'])] : [];
  return {
    text: plainOf([title, `By ${who(by, TEXT_STYLE)}.`, ...lines, standing(proposal, TEXT_STYLE)]),
    blocks: [
      header(title),
      contextBlock(`By ${who(by, BLOCK_STYLE)}.`),
      section(lines.join('\n')),
      contextBlock([standing(proposal, BLOCK_STYLE), ...link].join(' ')),
      ...buttons,
    ],
  };
}

/** For the form of whoever made it: the same, and how far the reading is. `notice`: what a click came to. */
export function proposalBlocks(proposal: ShownProposal, viewer: Actor, notice = ''): readonly KnownBlock[] {
  const { state, progress, secondPerson, detector } = proposal;
  const lines = [`*${safe(detector, 64)}*`, ...changeLines(proposal)];
  const isOpen = isOpenProposal(proposal);
  const isAlone = secondPerson !== undefined && isSamePerson(proposal.by, viewer);
  const told =
    state === 'reading'
      ? [`What it would have done is being read: ${Math.floor(progress * 100)} % of the last 30 days.`]
      : wordsLines(proposal);
  return [
    ...(notice === '' ? [] : [section(`:warning: ${safe(notice, 1_000)}`)]),
    section([...lines, ...told].join('\n')),
    contextBlock(isAlone && state === 'proposed' ? ownStanding(secondPerson) : standing(proposal, BLOCK_STYLE)),
    ...(isOpen
      ? [proposalButtons(proposal, state === 'proposed' && !isAlone ? ['apply', 'discard'] : ['discard'])]
      : []),
  ];
}

const ownStanding = (secondPerson: string): string =>
  `${safe(secondPerson, 500)} Somebody else must apply it: it is told in the channel in a moment. If you were only trying, discard it.`;

const changeLines = ({ changes }: ShownProposal): readonly string[] => [
  ...changes.slice(0, MAX_CHANGES).map((change) => `• ${safe(change, 300)}`),
  ...(changes.length > MAX_CHANGES ? [`• and ${plural(changes.length - MAX_CHANGES, 'other field')}`] : []),
];

function wordsLines({ words, why }: ShownProposal): readonly string[] {
  return [
    ...(words === '' ? [] : [cutEscaped(`What it would have done: ${safe(words, MAX_WORDS)}`, MAX_WORDS)]),
    ...(why === '' ? [] : [`Why: ${safe(why, MAX_WHY)}`]),
  ];
}

function standing({ state, decidedBy, problem, secondPerson, by }: ShownProposal, style: Style): string {
  const decider = decidedBy === null ? '' : ` by ${who(decidedBy, style)}`;
  if (state === 'applied') return `Applied${decider}: in force ten seconds later.`;
  if (state === 'discarded') return `Discarded${decider}. Nothing was changed.`;
  if (state === 'refused') return `No longer possible: ${safe(problem, 500)}`;
  if (state === 'reading') return 'Nothing is changed before somebody applies it.';
  if (secondPerson === undefined) return 'Nothing is changed before somebody applies it.';
  return `${safe(secondPerson, 500)} Somebody else than ${who(by, style)} must apply it.`;
}

/** Google names nobody, and without tokens the console does not either. */
function who(actor: Actor, style: Style): string {
  if (actor.kind === 'console' && actor.id === 'local') return 'somebody at the console';
  if (actor.kind === 'cli' && actor.id === 'local') return 'somebody at the command line';
  return actor.kind === 'sheet' ? 'somebody in the sheet' : style.who(actor);
}

type Decision = keyof typeof PROPOSAL_ACTIONS;

function proposalButtons({ id, detector }: ShownProposal, decisions: readonly Decision[]): ActionsBlock {
  const label = { apply: 'Apply', discard: 'Discard' } as const;
  return {
    type: 'actions',
    block_id: `proposal-${id}-${decisions.join('-')}`,
    elements: decisions.map((decision) => ({
      type: 'button',
      action_id: PROPOSAL_ACTIONS[decision],
      value: id,
      text: { type: 'plain_text', text: label[decision], emoji: false },
      accessibility_label: cutEscaped(`${label[decision]} the change of ${safe(detector, 64)}`, 75),
      ...(decision === 'apply' ? { style: 'primary' as const } : {}),
    })),
  };
}
