import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  columnId,
  fenceAfter,
  freshSheetId,
  HIGHEST_INCIDENT,
  headerId,
  incidentNumber,
  markMonth,
  marksOf,
  type TabKey,
} from '../../../src/sinks/sheets-layout.ts';

const tabs: readonly TabKey[] = [
  { name: 'detectors', serial: 0 },
  { name: 'summary', serial: 0 },
  ...Array.from({ length: 200 }, (_, serial): TabKey => ({ name: 'incidents', serial })),
];

describe('marks', () => {
  it('have ids that never meet, below 2^31', () => {
    const ids = tabs.flatMap((tab) => [headerId(tab), ...Array.from({ length: 99 }, (_, n) => columnId(tab, n + 1))]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.min(...ids)).toBeGreaterThan(HIGHEST_INCIDENT);
    expect(Math.max(...ids)).toBeLessThan(2 ** 31);
  });

  it('of months are one each, apart from those of tabs and headers', () => {
    const months = Array.from(
      { length: 12_000 },
      (_, n) => `2${String(Math.floor(n / 12)).padStart(3, '0')}-${String((n % 12) + 1).padStart(2, '0')}`,
    );
    const ids = months.map((month) => markMonth(month).createDeveloperMetadata?.developerMetadata?.metadataId ?? 0);
    expect(new Set(ids).size).toBe(months.length);
    expect(Math.min(...ids)).toBeGreaterThan(1_500_001_200);
    expect(Math.max(...ids)).toBeLessThan(Math.min(...tabs.map(headerId)));
  });

  it('of rows are incident numbers', () => {
    expect(incidentNumber('INC-12')).toBe(12);
    for (const other of ['INC-0', 'INC-', 'inc-1', 'INC-1x', 'oops', '', 'INC-1500000000', 'INC-99999999999'])
      expect(incidentNumber(other)).toBeNull();
  });

  it('are read back as they are laid, zeros left out', () => {
    const marks = marksOf([
      {
        metadataId: 1_500_000_000,
        metadataKey: 'declinewatch',
        metadataValue: 'sheet',
        location: { spreadsheet: true },
      },
      { metadataId: 1_500_000_103, metadataKey: 't', location: {} },
      { metadataId: 1_500_100_003, metadataKey: 'h', location: { dimensionRange: { dimension: 'ROWS', endIndex: 1 } } },
      {
        metadataId: 1_500_200_301,
        metadataKey: 'c',
        location: { dimensionRange: { dimension: 'COLUMNS', endIndex: 1 } },
      },
      {
        metadataId: 1_500_200_302,
        metadataKey: 'c',
        location: { dimensionRange: { dimension: 'COLUMNS', startIndex: 5, endIndex: 6 } },
      },
      { metadataId: 1_600_000_007, metadataKey: 'w', location: { spreadsheet: true } },
      { metadataId: 12, metadataKey: 'i', location: {} },
      { metadataId: 1_500_050_321, metadataKey: 'm', metadataValue: '2026-10', location: { spreadsheet: true } },
    ]);
    expect(marks).toEqual({
      book: 'sheet',
      fence: 7,
      months: new Set(['2026-10']),
      tabs: [
        {
          key: { name: 'incidents', serial: 0 },
          sheetId: 0,
          year: null,
          headerRow: 0,
          columns: new Map([
            [1, 0],
            [2, 5],
          ]),
        },
      ],
    });
  });

  it('of a tab that was deleted are not taken for a tab', () => {
    expect(marksOf([{ metadataId: 1_500_200_301, metadataKey: 'c', location: {} }]).tabs).toEqual([]);
  });

  it('let one of two writers through', () => {
    expect(fenceAfter(0)).toHaveLength(1);
    const ids = fenceAfter(41).map(
      ({ createDeveloperMetadata: made, deleteDeveloperMetadata: gone }) =>
        made?.developerMetadata?.metadataId ?? gone?.dataFilter?.developerMetadataLookup?.metadataId,
    );
    expect(ids).toEqual([1_600_000_042, 1_600_000_041]);
  });

  it('give every new tab an id of its own', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (fence) => {
        const ids = tabs.flatMap((tab) => [freshSheetId(tab, fence), freshSheetId(tab, fence + 1)]);
        expect(new Set(ids).size).toBe(ids.length);
      }),
      { numRuns: 20 },
    );
  });
});
