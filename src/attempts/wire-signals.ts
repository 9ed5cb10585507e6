// Merged signals as the window store holds them.
import { TOPICS } from '../model/topics.ts';
import type { MergedSignal } from './merge.ts';
import { parseTuple } from './wire.ts';

const SCHEMA = TOPICS.attempts.schema;

export function encodeMergedSignal(state: MergedSignal): string {
  return JSON.stringify([SCHEMA, state]);
}

/** Throws AppError `newer_schema` or `bad_record`. */
export function decodeMergedSignal(text: string): MergedSignal {
  return parseTuple(text)[1] as MergedSignal;
}
