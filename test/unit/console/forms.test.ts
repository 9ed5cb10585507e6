import { describe, expect, it } from 'vitest';
import { formAction, formDetectorChange, formProposal } from '../../../src/console/forms.ts';
import { safeNext } from '../../../src/console/page-login.ts';
import { detectorSettings } from '../../support/decider.ts';

const NOW = 1_700_000_000_000;
const action = (name: Parameters<typeof formAction>[0]['action'], fields: Record<string, string>) =>
  formAction({ action: name, incident: 'INC-1', form: new URLSearchParams(fields), now: NOW });

describe('forms', () => {
  it('ask for the same commands as the API', () => {
    expect(action('acknowledge', { form: 'x' })).toEqual({ type: 'acknowledge', incident: 'INC-1' });
    expect(action('resolve', { verdict: 'fraud', note: 'a\r\nb' })).toMatchObject({ verdict: 'fraud', note: 'a\nb' });
    expect(action('mute', { until: '2h' })).toMatchObject({ until: NOW + 7_200_000 });
    expect(action('mute', { until: '' })).toMatchObject({ until: null });
    expect(action('assign', { owner: ' ' })).toMatchObject({ owner: null });
    expect(() => action('resolve', {})).toThrow('not understood');
  });

  it('change thresholds: an empty one is taken away, one that is no number is refused later', () => {
    const form = new URLSearchParams({
      notice: '',
      warning: '4',
      critical: 'many',
      mode: 'alert',
      basedOn: '3',
      why: 'x',
    });
    expect(formDetectorChange(form)).toEqual({
      thresholds: { notice: null, warning: 4, critical: Number.NaN },
      mode: 'alert',
      basedOn: 3,
      why: 'x',
    });
  });

  it('propose what differs, and a longer window with what must be as long', () => {
    const settings = detectorSettings();
    const same = { notice: '', warning: '3', critical: '8', window: '10m', mode: 'alert' };
    const asked = (fields: Record<string, string>) =>
      formProposal(new URLSearchParams({ ...same, ...fields }), settings);
    expect(asked({ why: ' x ' })).toEqual({ change: {}, why: 'x' });
    expect(asked({ window: '600s' }).change).toEqual({});
    expect(asked({ warning: '4', critical: '', mode: 'shadow' }).change).toEqual({
      thresholds: { warning: 4, critical: null },
      mode: 'shadow',
    });
    expect(asked({ window: '30m' }).change).toEqual({ window: '30m' });
    expect(asked({ window: '2h' }).change).toEqual({ window: '2h', quietFor: '2h' });
    // What is nonsense is refused where it is proposed.
    expect(asked({ warning: 'many', window: 'soon' }).change).toEqual({
      thresholds: { warning: Number.NaN },
      window: 'soon',
    });
  });
});

describe('where the login leads', () => {
  it.each(['/', '/incidents/INC-1?x=1', '/detectors/a'])('%s is ours', (next) => expect(safeNext(next)).toBe(next));

  it.each([
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    '\\\\evil',
    'javascript:alert(1)',
    '',
    '/login?next=/',
    '/a\r\nSet-Cookie: x=1',
    '/\t/evil.example',
  ])('%j is not', (next) => expect(safeNext(next)).toBe('/'));
});
