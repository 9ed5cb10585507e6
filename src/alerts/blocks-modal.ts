// The forms: *Resolve* asks the verdict there and then, for it grades the detectors; *Mute* says what it hides. Pure.
import type { View } from '@slack/types';
import { NOTE_MAX_CHARACTERS, VERDICTS, type Verdict } from '../model/incident.ts';
import { VERDICT_WORDS } from '../model/words.ts';

export const RESOLVE_CALLBACK = 'resolve';
export const VERDICT_BLOCK = 'verdict';
export const NOTE_BLOCK = 'note';

/** What the modal carries from the button to the submission. */
export type FormContext = {
  readonly incident: string;
  /** Where the clicker can be answered alone, for half an hour; '' if there is none. */
  readonly responseUrl: string;
};

export function resolveModal({ incident, responseUrl }: FormContext): View {
  return {
    type: 'modal',
    callback_id: RESOLVE_CALLBACK,
    private_metadata: JSON.stringify({ incident, responseUrl }),
    title: plain(`Resolve ${incident}`.slice(0, 24)),
    submit: plain('Resolve'),
    close: plain('Cancel'),
    blocks: [
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
      {
        type: 'input',
        block_id: NOTE_BLOCK,
        optional: true,
        label: plain('Note'),
        hint: plain('No card numbers and no personal data: the note goes to the sheet and to the channel.'),
        element: {
          type: 'plain_text_input',
          action_id: NOTE_BLOCK,
          multiline: true,
          max_length: NOTE_MAX_CHARACTERS,
        },
      },
    ],
  };
}

export type ResolveValues = { readonly verdict: Verdict; readonly note: string };

export const MUTE_CALLBACK = 'mute';
export const DURATION_BLOCK = 'duration';

const HOUR_MS = 3_600_000;
const DURATIONS = [
  { value: '1h', text: '1 hour', ms: HOUR_MS },
  { value: '8h', text: '8 hours', ms: 8 * HOUR_MS },
  { value: '24h', text: '24 hours', ms: 24 * HOUR_MS },
  { value: '7d', text: '7 days', ms: 168 * HOUR_MS },
] as const;

/** `hidden`: what such a mute would have hidden lately, a plain sentence; null if that is not known. */
export function muteModal({ incident, responseUrl }: FormContext, hidden: string | null): View {
  const about =
    'Posts about this entity by this detector are hidden until the time is over. Incidents are still opened and counted, in the sheet and in the console.';
  return {
    type: 'modal',
    callback_id: MUTE_CALLBACK,
    private_metadata: JSON.stringify({ incident, responseUrl }),
    title: plain(`Mute ${incident}`.slice(0, 24)),
    submit: plain('Mute'),
    close: plain('Cancel'),
    blocks: [
      { type: 'section', text: plain(hidden === null ? about : `${about} ${hidden}`.slice(0, 2_900)) },
      {
        type: 'input',
        block_id: DURATION_BLOCK,
        label: plain('For how long?'),
        element: {
          type: 'radio_buttons',
          action_id: DURATION_BLOCK,
          options: DURATIONS.map(({ value, text }) => ({ value, text: plain(text) })),
        },
      },
    ],
  };
}

/** Milliseconds; null if none of ours is chosen. */
export function readMuteModal(values: unknown): number | null {
  const chosen = at(values, DURATION_BLOCK, DURATION_BLOCK, 'selected_option', 'value');
  return DURATIONS.find(({ value }) => value === chosen)?.ms ?? null;
}

/** What was chosen and written; null if no verdict of ours is chosen or the note is too long. */
export function readResolveModal(values: unknown): ResolveValues | null {
  const verdict = VERDICTS.find(
    (known) => known === at(values, VERDICT_BLOCK, VERDICT_BLOCK, 'selected_option', 'value'),
  );
  const note = at(values, NOTE_BLOCK, NOTE_BLOCK, 'value') ?? '';
  if (verdict === undefined || typeof note !== 'string' || note.length > NOTE_MAX_CHARACTERS) return null;
  return { verdict, note };
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

function at(value: unknown, ...path: readonly string[]): unknown {
  let current: unknown = value;
  for (const key of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

const plain = (text: string) => ({ type: 'plain_text' as const, text, emoji: false });
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
