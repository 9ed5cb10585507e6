// The sample events of test/fixtures/stripe, and what each must be read as.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unwrapEnvelope } from '../../src/ingest/envelope.ts';
import { normalise } from '../../src/ingest/normalise.ts';
import type { NormaliseContext } from '../../src/ingest/normalised.ts';
import type { SignalView, View } from '../../src/model/attempt.ts';

export const SAMPLES_FOLDER = join(import.meta.dirname, '../fixtures/stripe');

export type SampleEntry = {
  readonly file: string;
  /** Where the shape comes from. */
  readonly shape: string;
  /** What it shows. */
  readonly says: string;
  /** What the normaliser must answer: written by hand. Of a `bad` one without the message. */
  readonly expect: Readonly<Record<string, unknown>> & { readonly kind: 'view' | 'signal' | 'ignored' | 'bad' };
};

export const SAMPLES = JSON.parse(readFileSync(join(SAMPLES_FOLDER, 'index.json'), 'utf8')) as readonly SampleEntry[];

export const SAMPLE_CONTEXT: NormaliseContext = { metadata: { ip: 'client_ip', keys: ['plan'] } };

export type SampleEvent = Record<string, unknown> & {
  id: string;
  type: string;
  created: number;
  data: { object: Record<string, unknown> };
};

/** As it arrived, envelope and all; a copy of its own each time. */
export function sample(name: string): SampleEvent {
  return JSON.parse(readFileSync(join(SAMPLES_FOLDER, `${name}.json`), 'utf8')) as SampleEvent;
}

/** Its view, stamped as ingest does; throws if it is none. */
export function viewOf(event: unknown, receivedAt = 1_790_000_005_000): View {
  const found = normalise(unwrapEnvelope(event), SAMPLE_CONTEXT);
  if (found.kind !== 'view') throw new Error(`No view, but ${found.kind}.`);
  return { ...found.view, receivedAt, lane: 'live' };
}

export function signalOf(event: unknown, receivedAt = 1_790_000_005_000): SignalView {
  const found = normalise(event, SAMPLE_CONTEXT);
  if (found.kind !== 'signal') throw new Error(`No signal, but ${found.kind}.`);
  return { ...found.signal, receivedAt, lane: 'live' };
}
