// The modal of *Resolve*: the verdict is asked there and then, for it grades the detectors. Pure.
import type { View } from '@slack/types';
import { NOTE_MAX_CHARACTERS, VERDICTS, type Verdict } from '../model/incident.ts';
import { VERDICT_WORDS } from '../model/words.ts';

export const RESOLVE_CALLBACK = 'resolve';
export const VERDICT_BLOCK = 'verdict';
export const NOTE_BLOCK = 'note';

/** What the modal carries from the button to the submission. */
export type ResolveContext = {
  readonly incident: string;
  /** Where the clicker can be answered alone, for half an hour; '' if there is none. */
  readonly responseUrl: string;
};

export function resolveModal({ incident, responseUrl }: ResolveContext): View {
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
export function readResolveContext(privateMetadata: string): ResolveContext | null {
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
