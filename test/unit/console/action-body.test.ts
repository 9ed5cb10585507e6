import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACTIONS, isActionName, parseAction } from '../../../src/console/action-body.ts';
import { AppError } from '../../../src/model/errors.ts';
import { VERDICTS } from '../../../src/model/incident.ts';

const NOW = 1_700_000_000_000;
const parse = (action: (typeof ACTIONS)[number], body: unknown) =>
  parseAction({ action, incident: 'INC-1', body, now: NOW });

describe('what a POST asks for', () => {
  it('is a command', () => {
    expect(parse('acknowledge', undefined)).toEqual({ type: 'acknowledge', incident: 'INC-1' });
    expect(parse('acknowledge', { ifVersion: 3 })).toEqual({ type: 'acknowledge', incident: 'INC-1', ifVersion: 3 });
    for (const verdict of VERDICTS)
      expect(parse('resolve', { verdict })).toEqual({ type: 'resolve', incident: 'INC-1', verdict, note: '' });
    expect(parse('mute', { until: '30m' })).toMatchObject({ until: NOW + 1_800_000 });
    expect(parse('mute', { until: null })).toMatchObject({ until: null });
    expect(parse('assign', { owner: null })).toMatchObject({ owner: null });
  });

  it('counts characters of a note as people do', () => {
    expect(parse('note', { note: '🙂'.repeat(1_000) })).toMatchObject({ type: 'note' });
    expect(() => parse('note', { note: '🙂'.repeat(1_001) })).toThrow(AppError);
  });

  it('names every problem at once', () => {
    const attempt = () => parse('resolve', { verdict: 'x', note: 7, until: '1h', ifVersion: 0 });
    expect(attempt).toThrow(AppError);
    try {
      attempt();
    } catch (error) {
      expect((error as AppError).details.map(({ path }) => path)).toEqual(['until', 'ifVersion', 'verdict', 'note']);
    }
  });

  it('is a command or an error that says why, whatever is sent', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ACTIONS), fc.jsonValue(), (action, body) => {
        try {
          expect(parse(action, body).type).toBe(action);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
    );
  });

  it('is none of what objects inherit', () => {
    for (const name of ['constructor', 'toString', '__proto__', '']) expect(isActionName(name)).toBe(false);
  });
});
