// Why it alerted, or not: each reason once, over the log and the incidents that the lanes made.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submitCommand } from '../../../src/feed/submit.ts';
import type { View } from '../../../src/model/attempt.ts';
import type { DetectorSettings } from '../../../src/model/detector.ts';
import type { WhyAnswer, WhyQuestion } from '../../../src/model/why.ts';
import { why } from '../../../src/tuning/why.ts';
import { ANA } from '../../support/decider.ts';
import { append, rule, START_S } from '../../support/detect.ts';
import { type Lanes, openLanes, PII_KEY, received } from '../../support/lanes.ts';

let lanes: Lanes;
beforeEach(async () => {
  lanes = await openLanes();
});
afterEach(async () => await lanes.close());

const ask = async (question: WhyQuestion): Promise<WhyAnswer> => await why({ ...lanes, piiKey: PII_KEY }, question);
const reasons = ({ detectors }: WhyAnswer): Record<string, string> =>
  Object.fromEntries(detectors.map(({ detector, reason }) => [detector, reason]));

async function declined(count: number, fields: View['fields'] = {}, name = 'ch'): Promise<void> {
  const views = Array.from({ length: count }, (_, i) => received(`${name}_${i}`, START_S + i, START_S + i, fields));
  await append(lanes.log, ...views);
  await lanes.settled();
}

const settings = (facts: Partial<DetectorSettings>): DetectorSettings => {
  const made = rule(facts).settings;
  if (made === null) throw new Error('a rule has settings');
  return made;
};

describe('why', () => {
  it('names the incident, with the value now and the largest', async () => {
    await declined(4, { card: 'hot', customer: 'cus_1' });
    const answer = await ask({ entity: { kind: 'card', value: 'hot' } });
    expect(answer).toMatchObject({ attempt: null, isWhole: true });
    expect(answer.detectors).toMatchObject([
      {
        detector: 'card-declines',
        entity: { kind: 'card', value: 'hot', label: 'visa •••• 4242' },
        peak: { value: 4, atMs: (START_S + 3) * 1000, severity: 'warning' },
        reason: 'told',
        incident: { id: 'INC-1', status: 'open' },
        mutedUntil: null,
      },
    ]);
    const value = answer.detectors[0]?.value;
    // The window has moved on by as much as the test has let time pass.
    expect(value).toBe(answer.atMs / 1000 - START_S < 600 ? 4 : 0);
  });

  it('says below, no match, nothing to count on', async () => {
    await declined(2, { card: 'cold' });
    const paid = { card: 'cold', result: { outcome: 'succeeded', code: '', class: '' } } as const;
    await append(lanes.log, received('ch_paid', START_S + 5, START_S + 5, paid));
    await lanes.settled();
    expect(reasons(await ask({ entity: { kind: 'card', value: 'cold' } }))).toEqual({
      'card-declines': 'below_threshold',
    });
    const asked = await ask({ attempt: 'ch_1' });
    expect(asked.attempt).toMatchObject({ id: 'ch_1', outcome: 'declined', code: 'insufficient_funds', class: 'G' });
    expect(reasons(asked)).toEqual({ 'card-declines': 'below_threshold', 'cards-of-customer': 'no_entity' });
    expect(asked.detectors[0]).toMatchObject({ value: 2 });
    expect(reasons(await ask({ attempt: 'ch_paid' }))).toMatchObject({ 'card-declines': 'no_match' });
    expect((await ask({ entity: { kind: 'card', value: 'never' } })).detectors).toEqual([]);
    await expect(ask({ attempt: 'ch_never' })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('judges an attempt at its own time', async () => {
    await declined(5, { card: 'hot' });
    const [early] = (await ask({ attempt: 'ch_0' })).detectors;
    expect(early).toMatchObject({ value: 1, reason: 'told', incident: { id: 'INC-1' } });
    const [late] = (await ask({ attempt: 'ch_4' })).detectors;
    expect(late).toMatchObject({ value: 5, reason: 'told' });
  });

  it('says muted, shadow, off, withdrawn', async () => {
    await declined(3, { card: 'hot' });
    const until = lanes.clock.now() + 3_600_000;
    const { id } = await submitCommand(lanes, { actor: ANA, body: { type: 'mute', incident: 'INC-1', until } });
    expect((await lanes.feed.waitForCommand(id, 10_000))?.refusal).toBeNull();
    const hot = { entity: { kind: 'card', value: 'hot' } } as const;
    expect((await ask(hot)).detectors).toMatchObject([{ reason: 'muted', mutedUntil: until }]);

    const base = settings({ name: 'card-declines', stormAfter: 10_000 });
    await lanes.setSettings({ ...base, mode: 'shadow' }, 1);
    await declined(3, { card: 'second' }, 'second');
    expect(reasons(await ask({ entity: { kind: 'card', value: 'second' } }))).toEqual({ 'card-declines': 'shadow' });
    await lanes.setSettings({ ...base, mode: 'off' }, 2);
    await declined(3, { card: 'third' }, 'third');
    expect(reasons(await ask({ entity: { kind: 'card', value: 'third' } }))).toEqual({ 'card-declines': 'off' });

    const paid = { card: 'second', result: { outcome: 'succeeded', code: '', class: '' } } as const;
    const taken = received('second_1', START_S + 1, START_S + 2, paid);
    await append(lanes.log, { ...taken, event: 'evt_paid', created: START_S + 9 });
    await lanes.settled();
    expect(reasons(await ask({ entity: { kind: 'card', value: 'second' } }))).toEqual({ 'card-declines': 'withdrawn' });
  });

  it('finds an e-mail by its hash too, and shows neither', async () => {
    const where = 'outcome == "declined" && email != ""';
    await lanes.setSettings(settings({ name: 'by-email', per: 'email', where, stormAfter: 10_000 }), 0);
    await declined(3, { email: 'jane.roe@example.com' });
    const plain = await ask({ entity: { kind: 'email', value: 'jane.roe@example.com' } });
    expect(plain.detectors).toMatchObject([{ detector: 'by-email', reason: 'told', peak: { value: 3 } }]);
    const hash = plain.detectors[0]?.entity?.value ?? '';
    expect(hash).toMatch(/^[0-9a-f]{32}$/);
    const hashed = await ask({ entity: { kind: 'email', value: hash } });
    expect(hashed.detectors).toEqual(plain.detectors.map((one) => ({ ...one, value: hashed.detectors[0]?.value })));
    expect(JSON.stringify([plain, hashed])).not.toContain('example.com');
  });

  it('counts ratios, sums and distinct values', async () => {
    const ratio = { name: 'ratio', count: 'ratio', of: 'true', minimum: 4, thresholds: { warning: 0.5 } } as const;
    await lanes.setSettings(settings(ratio), 0);
    const sum = { name: 'sum', count: 'sum(amount)', currency: 'usd', thresholds: { warning: 10_000 } } as const;
    await lanes.setSettings(settings(sum), 0);
    await lanes.setSettings(settings({ name: 'emails', count: 'distinct(email)', thresholds: { warning: 9 } }), 0);
    await declined(2, { card: 'c', email: 'a@x.io' });
    const paid = { card: 'c', email: 'b@x.io', result: { outcome: 'succeeded', code: '', class: '' } } as const;
    await append(lanes.log, received('ch_paid', START_S + 1, START_S + 1, paid));
    await lanes.settled();
    const { detectors } = await ask({ attempt: 'ch_1' });
    const found = Object.fromEntries(detectors.map(({ detector, value, reason }) => [detector, [value, reason]]));
    expect(found).toMatchObject({
      ratio: [2 / 3, 'below_minimum'],
      sum: [2_000, 'below_threshold'],
      emails: [1, 'below_threshold'],
    });
  });
});
