// What is published by date, and when a run counts as worse than it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Figure, median, quantile } from '../../../bench/measure.ts';
import { newestPublished, publish, type Results, shown, verdictOf, worseRatios } from '../../../bench/results.ts';

const figure = (values: readonly number[], more: Partial<Figure> = {}): Figure => ({
  id: 'fold.ratio',
  title: 'fold: to JSON.parse',
  unit: '×',
  better: 'lower',
  target: null,
  values,
  ...more,
});

const results = (suites: Results['suites'], more: Partial<Results> = {}): Results => ({
  date: '2026-01-02',
  size: 'full',
  rounds: 3,
  machine: { cores: 2, memoryGb: 8, platform: 'linux x64', node: '24.0.0', kafka: null, redis: null },
  suites,
  ...more,
});

const suite = (values: readonly number[]) => ({ title: 'A suite', figures: [figure(values)] });

describe('median and quantile', () => {
  it('take the middle, and what so many are at or below', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 0.5)).toBe(50);
    expect(quantile([7], 0.99)).toBe(7);
  });
});

describe('worseRatios', () => {
  const published = [figure([2.0, 2.1, 2.3])];

  it('finds a ratio that is worse beyond both spreads', () => {
    expect(worseRatios([figure([2.4, 2.5, 2.6])], published).map(({ id }) => id)).toEqual(['fold.ratio']);
  });

  it('lets pass what lies within either spread, and what is better', () => {
    expect(worseRatios([figure([2.0, 2.25, 2.6])], published)).toEqual([]);
    expect(worseRatios([figure([2.05, 2.5, 2.6])], published)).toEqual([]);
    expect(worseRatios([figure([1.0, 1.1, 1.2])], published)).toEqual([]);
  });

  it('knows which way is better', () => {
    const higher = { better: 'higher' } as const;
    expect(worseRatios([figure([1, 1.1, 1.2], higher)], [figure([2, 2.1, 2.2], higher)])).toHaveLength(1);
    expect(worseRatios([figure([3, 3.1, 3.2], higher)], [figure([2, 2.1, 2.2], higher)])).toEqual([]);
  });

  it('compares ratios only, and only those that were published', () => {
    const micros = { unit: 'µs' };
    expect(worseRatios([figure([9, 9, 9], micros)], [figure([1, 1, 1], micros)])).toEqual([]);
    expect(worseRatios([figure([9, 9, 9], { id: 'new' })], published)).toEqual([]);
  });
});

describe('shown and verdictOf', () => {
  it('say the median with its spread, and whether the target is met', () => {
    expect(shown(figure([2.31, 2.2, 2.4]))).toBe('2.31 × (2.20–2.40)');
    expect(shown(figure([12_345.6], { unit: '/s' }))).toBe('12,346 /s');
    expect(verdictOf(figure([2.31], { target: 2 }))).toBe('≤ 2 ×: missed');
    expect(verdictOf(figure([1.5], { target: 2 }))).toBe('≤ 2 ×: met');
    expect(verdictOf(figure([3], { target: 2, better: 'higher' }))).toBe('≥ 2 ×: met');
    expect(verdictOf(figure([3]))).toBe('');
  });
});

describe('publish', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'declinewatch-results-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps the suites of the day that were not run again, and writes a page for people', () => {
    publish(results({ fold: suite([1]), detect: suite([2]) }), folder);
    const file = publish(results({ fold: suite([3]) }), folder);
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Results;
    expect(kept.suites).toEqual({ fold: suite([3]), detect: suite([2]) });
    expect(readFileSync(join(folder, '2026-01-02.md'), 'utf8')).toContain('| fold: to JSON.parse | 3.00 × |');
  });

  it('compares with the newest of each suite, quick runs apart', () => {
    publish(results({ fold: suite([1]), detect: suite([2]) }, { date: '2026-01-01' }), folder);
    publish(results({ fold: suite([3]) }), folder);
    publish(results({ fold: suite([9]) }, { date: '2026-01-03', size: 'quick' }), folder);
    expect(newestPublished('full', folder)).toEqual({ fold: suite([3]), detect: suite([2]) });
    expect(newestPublished('quick', folder)).toEqual({ fold: suite([9]) });
    expect(newestPublished('full', join(folder, 'none'))).toEqual({});
  });
});
