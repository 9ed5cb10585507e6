// What a row of the tab of detectors shows, and what its cells ask for.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DetectorSettings, MODES } from '../../../src/model/detector.ts';
import {
  askOf,
  DETECTOR_COLUMN_IDS,
  type DetectorColumnId,
  editOf,
  isShown,
  openCells,
  openText,
  type RawCell,
  type RawRow,
  versionOf,
} from '../../../src/sinks/detectors-rows.ts';
import type { Cell } from '../../../src/sinks/rows-cells.ts';
import { detectorSettings } from '../../support/decider.ts';

const EMPTY_ROW = Object.fromEntries(DETECTOR_COLUMN_IDS.map((id) => [id, ''])) as RawRow;

/** As Google gives it back. */
const raw = (cell: Cell): RawCell => (cell.kind === 'text' ? cell.text : cell.kind === 'number' ? cell.value : '');

const rowOf = (settings: DetectorSettings, changed: Partial<Record<DetectorColumnId, RawCell>> = {}): RawRow => ({
  ...EMPTY_ROW,
  ...Object.fromEntries([...openCells(settings)].map(([id, cell]) => [id, raw(cell)])),
  ...changed,
});

const settingsArb = fc
  .record({
    count: fc.constantFrom('attempts' as const, 'ratio' as const, 'sum(amount)' as const),
    currency: fc.constantFrom('eur', 'jpy', 'kwd'),
    mode: fc.constantFrom(...MODES),
    windowS: fc.integer({ min: 1, max: 604_800 }),
    warning: fc.integer({ min: 1, max: 1_000_000 }),
    critical: fc.option(fc.integer({ min: 1, max: 1_000_000 })),
  })
  .map(({ count, warning, critical, windowS, ...rest }) => {
    const value = (n: number): number => (count === 'ratio' ? n / 1_000_000 : n);
    const thresholds = { warning: value(warning), ...(critical === null ? {} : { critical: value(critical) }) };
    return detectorSettings({ ...rest, count, thresholds, windowS, quietForS: windowS });
  });

describe('a row of the tab of detectors', () => {
  it('asks for nothing while it shows what is in force', () => {
    fc.assert(
      fc.property(settingsArb, (settings) => {
        expect(editOf(rowOf(settings), settings)).toEqual({ kind: 'none' });
      }),
    );
  });

  it('asks for exactly what differs, so that the cells of other settings lead to them', () => {
    fc.assert(
      fc.property(settingsArb, settingsArb, (from, other) => {
        fc.pre(other.count === from.count && other.currency === from.currency);
        const to = other;
        const edit = editOf(rowOf(to), from);
        const change = edit.kind === 'change' ? edit.change : {};
        const given = Object.entries((change.thresholds ?? {}) as Record<string, number | null>);
        const thresholds = Object.fromEntries(
          Object.entries({ ...from.thresholds, ...Object.fromEntries(given) }).filter(([, value]) => value !== null),
        );
        expect(edit.kind).not.toBe('problem');
        expect(thresholds).toEqual(to.thresholds);
        expect(change.mode ?? from.mode).toBe(to.mode);
        expect(change.window ?? `${from.windowS}s`).toBe(`${to.windowS}s`);
      }),
    );
  });

  it('never throws, whatever stands in its cells, and never asks for a threshold that is no positive number', () => {
    const cell = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant('#REF!'));
    fc.assert(
      fc.property(cell, cell, cell, cell, (mode, warning, notice, window) => {
        const edit = editOf(rowOf(detectorSettings(), { mode, warning, notice, window }), detectorSettings());
        const values = edit.kind === 'change' ? Object.values(edit.change.thresholds ?? {}) : [];
        expect(values.every((value) => value === null || (Number.isFinite(value) && value > 0))).toBe(true);
        if (edit.kind === 'problem') expect(edit.message.length).toBeLessThan(1_000);
      }),
    );
  });

  it.each([
    ['4', 4],
    [' 4 ', 4],
    ['4,5', 4.5],
    ['4.5', 4.5],
    ['1\u202f200', 1_200],
    ['0,125', 0.125],
  ])('reads %j as a number, in any locale', (text, value) => {
    const settings = detectorSettings({ thresholds: { warning: 77 } });
    expect(editOf(rowOf(settings, { warning: text }), settings)).toMatchObject({
      kind: 'change',
      change: { thresholds: { warning: value } },
    });
  });

  it.each(['1,200', '1.200', '4 %', '1e3', '4 5x', '-', '٤', true, '#DIV/0!'])('takes %j for no number', (cell) => {
    expect(editOf(rowOf(detectorSettings(), { warning: cell }), detectorSettings())).toMatchObject({
      kind: 'problem',
      message: expect.stringMatching(/^Warning /),
    });
  });

  it('reads windows as people write them, and never below its quiet gap', () => {
    const settings = detectorSettings();
    expect(editOf(rowOf(settings, { window: '20 min' }), settings)).toEqual({
      kind: 'change',
      change: { window: '1200s' },
    });
    expect(editOf(rowOf(settings, { window: '2H' }), settings)).toEqual({
      kind: 'change',
      change: { window: '7200s', quietFor: '7200s' },
    });
    for (const window of ['', '10', 10, '0m', '10 weeks', '1:00', 0.0069])
      expect(editOf(rowOf(settings, { window }), settings)).toMatchObject({ kind: 'problem' });
  });

  it('says all that is wrong at once', () => {
    expect(editOf(rowOf(detectorSettings(), { mode: '', critical: 'a lot', window: 3 }), detectorSettings())).toEqual({
      kind: 'problem',
      message: expect.stringMatching(/^Mode .* not empty; Critical .*“a lot”; Window .*“3”$/),
    });
  });

  it('knows what was chosen, and its version', () => {
    expect([' Apply ', 'discard', 'revert', 'proposed', '', 7].map((status) => askOf({ status }))).toEqual([
      'apply',
      'discard',
      'revert',
      null,
      null,
      null,
    ]);
    expect([3, '3', 0, 1.5, null].map((version) => versionOf({ version }))).toEqual([3, null, null, null, null]);
    expect(openText(rowOf(detectorSettings()))).not.toBe(openText(rowOf(detectorSettings(), { warning: 4 })));
  });

  it('tells whether a cell shows what it should', () => {
    expect(isShown('', { kind: 'empty' })).toBe(true);
    expect(isShown(null, { kind: 'empty' })).toBe(true);
    expect(isShown('a', { kind: 'text', text: 'a' })).toBe(true);
    expect(isShown(1, { kind: 'text', text: '1' })).toBe(false);
    expect(isShown(0.1 + 0.2, { kind: 'number', value: 0.3, format: '', shown: '' })).toBe(true);
    expect(isShown('0.3', { kind: 'number', value: 0.3, format: '', shown: '' })).toBe(false);
  });
});
