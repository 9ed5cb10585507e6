// Attempts and signals as the window store holds them: one after the other in the very bytes in which the table keeps them, so
// that storing one, and loading it again, is a copy. The words that they name by number are rows of their own.
import type { MergedSignal } from '../attempts/merge.ts';
import { decodeMergedSignal, encodeMergedSignal } from '../attempts/wire-signals.ts';
import { AppError } from '../model/errors.ts';
import { packedAhead } from './ahead.ts';
import { scopeNumber, scopeOf } from './attempt-table.ts';
import {
  type Cursor,
  readNumber,
  readText,
  readWord,
  room,
  setWord,
  writeNumber,
  writeText,
  writeWord,
} from './bytes.ts';
import { copyPacked, type Packed, readPacked } from './packed-attempts.ts';
import { holdSignal } from './place.ts';
import type { FoldState } from './state.ts';
import type { Row } from './window-store.ts';

/** What comes first of each. Of an attempt its account, its time (seconds), and its bytes, their length first, follow. */
const TEST = 0;
const LIVE = 1;
/** Of a signal its id in scope and its JSON follow. */
const SIGNAL = 2;

/** The account of what is not Connect's. */
const OWN_ACCOUNT = '';
const WORD_ROW = 'word/';

/** Takes attempts as they are held now, and makes them rows. */
export type RowWriter = {
  attempt(handle: number): void;
  signal(id: string, merged: MergedSignal): void;
  /** All that was written, with the words that the store does not know yet; then it begins anew. */
  rows(): Row[];
};

export function rowWriter(state: FoldState): RowWriter {
  const { attempts } = state;
  const { dictionary, rowBytes: to } = attempts;
  to.at = 0;
  return {
    attempt: (handle) => {
      const { account, livemode } = scopeOf(attempts, handle);
      room(to, 1);
      to.bytes[to.at++] = livemode ? LIVE : TEST;
      writeWord(to, dictionary, account ?? OWN_ACCOUNT);
      writeNumber(to, attempts.times[handle] ?? 0);
      copyPacked(to, attempts, handle);
    },
    signal: (id, merged) => {
      room(to, 1);
      to.bytes[to.at++] = SIGNAL;
      writeText(to, id);
      writeText(to, encodeMergedSignal(merged));
    },
    rows: () => {
      const rows: Row[] = [];
      const { words } = dictionary;
      for (; state.wordsStored < words.length; state.wordsStored += 1)
        rows.push({ kind: 'mark', id: WORD_ROW + state.wordsStored, value: JSON.stringify(words[state.wordsStored]) });
      if (to.at > 0) rows.push({ kind: 'attempts', bytes: Uint8Array.prototype.slice.call(to.bytes, 0, to.at) });
      to.at = 0;
      return rows;
    },
  };
}

/** True: it was a word's, and is known now. As JSON, for a store need not keep half characters. */
export function restoreWord(state: FoldState, id: string, word: string | null): boolean {
  if (!id.startsWith(WORD_ROW) || word === null) return false;
  setWord(state.attempts.dictionary, Number(id.slice(WORD_ROW.length)), JSON.parse(word) as string);
  state.wordsStored = state.attempts.dictionary.words.length;
  return true;
}

/** Words must have come before. Throws `store_unavailable` for what `rowWriter` did not write. */
export function restoreAttempts(state: FoldState, bytes: Uint8Array): void {
  const from: Cursor = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), at: 0 };
  const ahead = packedAhead(state.attempts);
  try {
    while (from.at < bytes.length) {
      const packed = restoreOne(state, from);
      if (packed !== null) ahead.put(packed);
    }
    if (from.at > bytes.length) throw new Error('cut off');
    ahead.end();
  } catch (cause) {
    throw new AppError('store_unavailable', 'The window store holds rows that cannot be read.', {
      help: 'Remove the windows of this installation from the store; they are rebuilt from the log at the next start.',
      cause,
    });
  }
}

/** Null: it was a signal, and is held. */
function restoreOne(state: FoldState, from: Cursor): Packed | null {
  const { attempts } = state;
  const tag = from.bytes[from.at++];
  if (tag === SIGNAL) {
    const id = readText(from);
    holdSignal(state, id, decodeMergedSignal(readText(from)));
    return null;
  }
  if (tag !== TEST && tag !== LIVE) throw new Error(`a row of kind ${tag}`);
  const account = readWord(from, attempts.dictionary);
  const scope = scopeNumber(attempts, { account: account === OWN_ACCOUNT ? null : account, livemode: tag === LIVE });
  return readPacked({ scope, time: readNumber(from) }, from);
}
