// The WindowStore in memory: for backtests and tests, and where losing the windows only costs a rebuild from the log.
import type { AppendRows, Row, WindowStore } from '../window-store.ts';
import { firstSegmentFrom, PAGE_ROWS, packRows, rowKey, sealOf, segmentOf } from './rows.ts';

type Segment = { readonly number: number; readonly rows: Row[] };

type Partition = {
  next: number;
  /** What the last append asked for: the same call again is answered `appended`. */
  seal: string;
  segments: Segment[];
  readonly kept: Map<string, Row>;
};

export function createMemoryStore(): WindowStore {
  const partitions = new Map<number, Partition>();
  return {
    load: async (partition) => {
      const held = partitions.get(partition);
      return { next: held?.next ?? null, pages: pagesOf(held) };
    },
    append: async (partition, change) => append(partitions, partition, change),
    expire: async (partition, offset) => {
      const held = partitions.get(partition);
      if (held === undefined) return;
      held.segments = held.segments.filter(({ number }) => number >= firstSegmentFrom(offset));
    },
    clear: async (partition) => void partitions.delete(partition),
    ping: async () => undefined,
    close: async () => undefined,
  };
}

function append(partitions: Map<number, Partition>, partition: number, change: AppendRows): 'appended' | 'refused' {
  const held = partitions.get(partition);
  if ((held?.next ?? null) !== change.expectedNext) {
    return held !== undefined && held.seal === sealOf(change, [packRows(change.rows)]) ? 'appended' : 'refused';
  }
  const target: Partition = held ?? { next: 0, seal: '', segments: [], kept: new Map() };
  partitions.set(partition, target);
  const number = segmentOf(change.next);
  for (const row of change.rows) {
    if (row.kind === 'attempt') segmentIn(target, number).rows.push(row);
    else if (row.value === null) target.kept.delete(rowKey(row));
    else target.kept.set(rowKey(row), row);
  }
  target.next = change.next;
  target.seal = sealOf(change, [packRows(change.rows)]);
  return 'appended';
}

function segmentIn(target: Partition, number: number): Segment {
  const last = target.segments.at(-1);
  if (last?.number === number) return last;
  const segment: Segment = { number, rows: [] };
  target.segments.push(segment);
  return segment;
}

async function* pagesOf(held: Partition | undefined): AsyncGenerator<readonly Row[]> {
  if (held === undefined) return;
  const kept = [...held.kept.values()];
  for (let i = 0; i < kept.length; i += PAGE_ROWS) yield kept.slice(i, i + PAGE_ROWS);
  for (const { rows } of held.segments)
    for (let i = 0; i < rows.length; i += PAGE_ROWS) yield rows.slice(i, i + PAGE_ROWS);
}
