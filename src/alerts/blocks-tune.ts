// The form *Tune*: mode, a threshold for each severity, window, as in force; and what it shows once it is sent. Pure.
import type { KnownBlock, View } from '@slack/types';
import { MODES, SEVERITIES } from '../model/detector.ts';
import type { Actor } from '../model/incident.ts';
import { safe } from './blocks-inert.ts';
import { proposalBlocks } from './blocks-proposal.ts';
import {
  type ShownProposal,
  TUNE_FIELDS,
  type TuneField,
  type TuneForm,
  type TuneValues,
} from './bolt-tune-protocol.ts';
import { at } from './form-value.ts';

/** Held stable: a form may be open while the program is replaced. */
export const TUNE_FORM = 'tune';

const MAX_TYPED = 60;
const MAX_WHY = 500;

/** What the form carries from its opening to its sending. */
export type TuneContext = {
  readonly detector: string;
  readonly basedOn: number;
};

export function tuneView(form: TuneForm): View {
  const { detector, title, version, inForce, unit, values } = form;
  const context: TuneContext = { detector, basedOn: version };
  return {
    type: 'modal',
    callback_id: TUNE_FORM,
    private_metadata: JSON.stringify(context),
    title: plain('Tune a detector'),
    submit: plain('See what it does'),
    close: plain('Cancel'),
    blocks: [
      { type: 'section', text: plain(safe(`${detector}: ${title}`, 250)) },
      { type: 'context', elements: [plain(safe(`In force: ${inForce}`, 500))] },
      modeInput(values.mode),
      ...SEVERITIES.map((severity) => textInput(severity, { initial: values[severity], hint: unit, isOptional: true })),
      textInput('window', { initial: values.window, hint: 'Such as 90s, 10m, 2h, 1d; at most 7d.', isOptional: false }),
      textInput('why', { initial: '', hint: 'For the history, and for whoever applies it.', isOptional: true }),
    ],
  };
}

const LABELS: Readonly<Record<TuneField, string>> = {
  mode: 'Mode',
  notice: 'Notice from',
  warning: 'Warning from',
  critical: 'Critical from',
  window: 'Window',
  why: 'Why',
};

const MODE_WORDS: Readonly<Record<(typeof MODES)[number], string>> = {
  off: 'off: nothing is opened',
  shadow: 'shadow: sheet and console only',
  alert: 'alert',
};

function modeInput(initial: string): KnownBlock {
  const options = MODES.map((mode) => ({ value: mode, text: plain(MODE_WORDS[mode]) }));
  const now = options.find(({ value }) => value === initial);
  return {
    type: 'input',
    block_id: 'mode',
    label: plain(LABELS.mode),
    element: {
      type: 'radio_buttons',
      action_id: 'mode',
      options,
      ...(now === undefined ? {} : { initial_option: now }),
    },
  };
}

type TextInput = { readonly initial: string; readonly hint: string; readonly isOptional: boolean };

function textInput(field: TuneField, { initial, hint, isOptional }: TextInput): KnownBlock {
  return {
    type: 'input',
    block_id: field,
    optional: isOptional,
    label: plain(LABELS[field]),
    hint: plain(hint),
    element: {
      type: 'plain_text_input',
      action_id: field,
      max_length: field === 'why' ? MAX_WHY : MAX_TYPED,
      ...(initial === '' ? {} : { initial_value: initial }),
    },
  };
}

/** What was chosen and typed; what is missing is empty. */
export function readTune(values: unknown): TuneValues {
  const read = (field: TuneField): string => {
    const chosen = at(values, field, field, 'selected_option', 'value');
    const typed = chosen ?? at(values, field, field, 'value') ?? '';
    return typeof typed === 'string' ? typed.slice(0, MAX_WHY + 1) : '';
  };
  return Object.fromEntries(TUNE_FIELDS.map((field) => [field, read(field)])) as TuneValues;
}

/** Null for anything that this program did not write. */
export function readTuneContext(privateMetadata: string): TuneContext | null {
  try {
    const parsed: unknown = JSON.parse(privateMetadata);
    const [detector, basedOn] = [at(parsed, 'detector'), at(parsed, 'basedOn')];
    if (typeof detector !== 'string' || typeof basedOn !== 'number' || !Number.isSafeInteger(basedOn)) return null;
    return { detector, basedOn };
  } catch {
    return null;
  }
}

/** The form once it is sent; nothing can be sent from it any more. */
export function shownView(proposal: ShownProposal, viewer: Actor, notice = ''): View {
  return {
    type: 'modal',
    callback_id: 'tuned',
    title: plain('Tune a detector'),
    close: plain('Close'),
    blocks: [...proposalBlocks(proposal, viewer, notice)],
  };
}

/** One sentence in place of the form. */
export function noticeView(text: string): View {
  return {
    type: 'modal',
    callback_id: 'tuned',
    title: plain('Tune a detector'),
    close: plain('Close'),
    blocks: [{ type: 'section', text: plain(safe(text, 1_000)) }],
  };
}

const plain = (text: string) => ({ type: 'plain_text' as const, text, emoji: false });
