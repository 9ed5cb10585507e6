import { describe, expect, it } from 'vitest';
import { sparkline } from '../../../src/alerts/sparkline.ts';

describe('sparkline', () => {
  it('draws each value against the largest', () => {
    expect(sparkline([0, 7, 14])).toBe('▁▅█');
  });

  it('merges neighbours by their largest value and keeps to its width', () => {
    const line = sparkline(Array.from({ length: 60 }, (_, n) => (n === 31 ? 10 : 0)));
    expect(line).toHaveLength(30);
    expect(line.indexOf('█')).toBe(15);
  });

  it('draws nothing where there is nothing to see', () => {
    expect(sparkline([])).toBe('');
    expect(sparkline([5])).toBe('');
    expect(sparkline([0, 0])).toBe('');
    expect(sparkline([Number.NaN, 1])).toBe('▁█');
  });
});
