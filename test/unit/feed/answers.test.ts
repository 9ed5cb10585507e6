import { describe, expect, it } from 'vitest';
import { createAnswers } from '../../../src/feed/answers.ts';
import type { Change } from '../../../src/model/commands.ts';
import { changeTo, sampleIncident } from '../../support/sample-incident.ts';

const answer = (command: string, overrides: Partial<Change> = {}): Change => ({
  ...changeTo(sampleIncident(), 1),
  command,
  asked: 'acknowledge',
  ...overrides,
});

describe('answers', () => {
  it('reach those who wait and those who ask afterwards', async () => {
    const answers = createAnswers();
    const waiting = answers.wait('a', 5_000);
    const change = answer('a');
    answers.take(change);
    expect(await waiting).toBe(change);
    expect(await answers.wait('a', 0)).toBe(change);
  });

  it('are the first of a command that came twice', async () => {
    const answers = createAnswers();
    const first = answer('a');
    answers.take(first);
    answers.take(answer('a', { type: 'refused', refusal: { code: 'repeated', message: '' } }));
    expect(await answers.wait('a', 0)).toBe(first);
  });

  it('are null when none comes in time, or at close', async () => {
    const answers = createAnswers();
    expect(await answers.wait('a', 1)).toBeNull();
    const waiting = answers.wait('b', 60_000);
    answers.close();
    expect(await waiting).toBeNull();
  });

  it('of many commands are let go, the eldest first', async () => {
    const answers = createAnswers();
    for (let i = 0; i <= 2_000; i++) answers.take(answer(`c${i}`));
    expect(await answers.wait('c0', 0)).toBeNull();
    expect(await answers.wait('c1', 0)).not.toBeNull();
  });
});
