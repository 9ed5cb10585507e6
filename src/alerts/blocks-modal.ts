// The forms: *Resolve* asks the verdict there and then, for it grades the detectors; *Mute* says what it hides; *Assign* and
// *Note*. Pure.
import type { KnownBlock, View } from '@slack/types';
import { NOTE_MAX_CHARACTERS, VERDICTS, type Verdict } from '../model/incident.ts';
import { VERDICT_WORDS } from '../model/words.ts';
import { at } from './form-value.ts';

export const VERDICT_BLOCK = 'verdict';
export const NOTE_BLOCK = 'note';
export const DURATION_BLOCK = 'duration';
export const OWNER_BLOCK = 'owner';

/** Their callback ids, held stable: a form may be open while the program is replaced. */
export const FORM_KINDS = ['resolve', 'mute', 'assign', 'note'] as const;
export type FormKind = (typeof FORM_KINDS)[number];

/** What the modal carries from the button to the submission. */
export type FormContext = {
  readonly incident: string;
  /** Where the clicker can be answered alone, for half an hour; '' if there is none. */
  readonly responseUrl: string;
};

export type FormFacts = {
  /** What a mute would have hidden lately, a plain sentence; null if that is not known. */
  readonly hidden?: string | null;
  /** A duration that was asked for already: `2h`. */
  readonly duration?: string | null;
};

const TITLES: Readonly<Record<FormKind, readonly [verb: string, submit: string]>> = {
  resolve: ['Resolve', 'Resolve'],
  mute: ['Mute', 'Mute'],
  assign: ['Assign', 'Assign'],
  note: ['Note on', 'Save'],
};

export function formView(kind: FormKind, { incident, responseUrl }: FormContext, facts: FormFacts = {}): View {
  const [verb, submit] = TITLES[kind];
  return {
    type: 'modal',
    callback_id: kind,
    private_metadata: JSON.stringify({ incident, responseUrl }),
    title: plain(`${verb} ${incident}`.slice(0, 24)),
    submit: plain(submit),
    close: plain('Cancel'),
    blocks: BLOCKS[kind](facts),
  };
}

const BLOCKS: Readonly<Record<FormKind, (facts: FormFacts) => KnownBlock[]>> = {
  resolve: () => [
    {
      type: 'input',
      block_id: VERDICT_BLOCK,
      label: plain('What was it?'),
      element: {
        type: 'radio_buttons',
        action_id: VERDICT_BLOCK,
        options: VERDICTS.map((verdict) => ({ value: verdict, text: plain(capital(VERDICT_WORDS[verdict])) })),
      },
    },
    noteInput(true),
  ],
  mute: muteBlocks,
  assign: () => [
    {
      type: 'input',
      block_id: OWNER_BLOCK,
      label: plain('Who takes it?'),
      element: { type: 'users_select', action_id: OWNER_BLOCK, placeholder: plain('Choose a person') },
    },
  ],
  note: () => [noteInput(false)],
};

function noteInput(isOptional: boolean): KnownBlock {
  return {
    type: 'input',
    block_id: NOTE_BLOCK,
    optional: isOptional,
    label: plain('Note'),
    hint: plain('No card numbers and no personal data: the note goes to the sheet and to the channel.'),
    element: {
      type: 'plain_text_input',
      action_id: NOTE_BLOCK,
      multiline: true,
      max_length: NOTE_MAX_CHARACTERS,
    },
  };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
export const DURATIONS = [
  { value: '30m', text: '30 minutes', ms: 30 * MINUTE_MS },
  { value: '2h', text: '2 hours', ms: 2 * HOUR_MS },
  { value: '24h', text: '24 hours', ms: 24 * HOUR_MS },
  { value: '7d', text: '7 days', ms: 168 * HOUR_MS },
] as const;

function muteBlocks({ hidden = null, duration = null }: FormFacts): KnownBlock[] {
  const about =
    'Posts about this entity by this detector are hidden until the time is over, or it gets worse. Incidents are still opened and counted, in the sheet and in the console.';
  const options = DURATIONS.map(({ value, text }) => ({ value, text: plain(text) }));
  const asked = options.find(({ value }) => value === duration);
  return [
    { type: 'section', text: plain(hidden === null ? about : `${about} ${hidden}`.slice(0, 2_900)) },
    {
      type: 'input',
      block_id: DURATION_BLOCK,
      label: plain('For how long?'),
      element: {
        type: 'radio_buttons',
        action_id: DURATION_BLOCK,
        options,
        ...(asked === undefined ? {} : { initial_option: asked }),
      },
    },
  ];
}

export type ResolveValues = { readonly verdict: Verdict; readonly note: string };

/** What was chosen and written; null if no verdict of ours is chosen or the note is too long. */
export function readResolveModal(values: unknown): ResolveValues | null {
  const verdict = VERDICTS.find(
    (known) => known === at(values, VERDICT_BLOCK, VERDICT_BLOCK, 'selected_option', 'value'),
  );
  const note = noteIn(values);
  return verdict === undefined || note === null ? null : { verdict, note };
}

/** Milliseconds; null if none of ours is chosen. */
export function readMuteModal(values: unknown): number | null {
  const chosen = at(values, DURATION_BLOCK, DURATION_BLOCK, 'selected_option', 'value');
  return DURATIONS.find(({ value }) => value === chosen)?.ms ?? null;
}

/** A user's id; null if none is chosen. */
export function readAssignModal(values: unknown): string | null {
  const id = at(values, OWNER_BLOCK, OWNER_BLOCK, 'selected_user');
  return typeof id === 'string' && /^[UW][A-Z0-9]{2,20}$/.test(id) ? id : null;
}

/** Null if there is none, or it is too long. */
export function readNoteModal(values: unknown): string | null {
  const note = noteIn(values);
  return note === null || note.trim() === '' ? null : note;
}

function noteIn(values: unknown): string | null {
  const note = at(values, NOTE_BLOCK, NOTE_BLOCK, 'value') ?? '';
  return typeof note === 'string' && [...note].length <= NOTE_MAX_CHARACTERS ? note : null;
}

/** Null for anything that this program did not write. */
export function readFormContext(privateMetadata: string): FormContext | null {
  try {
    const parsed: unknown = JSON.parse(privateMetadata);
    const incident = at(parsed, 'incident');
    const responseUrl = at(parsed, 'responseUrl');
    if (typeof incident !== 'string' || typeof responseUrl !== 'string') return null;
    return { incident, responseUrl };
  } catch {
    return null;
  }
}

const plain = (text: string) => ({ type: 'plain_text' as const, text, emoji: false });
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
