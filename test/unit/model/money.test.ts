import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { currencyDigits, formatMoney } from '../../../src/model/money.ts';

describe('formatMoney', () => {
  it.each([
    [123_450, 'eur', '1,234.50 EUR'],
    [5_000, 'jpy', '5,000 JPY'],
    [1_234, 'kwd', '1.234 KWD'],
    [5, 'usd', '0.05 USD'],
    [0, 'usd', '0.00 USD'],
    [-1_050, 'usd', '-10.50 USD'],
    [120_000, 'isk', '1,200 ISK'],
    [150, 'ugx', '1.50 UGX'],
    [700, 'not a currency', '700 minor units'],
  ])('%d %s is %s', (amount, currency, expected) => {
    expect(formatMoney(amount, currency)).toBe(expected);
  });

  it('loses no digit', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.constantFrom('eur', 'jpy', 'kwd'), (amount, currency) => {
        const digits = formatMoney(amount, currency)
          .replace(/[^0-9]/g, '')
          .replace(/^0+(?=\d)/, '');
        expect(digits).toBe(String(Math.abs(amount)));
      }),
    );
  });

  it('knows the currencies without and with three decimals', () => {
    expect(['jpy', 'krw', 'clp', 'vnd', 'xof'].map(currencyDigits)).toEqual([0, 0, 0, 0, 0]);
    expect(['bhd', 'jod', 'kwd', 'omr', 'tnd'].map(currencyDigits)).toEqual([3, 3, 3, 3, 3]);
    expect(['eur', 'huf', 'twd', 'isk', 'ugx'].map(currencyDigits)).toEqual([2, 2, 2, 2, 2]);
  });
});
