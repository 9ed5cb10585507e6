// Where in a partition of `attempts` the views of which event hours stand. The log is in the order of arrival, a window is a
// stretch of event time: this is what finds one from the other. Counts per hour and chunk, so a chunk costs a row.
import type { OffsetRange } from './replay.ts';
import type { Row } from './window-store.ts';

/** Offsets in a chunk. */
export const CHUNK = 16_384;
const HOUR_S = 3_600;
const ROW = 'hours/';
/** Charges with a signal that are remembered: the newest, about 100 bytes each. */
const MAX_SIGNALS = 200_000;

export type HistoryIndex = {
  /** Views of one second. Offsets may come again: only those at or after `next` count. */
  add(offset: number, timeS: number): void;
  /** A signal on a charge, named within its scope: whatever comes of the charge later concerns the signal too. */
  addSignal(offset: number, charge: string, timeS: number): void;
  /** Event hour of the newest signal on the charge; null: none is known. */
  signalHour(charge: string): number | null;
  /** Stretches within `kept`, ascending, that hold every view with an event time in [fromS, toS). */
  ranges(span: Span, kept: OffsetRange): readonly OffsetRange[];
  /** Views with an event time in [fromS, toS), by whole hours. */
  count(span: Span): number;
  /** Seconds: after the newest event time of all; 0 if there is none. */
  newestS(): number;
  /** Rows of the chunks that changed since it was asked last. */
  takeRows(): Row[];
  /** Forgets chunks that the log has let go of whole. */
  dropBelow(offset: number): Row[];
  restore(row: Row): void;
};

type Kept = {
  readonly hours: readonly (readonly [hour: number, views: number])[];
  readonly signals: readonly (readonly [charge: string, hour: number])[];
};

/** Seconds, [fromS, toS). */
export type Span = { readonly fromS: number; readonly toS: number };

export function createHistoryIndex(): HistoryIndex {
  /** By chunk: views by event hour. */
  const chunks = new Map<number, Map<number, number>>();
  /** By event hour: views of all chunks. */
  const totals = new Map<number, number>();
  /** By chunk and over all: the hour of the newest signal on a charge. */
  const signalsIn = new Map<number, Map<string, number>>();
  const signals = new Map<string, { readonly chunk: number; readonly hour: number }>();
  const changed = new Set<number>();
  const name = (chunk: number, charge: string, hour: number): void => {
    const own = signalsIn.get(chunk) ?? new Map<string, number>();
    own.set(charge, hour);
    signalsIn.set(chunk, own);
    // Rows come in any order from the store: the newest chunk's counts.
    if ((signals.get(charge)?.chunk ?? -1) > chunk) return;
    signals.delete(charge);
    signals.set(charge, { chunk, hour });
    const [eldest] = signals.keys();
    if (signals.size > MAX_SIGNALS && eldest !== undefined) signals.delete(eldest);
  };
  const count = (hour: number, by: number): void => {
    const left = (totals.get(hour) ?? 0) + by;
    if (left > 0) totals.set(hour, left);
    else totals.delete(hour);
  };
  return {
    add: (offset, timeS) => {
      const chunk = Math.floor(offset / CHUNK);
      const hours = chunks.get(chunk) ?? new Map<number, number>();
      const hour = Math.floor(timeS / HOUR_S);
      hours.set(hour, (hours.get(hour) ?? 0) + 1);
      count(hour, 1);
      chunks.set(chunk, hours);
      changed.add(chunk);
    },
    addSignal: (offset, charge, timeS) => {
      name(Math.floor(offset / CHUNK), charge, Math.floor(timeS / HOUR_S));
      changed.add(Math.floor(offset / CHUNK));
    },
    signalHour: (charge) => signals.get(charge)?.hour ?? null,
    ranges: (span, kept) => {
      const found: number[] = [];
      for (const [chunk, hours] of chunks) if ([...hours.keys()].some((hour) => touches(span, hour))) found.push(chunk);
      return joined(
        found.sort((a, b) => a - b),
        kept,
      );
    },
    count: (span) => {
      let views = 0;
      for (const [hour, inHour] of totals) if (touches(span, hour)) views += inHour;
      return views;
    },
    newestS: () => {
      let newest = -1;
      for (const hour of totals.keys()) if (hour > newest) newest = hour;
      return (newest + 1) * HOUR_S;
    },
    takeRows: () => {
      const rows = [...changed].map((chunk): Row => {
        const kept: Kept = { hours: [...(chunks.get(chunk) ?? [])], signals: [...(signalsIn.get(chunk) ?? [])] };
        return { kind: 'mark', id: `${ROW}${chunk}`, value: JSON.stringify(kept) };
      });
      changed.clear();
      return rows;
    },
    dropBelow: (offset) => {
      const gone = [...chunks.keys()].filter((chunk) => (chunk + 1) * CHUNK <= offset);
      for (const chunk of gone) {
        for (const [hour, views] of chunks.get(chunk) ?? []) count(hour, -views);
        for (const charge of signalsIn.get(chunk)?.keys() ?? [])
          if (signals.get(charge)?.chunk === chunk) signals.delete(charge);
        signalsIn.delete(chunk);
        chunks.delete(chunk);
        changed.delete(chunk);
      }
      return gone.map((chunk): Row => ({ kind: 'mark', id: `${ROW}${chunk}`, value: null }));
    },
    restore: (row) => {
      if (row.kind !== 'mark') return;
      const { id, value } = row;
      if (!id.startsWith(ROW) || value === null) return;
      const kept = JSON.parse(value) as Kept;
      const chunk = Number(id.slice(ROW.length));
      chunks.set(chunk, new Map(kept.hours));
      for (const [hour, views] of kept.hours) count(hour, views);
      for (const [charge, hour] of kept.signals) name(chunk, charge, hour);
    },
  };
}

const touches = ({ fromS, toS }: Span, hour: number): boolean => hour * HOUR_S < toS && (hour + 1) * HOUR_S > fromS;

/** Neighbouring chunks as one range, nothing outside of what is kept. */
function joined(chunks: readonly number[], kept: OffsetRange): OffsetRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const chunk of chunks) {
    const from = Math.max(kept.from, chunk * CHUNK);
    const to = Math.min(kept.to, (chunk + 1) * CHUNK);
    const last = ranges.at(-1);
    if (last !== undefined && last.to === from) last.to = to;
    else if (from < to) ranges.push({ from, to });
  }
  return ranges;
}
