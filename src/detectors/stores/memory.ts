// The WindowStore in memory: for backtests and tests, and where losing the windows only costs a rebuild from the log.
import type { AppendRows, Row, WindowStore } from '../window-store.ts';
import { firstSegmentFrom, PAGE_ROWS, partsOf, rowOf, sealOf, segmentOf } from './rows.ts';

type Segment = { readonly number: number; readonly appends: Uint8Array[] };

type Partition = {
  next: number;
  /** What the last append asked for: the same call again is answered `appended`. */
  seal: string;
  segments: Segment[];
  /** By `rowKey`. */
  readonly kept: Map<string, string>;
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
  const parts = partsOf(change.rows);
  const seal = sealOf(change, parts);
  if ((held?.next ?? null) !== change.expectedNext) return held?.seal === seal ? 'appended' : 'refused';
  const target: Partition = held ?? { next: 0, seal: '', segments: [], kept: new Map() };
  partitions.set(partition, target);
  if (parts.attempts.length > 0) segmentIn(target, segmentOf(change.next)).appends.push(parts.attempts);
  for (const [key, value] of parts.kept) {
    if (value === null) target.kept.delete(key);
    else target.kept.set(key, value);
  }
  target.next = change.next;
  target.seal = seal;
  return 'appended';
}

function segmentIn(target: Partition, number: number): Segment {
  const last = target.segments.at(-1);
  if (last?.number === number) return last;
  const segment: Segment = { number, appends: [] };
  target.segments.push(segment);
  return segment;
}

async function* pagesOf(held: Partition | undefined): AsyncGenerator<readonly Row[]> {
  if (held === undefined) return;
  const kept = [...held.kept].map(([key, value]) => rowOf(key, value));
  for (let i = 0; i < kept.length; i += PAGE_ROWS) yield kept.slice(i, i + PAGE_ROWS);
  for (const { appends } of held.segments) for (const bytes of appends) yield [{ kind: 'attempts', bytes }];
}
