// A backtest: recorded Stripe events through the very same normaliser and fold that count in earnest. One lane, no
// lateness: what comes out is a function of the set of events. Its memory grows with the attempts, not with the file.

import { decodeAttemptsRecord } from '../attempts/wire.ts';
import { unpackEvent } from '../detectors/attempt-pack.ts';
import { outcomesOf, sizeOf } from '../detectors/attempt-table.ts';
import { detailsOf, episodesOf, type Foldable, type FoldRecord, fold, keysOf } from '../detectors/fold.ts';
import { createState, type FoldState } from '../detectors/state.ts';
import { readFor } from '../detectors/worker-decode.ts';
import { unwrapEnvelope } from '../ingest/envelope.ts';
import { normalise } from '../ingest/normalise.ts';
import type { UnstampedSignal, UnstampedView } from '../ingest/normalised.ts';
import type { StoredRecord } from '../log/event-log.ts';
import { OUTCOMES, type View } from '../model/attempt.ts';
import type { DetectorSettings, GeneralSettings, Rule } from '../model/detector.ts';
import type { Key } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import { createSeenIds } from './seen-ids.ts';

export type BacktestOptions = {
  /** Those whose mode is `off` are left out. */
  readonly detectors: readonly DetectorSettings[];
  readonly general: GeneralSettings;
};

/** An episode as `backtest --json` prints it (design §7): stable. Times are ISO 8601 UTC with milliseconds. */
export type EpisodeLine = {
  readonly detector: string;
  readonly entity: { readonly kind: string; readonly value: string };
  readonly account: string | null;
  readonly livemode: boolean;
  readonly severity: string;
  readonly firstAttemptAt: string;
  readonly lastAttemptAt: string;
  readonly firstBreachAt: string;
  readonly lastBreachAt: string;
  /** Of a ratio a fraction, else a whole number; of a sum minor units. */
  readonly peak: number;
  /** Members by time, then id; of a detector of signals the ids of their objects. */
  readonly attempts: readonly string[];
};

export type BacktestSummary = {
  /** Stripe events, duplicates included. */
  readonly events: number;
  /** Event ids that had been seen before. */
  readonly duplicates: number;
  /** Neither a view nor a signal. */
  readonly ignored: number;
  readonly bad: number;
  readonly attempts: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly episodes: number;
};

export type Backtest = {
  /** One line of a file: a Stripe event as JSON, an envelope around it allowed. Null: taken; else why it is a bad line. */
  addLine(text: string): string | null;
  /** Counts a line that could not even be read. */
  addBad(): void;
  /** What has been recorded already: records of the log's `attempts`, of which the rules are left out. Each that is bad is told. */
  addRecords(stored: readonly StoredRecord[], bad: (record: StoredRecord, why: string) => void): void;
  /** Sorted by firstAttemptAt, detector, account, livemode, entity kind, entity value. The list is of headers: members are made one by one. */
  episodes(): Iterable<EpisodeLine>;
  summary(): BacktestSummary;
};

/** The last second that can be written as a date of four digits. */
const LATEST_S = 253_402_300_799;
/** Folded together: few enough that what was read is still at hand, in the processor's cache, when it is folded. */
const BATCH = 16;
/** The same of records, which are smaller. */
const PORTION = 256;

export function createBacktest({ detectors, general }: BacktestOptions): Backtest {
  const state = createState({ lane: 'all' });
  fold(
    state,
    detectors.filter(({ mode }) => mode !== 'off').map((settings) => ruleOf(settings, general.latenessMs)),
  );
  const seen = createSeenIds();
  const counts = { events: 0, duplicates: 0, ignored: 0, bad: 0 };
  let waiting: FoldRecord[] = [];

  const flush = (): void => {
    if (waiting.length > 0) fold(state, waiting);
    waiting = [];
  };
  const take = (record: FoldRecord | null, event: string): null => {
    counts.events += 1;
    if (!seen.add(event)) counts.duplicates += 1;
    if (record === null) counts.ignored += 1;
    else if (waiting.push(record) >= BATCH) flush();
    return null;
  };
  const bad = (why: string): string => {
    counts.bad += 1;
    return why;
  };

  const addPortion = (stored: readonly StoredRecord[], tell: (record: StoredRecord, why: string) => void): void => {
    const records: Foldable[] = [];
    readFor(state, stored, {
      poisoned: new Set(),
      bury: (record, _, why) => tell(record, bad(why)),
      take: (record, from) => {
        if (record.record === 'rule') return;
        counts.events += 1;
        if (!seen.add(eventOf(state, record, from))) counts.duplicates += 1;
        records.push(record);
      },
    });
    fold(state, records);
  };

  return {
    addLine: (text) => {
      let value: unknown;
      try {
        value = unwrapEnvelope(JSON.parse(text));
      } catch {
        return bad(text.startsWith('[') && text.length < 3 ? `is not JSON: ${AN_EVENT_A_LINE}` : 'is not JSON');
      }
      if (Array.isArray(value)) return bad(`is a list: ${AN_EVENT_A_LINE}`);
      const normalised = normalise(value, general);
      if (normalised.kind === 'bad') return bad(normalised.message);
      if (normalised.kind === 'ignored') return take(null, (value as { id: string }).id);
      const record = normalised.kind === 'view' ? normalised.view : normalised.signal;
      if (record.time < 0 || record.time > LATEST_S) return bad('is dated before 1970 or after the year 9999');
      return take(stamped(record), record.event);
    },
    addBad: () => void bad(''),
    addRecords: (stored, tell) => {
      flush();
      for (let at = 0; at < stored.length; at += PORTION) addPortion(stored.slice(at, at + PORTION), tell);
    },
    episodes: () => {
      flush();
      return linesOf(state);
    },
    summary: () => {
      flush();
      return { ...counts, attempts: sizeOf(state.attempts), outcomes: outcomesIn(state), episodes: countOf(state) };
    },
  };
}

/** The id of the event that a record of the log was read from. */
function eventOf({ attempts }: FoldState, record: Exclude<Foldable, Rule>, from: StoredRecord): string {
  if (record.record !== 'packed') return record.event;
  const { bytes, start } = record;
  const event = unpackEvent({ bytes, at: start }, attempts.dictionary);
  return event ?? (decodeAttemptsRecord(from.value) as View).event;
}

const AN_EVENT_A_LINE = "write one event a line, e.g. with jq -c '.[]'";

function ruleOf(settings: DetectorSettings, latenessMs: number): Rule {
  const { name: detector } = settings;
  return { record: 'rule', detector, version: 1, revision: 1, sinceS: 0, settings, latenessMs };
}

/** A file knows no receipt, and one lane needs none. */
function stamped(record: UnstampedView | UnstampedSignal): FoldRecord {
  return { ...record, receivedAt: record.created * 1_000, lane: 'live' };
}

/** In the order of the model's own list. */
function outcomesIn({ attempts }: FoldState): Readonly<Record<string, number>> {
  const counts = outcomesOf(attempts);
  return Object.fromEntries(OUTCOMES.flatMap((outcome) => [...counts].filter(([name]) => name === outcome)));
}

function countOf(state: FoldState): number {
  let count = 0;
  for (const key of keysOf(state)) count += episodesOf(state, key).length;
  return count;
}

type Header = { readonly key: Key; readonly episode: Episode };

function* linesOf(state: FoldState): Generator<EpisodeLine> {
  const headers: Header[] = [];
  for (const key of keysOf(state)) for (const episode of episodesOf(state, key)) headers.push({ key, episode });
  headers.sort(compareHeaders);
  for (const header of headers) yield lineOf(state, header);
}

function lineOf(state: FoldState, { key, episode }: Header): EpisodeLine {
  const { detector, scope, entity } = key;
  return {
    detector,
    entity: { kind: entity.kind, value: entity.value },
    account: scope.account,
    livemode: scope.livemode,
    severity: episode.severity,
    firstAttemptAt: isoOf(episode.firstAttemptAt),
    lastAttemptAt: isoOf(episode.lastAttemptAt),
    firstBreachAt: isoOf(episode.firstBreachAt),
    lastBreachAt: isoOf(episode.lastBreachAt),
    peak: episode.peak,
    attempts: (detailsOf(state, key, episode.firstBreachAt)?.members ?? []).map(({ id }) => id),
  };
}

const isoOf = (seconds: number): string => new Date(seconds * 1_000).toISOString();

/** Texts by code unit; null and false first. */
function compareHeaders(a: Header, b: Header): number {
  return (
    a.episode.firstAttemptAt - b.episode.firstAttemptAt ||
    compareText(a.key.detector, b.key.detector) ||
    compareText(a.key.scope.account, b.key.scope.account) ||
    Number(a.key.scope.livemode) - Number(b.key.scope.livemode) ||
    compareText(a.key.entity.kind, b.key.entity.kind) ||
    compareText(a.key.entity.value, b.key.entity.value)
  );
}

function compareText(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  return b === null || a > b ? 1 : -1;
}
