// What Google answers to a read by marks: which range belongs to which mark, and its cells. Pure.
import { parseA1 } from './sheets-a1.ts';
import type { MatchedRange } from './sheets-client.ts';

export const textOf = (cell: unknown): string => String(cell ?? '').trim();

/** The range of the mark with that id; null: it was not answered. */
export function rangeOf(ranges: readonly MatchedRange[], metadataId: number) {
  const matched = ranges.find(({ dataFilters = [] }) =>
    dataFilters.some(({ developerMetadataLookup }) => developerMetadataLookup?.metadataId === metadataId),
  );
  const range = parseA1(matched?.valueRange?.range ?? '');
  if (range === null) return null;
  const values: readonly (readonly unknown[])[] = matched?.valueRange?.values ?? [];
  return { ...range, values };
}
