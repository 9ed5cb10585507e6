import { describe, expect, it } from 'vitest';
import { readTyped, thresholdText, windowText } from '../../../src/model/typed-settings.ts';
import { detectorSettings } from '../../support/decider.ts';

const typed = (settings: ReturnType<typeof detectorSettings>, changed: Record<string, string> = {}) => {
  const text = (severity: 'notice' | 'warning' | 'critical') => thresholdText(settings.thresholds[severity], settings);
  const { mode, windowS } = settings;
  const shown = { mode, notice: text('notice'), warning: text('warning'), critical: text('critical') };
  return { ...shown, window: windowText(windowS), ...changed };
};

describe('what is typed', () => {
  it('changes nothing where it stands as it was shown, however it was rounded', () => {
    for (const settings of [
      detectorSettings(),
      detectorSettings({ count: 'ratio', thresholds: { warning: 1 / 3, critical: 2 / 3 } }),
      detectorSettings({ count: 'sum(amount)', currency: 'kwd', thresholds: { notice: 1_500 } }),
      detectorSettings({ count: 'sum(amount)', currency: 'jpy', thresholds: { notice: 1_500 } }),
    ])
      expect(readTyped(typed(settings), settings)).toEqual({ change: {}, problems: [] });
  });

  it('is read in the unit of what is counted', () => {
    const share = detectorSettings({ count: 'ratio', thresholds: { warning: 0.4 } });
    expect(readTyped(typed(share, { warning: '35,5 %', window: '2 h' }), share).change).toEqual({
      thresholds: { warning: 0.355 },
      window: '7200s',
      quietFor: '7200s',
    });
    const sum = detectorSettings({ count: 'sum(amount)', currency: 'eur', thresholds: { warning: 5_000 } });
    expect(readTyped(typed(sum, { warning: '', critical: '75.50', mode: ' Shadow' }), sum).change).toEqual({
      mode: 'shadow',
      thresholds: { warning: null, critical: 7_550 },
    });
  });

  it('is refused field by field', () => {
    const settings = detectorSettings();
    const bad = typed(settings, { mode: 'loud', notice: 'many', warning: '1,200', critical: '-1', window: 'soon' });
    expect(readTyped(bad, settings).problems).toEqual([
      { field: 'mode', message: 'is one of off, shadow, alert, not “loud”' },
      { field: 'notice', message: 'takes a number or nothing, not “many”' },
      { field: 'warning', message: '“1,200” could be a thousand or a fraction: write it without a separator' },
      { field: 'critical', message: 'must be above 0' },
      { field: 'window', message: 'takes a number and s, m, h or d, such as 10m, not “soon”' },
    ]);
  });

  it('is shown in the same words', () => {
    expect([windowText(600), windowText(90), windowText(86_400)]).toEqual(['10m', '90s', '1d']);
    const of = (
      value: number | undefined,
      count: 'attempts' | 'ratio' | 'sum(amount)',
      currency: string | null = null,
    ) => thresholdText(value, { count, currency });
    expect([of(3, 'attempts'), of(0.355, 'ratio'), of(150_050, 'sum(amount)', 'eur'), of(undefined, 'ratio')]).toEqual([
      '3',
      '35.5 %',
      '1500.50',
      '',
    ]);
  });
});
