// The offer to promote a detector as a message: against golden files, Slack's limits, and with hostile strings.
import { describe, expect, it } from 'vitest';
import { promotionCard } from '../../../src/alerts/blocks-promotion.ts';
import type { Card } from '../../../src/alerts/notice.ts';
import { messageProblems } from '../../support/block-kit.ts';
import { expectInert, HOSTILE } from '../../support/hostile.ts';

const consoleUrl = 'http://127.0.0.1:4243';
const AT = Date.UTC(2026, 9, 1, 12, 0, 0);

const PROMOTION = {
  detector: 'small-amounts',
  version: 3,
  since: AT - 10 * 86_400_000,
  words: 'would have fired 12 times (8.4 a week) in 10 days, 9 of them beside another alert, none of them judged yet',
};

const GOLDEN: Readonly<Record<string, Card>> = {
  promotion: promotionCard(PROMOTION, { title: 'Small amounts', consoleUrl, decision: null }),
  'promotion-decided': promotionCard(PROMOTION, {
    title: 'Small amounts',
    consoleUrl,
    decision: 'Promoted by <@U0ANA>: it alerts from now on.',
  }),
};

describe('golden notices', () => {
  it.each(Object.entries(GOLDEN))('%s', async (name, card) => {
    expect(messageProblems(card)).toEqual([]);
    await expect(`${JSON.stringify(card, null, 2)}\n`).toMatchFileSnapshot(`../../fixtures/alerts/notice-${name}.json`);
  });
});

describe('the offer to promote', () => {
  it('has its buttons until it is decided', () => {
    expect(JSON.stringify(GOLDEN.promotion)).toContain('"action_id":"promote-detector","value":"small-amounts:3"');
    expect(JSON.stringify(GOLDEN['promotion-decided'])).not.toContain('action_id');
  });

  it('stays within Slack’s limits, and inert', () => {
    const hostile = { ...PROMOTION, detector: HOSTILE, words: HOSTILE.repeat(99) };
    const card = promotionCard(hostile, { title: HOSTILE.repeat(9), consoleUrl, decision: null });
    expect(messageProblems(card)).toEqual([]);
    expectInert(card);
  });
});
