import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellData, date, number, serialOf, shownCell, text } from '../../../src/sinks/rows-cells.ts';

describe('cells', () => {
  it('are dates as serial numbers in the wall time of the sheet', () => {
    expect(serialOf(Date.UTC(1900, 0, 1), 'UTC')).toBe(2);
    expect(serialOf(Date.UTC(2026, 6, 1, 12), 'UTC')).toBe(46204.5);
    expect(serialOf(Date.UTC(2026, 6, 1, 12), 'Europe/Berlin')).toBe(46204 + 14 / 24);
    expect(serialOf(Date.UTC(2026, 0, 1, 12), 'Europe/Berlin')).toBe(46023 + 13 / 24);
    expect(serialOf(Date.UTC(2026, 6, 1, 12), 'Asia/Kathmandu')).toBe(46204 + 17.75 / 24);
    expect(serialOf(Date.UTC(2026, 6, 1, 12), 'No/Such_Zone')).toBe(46204.5);
  });

  it('show a date as its serial number means it, in every zone', () => {
    const zones = fc.constantFrom('UTC', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Europe/Dublin');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), zones, (ms, zone) => {
        const fromSerial = new Date(Math.round(serialOf(ms, zone) * 86_400_000) + Date.UTC(1899, 11, 30)).toISOString();
        expect(shownCell(date(ms), zone)).toBe(fromSerial.slice(0, 19).replace('T', ' '));
      }),
    );
  });

  it('are empty where there is nothing, which clears what stood there', () => {
    expect(cellData(text(' \u200b '), 'UTC')).toEqual({});
    expect(cellData(date(null), 'UTC')).toEqual({});
    expect(shownCell(text(''), 'UTC')).toBe('');
  });

  it('are texts whatever they begin with', () => {
    expect(cellData(text('=1+1'), 'UTC')).toEqual({
      userEnteredValue: { stringValue: '=1+1' },
      userEnteredFormat: { numberFormat: { type: 'TEXT', pattern: '@' } },
    });
  });

  it('show a broken number or time as a question mark', () => {
    expect(shownCell(number(Number.NaN), 'UTC')).toBe('?');
    expect(shownCell(date(Number.POSITIVE_INFINITY), 'UTC')).toBe('?');
    expect(cellData(number(1 / 0), 'UTC').userEnteredValue).toEqual({ stringValue: '?' });
  });

  it('keep web links only', () => {
    expect(text('a', 'javascript:alert(1)')).toEqual({ kind: 'text', text: 'a' });
    expect(text('a', 'https://example.com/ x')).toEqual({ kind: 'text', text: 'a' });
    expect(text('a', 'https://example.com/x')).toEqual({ kind: 'text', text: 'a', link: 'https://example.com/x' });
  });

  it('cut long texts without breaking a character', () => {
    const cell = text('😀'.repeat(2_000));
    expect(cell.kind === 'text' && cell.text.length).toBeLessThanOrEqual(2_000);
    expect(cell.kind === 'text' && cell.text.endsWith('😀…')).toBe(true);
  });
});
