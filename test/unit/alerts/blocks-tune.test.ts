import { describe, expect, it } from 'vitest';
import { proposalCard, proposalOf } from '../../../src/alerts/blocks-proposal.ts';
import { noticeView, readTune, readTuneContext, shownView, tuneView } from '../../../src/alerts/blocks-tune.ts';
import type { ShownProposal, TuneForm } from '../../../src/alerts/bolt-tune-protocol.ts';
import type { Actor } from '../../../src/model/incident.ts';
import type { ProposalState } from '../../../src/model/proposal.ts';
import { elementsOf, messageProblems, viewProblems } from '../../support/block-kit.ts';

const ANA: Actor = { kind: 'slack', id: 'U0ANA', name: 'ana' };
const BO: Actor = { kind: 'slack', id: 'U0BO', name: 'bo' };
const CONSOLE = 'http://127.0.0.1:4243';
const HOSTILE = '<!channel> <@U1> *x* https://evil.example/ \u202e';

const form: TuneForm = {
  detector: 'card-declines',
  title: 'Declines on one card',
  version: 4,
  inForce: 'warning 3, critical 8 in 10 min, alert; version 4 by ana',
  unit: 'A whole number. Empty: none.',
  values: { mode: 'alert', notice: '', warning: '3', critical: '8', window: '10m' },
};

const proposal = (changed: Partial<ShownProposal> = {}): ShownProposal => ({
  id: '0123456789abcdef',
  detector: 'card-declines',
  by: { kind: 'sheet', id: 'sheet', name: 'the sheet' },
  at: 1_790_856_000_000,
  state: 'proposed',
  changes: ['warning 3 → 5'],
  progress: 1,
  words: '41 → 96 incidents in 30 days, +55',
  problem: '',
  decidedBy: null,
  why: 'too loud',
  ...changed,
});

const buttons = (blocks: readonly unknown[]): readonly unknown[] =>
  blocks.flatMap((block) => elementsOf(block as Record<string, unknown>).map(({ action_id: id }) => id));

describe('the form', () => {
  it('shows what is in force, in every field', () => {
    const view = tuneView(form);
    expect(viewProblems({ ...view })).toEqual([]);
    const text = JSON.stringify(view);
    expect(text).toContain('In force: warning 3, critical 8 in 10 min, alert; version 4 by ana');
    expect(text).toContain('"initial_option":{"value":"alert"');
    for (const value of ['3', '8', '10m']) expect(text).toContain(`"initial_value":"${value}"`);
    expect(readTuneContext(view.private_metadata ?? '')).toEqual({ detector: 'card-declines', basedOn: 4 });
    const long = { ...form, title: HOSTILE.repeat(50), inForce: '&'.repeat(2_000), unit: 'x'.repeat(100) };
    expect(viewProblems({ ...tuneView(long) })).toEqual([]);
    expect(JSON.stringify(tuneView(long))).not.toContain('<!channel>');
  });

  it('reads what was typed, and takes no context but its own', () => {
    const value = (field: string, text: unknown) => ({ [field]: { [field]: { value: text } } });
    const values = {
      mode: { mode: { selected_option: { value: 'shadow' } } },
      ...value('warning', '4'),
      ...value('why', null),
    };
    expect(readTune(values)).toEqual({ mode: 'shadow', notice: '', warning: '4', critical: '', window: '', why: '' });
    expect(readTune({ ...values, ...value('window', 7), ...value('why', 'x'.repeat(5_000)) })).toMatchObject({
      window: '',
      why: 'x'.repeat(501),
    });
    expect(readTune(null)).toMatchObject({ mode: '', warning: '' });
    for (const bad of [
      '',
      'null',
      '[]',
      '{"detector":1,"basedOn":1}',
      '{"detector":"x","basedOn":"1"}',
      '{"detector":"x"}',
    ])
      expect(readTuneContext(bad)).toBeNull();
    expect(viewProblems({ ...noticeView('x'.repeat(5_000)) })).toEqual([]);
  });

  it('shows the reading, the words, and buttons only where they can do something', () => {
    const blocks = (changed: Partial<ShownProposal>, viewer = ANA) =>
      shownView(proposal({ by: ANA, ...changed }), viewer).blocks;
    const text = (changed: Partial<ShownProposal>, viewer = ANA) => JSON.stringify(blocks(changed, viewer));
    const reading = { state: 'reading', progress: 0.42, words: '' } as const;
    expect(text(reading)).toContain('is being read: 42 % of the last 30 days');
    expect(buttons(blocks(reading))).toEqual(['discard-proposal']);
    expect(text({})).toContain('What it would have done: 41 → 96 incidents');
    expect(buttons(blocks({}))).toEqual(['apply-proposal', 'discard-proposal']);
    const alone = { secondPerson: 'This makes card-declines quieter.' };
    expect(text(alone)).toContain('Somebody else must apply it');
    expect(buttons(blocks(alone))).toEqual(['discard-proposal']);
    expect(buttons(blocks(alone, BO))).toEqual(['apply-proposal', 'discard-proposal']);
    for (const state of ['applied', 'discarded', 'refused'] as const) expect(buttons(blocks({ state }))).toEqual([]);
  });
});

describe('the message', () => {
  it.each<[ProposalState, Partial<ShownProposal>, RegExp, number]>([
    ['proposed', {}, /Nothing is changed before somebody applies it\.$/, 2],
    [
      'proposed',
      { secondPerson: 'Quieter.' },
      /Quieter\. Somebody else than somebody in the sheet must apply it\.$/,
      2,
    ],
    ['applied', { decidedBy: ANA }, /Applied by ana: in force ten seconds later\.$/, 0],
    ['discarded', { decidedBy: BO }, /Discarded by bo\. Nothing was changed\.$/, 0],
    [
      'refused',
      { problem: 'card-declines is at version 5.' },
      /No longer possible: card-declines is at version 5\.$/,
      0,
    ],
  ])('%s', (state, changed, last, count) => {
    const card = proposalCard(proposal({ state, ...changed }), CONSOLE);
    expect(messageProblems(card)).toEqual([]);
    expect(card.text).toMatch(
      /^Proposed for card-declines\nBy somebody in the sheet\.\n• warning 3 → 5\nWhat it would have done: 41 → 96/,
    );
    expect(card.text).toContain('Why: too loud');
    expect(card.text).toMatch(last);
    expect(buttons(card.blocks)).toHaveLength(count);
  });

  it.each<[string, Partial<ShownProposal>]>([
    ['proposal', {}],
    ['proposal-second-person', { secondPerson: 'This makes card-declines quieter (thresholds.warning).', by: ANA }],
    ['proposal-applied', { state: 'applied', decidedBy: BO }],
  ])('golden: %s', async (name, changed) => {
    const card = proposalCard(proposal(changed), CONSOLE);
    await expect(`${JSON.stringify(card, null, 2)}\n`).toMatchFileSnapshot(`../../fixtures/alerts/notice-${name}.json`);
  });

  it('keeps within Slack’s limits and lets no markup through, whoever wrote it', () => {
    for (const text of [HOSTILE.repeat(60), '&'.repeat(5_000), '😀'.repeat(3_000)]) {
      const full = proposal({
        detector: text,
        by: { kind: 'api', id: text, name: text },
        decidedBy: { kind: 'console', id: text, name: text },
        changes: Array.from({ length: 40 }, () => text),
        words: text,
        why: text,
        problem: text,
        secondPerson: text,
      });
      for (const state of ['proposed', 'refused', 'applied'] as const) {
        const card = proposalCard({ ...full, state }, CONSOLE);
        expect(messageProblems(card)).toEqual([]);
        expect(JSON.stringify(card)).not.toMatch(/<!channel|<@U1|https:\/\/evil|[\u202e]/);
        expect(viewProblems({ ...shownView({ ...full, state }, ANA, text) })).toEqual([]);
      }
    }
  });

  it('is recognised by its id alone', () => {
    expect(proposalOf('0123456789abcdef')).toBe('0123456789abcdef');
    for (const bad of [undefined, '', '0123', '0123456789ABCDEF', '0123456789abcdef:x'])
      expect(proposalOf(bad)).toBeNull();
  });
});
