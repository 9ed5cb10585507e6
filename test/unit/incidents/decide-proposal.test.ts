import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createProposalIndex } from '../../../src/feed/proposal-index.ts';
import { evolve } from '../../../src/incidents/evolve.ts';
import { readCommand } from '../../../src/incidents/read-command.ts';
import { decide } from '../../../src/incidents/reducer.ts';
import { createState, nextDeadline } from '../../../src/incidents/state.ts';
import { encode } from '../../../src/log/codec.ts';
import type { Change, Command, CommandBody, DecideProposalCommand } from '../../../src/model/commands.ts';
import type { Actor } from '../../../src/model/incident.ts';
import { isOpenProposal, type StoredProposal } from '../../../src/model/proposal.ts';
import { MAX_PROPOSALS } from '../../../src/model/proposals-kept.ts';
import {
  ANA,
  BEN,
  type Desk,
  detectorSettings,
  openDesk,
  PROPOSAL,
  proposalRead,
  proposeCommand,
  settingsCommand,
  T0_MS,
} from '../../support/decider.ts';

const DAY_MS = 86_400_000;
const SHADOW = detectorSettings({ mode: 'shadow' });
const idOf = (n: number): string => n.toString(16).padStart(16, '0');

const say = (decision: DecideProposalCommand['decision'], proposal = PROPOSAL): DecideProposalCommand => ({
  type: 'decide_proposal',
  proposal,
  decision,
});
const types = (changes: readonly Change[]): string[] => changes.map(({ type }) => type);
const refusalOf = (changes: readonly Change[]) => changes[0]?.refusal;
const kept = (desk: Desk, id = PROPOSAL): StoredProposal | undefined => desk.state.proposals.get(id);
const version = (desk: Desk) => desk.state.detectors.get('card-declines')?.current.rule.version;

/** Proposed by ana, and read. */
function proposed(settings = SHADOW, by: Actor = ANA, desk = openDesk()): Desk {
  desk.tell(proposeCommand(settings), by);
  desk.tell(proposalRead());
  return desk;
}

describe('a proposal, as the manager decides it', () => {
  it('is read, and applied as a settings version with what it would have done as its reason', () => {
    const desk = openDesk();
    expect(types(desk.tell(proposeCommand(SHADOW, { why: 'too loud' }), ANA))).toEqual(['proposed']);
    expect(kept(desk)).toMatchObject({
      state: 'reading',
      by: ANA,
      at: T0_MS + 1_000,
      changes: ['mode alert → shadow'],
    });
    expect(refusalOf(desk.tell(say('apply'), BEN))).toMatchObject({ code: 'invalid_transition' });
    expect(types(desk.tell(proposalRead()))).toEqual(['proposal_read']);
    expect(kept(desk)).toMatchObject({ state: 'proposed', readAt: T0_MS + 3_000, words: '1 → 2 incidents in 30 days' });
    expect(types(desk.tell(say('apply'), BEN))).toEqual(['settings_accepted', 'proposal_decided']);
    expect(desk.last[0]?.accepted).toMatchObject({
      rule: { version: 2, settings: { mode: 'shadow' } },
      actor: BEN,
      proposedBy: ANA,
      why: 'too loud: 1 → 2 incidents in 30 days, proposed by ana',
    });
    expect(kept(desk)).toMatchObject({ state: 'applied', decidedBy: BEN });
  });

  it('is decided once: who comes second is told who was first, and changes nothing', () => {
    const desk = proposed();
    desk.tell(say('discard'), ANA);
    for (const decision of ['apply', 'discard'] as const) {
      expect(types(desk.tell(say(decision), BEN))).toEqual(['refused']);
      expect(refusalOf(desk.last)?.message).toBe('It was discarded already by ana. Nothing was changed.');
    }
    expect([kept(desk)?.state, version(desk)]).toEqual(['discarded', 1]);
    const applied = proposed();
    applied.tell(say('apply'), BEN);
    expect(refusalOf(applied.tell(say('discard'), ANA))?.message).toBe(
      'It was applied already by Ben. Nothing was changed.',
    );
    expect(version(applied)).toBe(2);
  });

  it('takes the same click, delivered twice, for one', () => {
    const desk = proposed();
    desk.tell(say('discard'), ANA, { id: 'click' });
    expect(refusalOf(desk.tell(say('discard'), ANA, { id: 'click' }))?.code).toBe('repeated');
  });

  it('is the same while it is open if it is asked again by the same kind of author; afterwards another', () => {
    const desk = proposed();
    const bo: Actor = { kind: 'slack', id: 'U0BO', name: 'bo' };
    const again = desk.tell(proposeCommand(SHADOW, { proposal: idOf(2) }), bo);
    expect([types(again), again[0]?.proposal]).toEqual([['seen'], kept(desk)]);
    expect(types(desk.tell(proposeCommand(SHADOW, { proposal: idOf(3) }), BEN))).toEqual(['proposed']);
    desk.tell(say('discard'), ANA);
    expect(types(desk.tell(proposeCommand(SHADOW, { proposal: idOf(4) }), ANA))).toEqual(['proposed']);
    expect([...desk.state.proposals.keys()]).toEqual([PROPOSAL, idOf(3), idOf(4)]);
  });

  it('is refused at once where it cannot be, and kept nowhere', () => {
    const desk = openDesk();
    const refused = (body: CommandBody) => refusalOf(desk.tell(body, ANA))?.code;
    expect(refused(proposeCommand(SHADOW, { basedOn: 0 }))).toBe('stale_version');
    expect(refused(proposeCommand(SHADOW, { detector: 'nothing' }))).toBe('not_found');
    expect(refused(proposeCommand(detectorSettings({ thresholds: {} })))).toBe('invalid_request');
    expect(refused(proposeCommand(detectorSettings({ name: 'other' }), { detector: 'card-declines' }))).toBe(
      'invalid_request',
    );
    expect(refused(proposeCommand(SHADOW, { change: { why: 'x'.repeat(40_000) } }))).toBe('invalid_request');
    expect(refused(say('apply'))).toBe('not_found');
    expect(desk.state.proposals.size).toBe(0);
    desk.tell(proposeCommand(SHADOW, { why: 'x'.repeat(2_000) }), ANA);
    expect(kept(desk)?.why).toHaveLength(500);
    expect(refused(proposeCommand(detectorSettings({ mode: 'off' })))).toBe('invalid_request');
  });

  it('takes the first reading, or why there is none', () => {
    const desk = openDesk();
    desk.tell(proposeCommand(SHADOW), ANA);
    desk.tell(proposalRead({ words: 'first' }), undefined, { id: 'one' });
    expect(types(desk.tell(proposalRead({ words: 'second' }), undefined, { id: 'two' }))).toEqual(['seen']);
    expect(kept(desk)?.words).toBe('first');
    const other = openDesk();
    other.tell(proposeCommand(SHADOW), ANA);
    other.tell(proposalRead({ problem: 'The log has a gap.' }));
    expect(kept(other)).toMatchObject({ state: 'refused', problem: 'The log has a gap.', readAt: null });
    expect(refusalOf(other.tell(say('apply'), BEN))?.message).toBe('The log has a gap.');
  });
});

describe('a proposal that needs a second person', () => {
  const strict = detectorSettings({ approval: 'loosening' });
  const quiet = { ...strict, mode: 'shadow' } as const;

  it('says so, stays open when its proposer applies it, and is applied by another', () => {
    const desk = proposed(quiet, ANA, openDesk(strict));
    expect(kept(desk)?.secondPerson).toMatch(/quieter \(mode\)/);
    expect(refusalOf(desk.tell(say('apply'), ANA))).toMatchObject({ code: 'approval_needed' });
    expect([types(desk.last), kept(desk)?.state, version(desk)]).toEqual([['refused'], 'proposed', 1]);
    desk.tell(say('apply'), BEN);
    expect(desk.last[0]?.accepted).toMatchObject({ actor: BEN, proposedBy: ANA });
  });

  it('is not another one if the proposer asks for it again by the same door, nor when somebody claims to have proposed it', () => {
    const desk = proposed(quiet, ANA, openDesk(strict));
    const claimed = { ...settingsCommand(quiet, { basedOn: 1 }), proposedBy: BEN };
    expect(refusalOf(desk.tell(claimed, ANA))?.code).toBe('approval_needed');
    expect(version(desk)).toBe(1);
  });
});

describe('a proposal that nobody decides on', () => {
  it('is overtaken by another version, or applied by the very same one', () => {
    const desk = proposed();
    const same = idOf(5);
    const loud = detectorSettings({ thresholds: { warning: 2 } });
    desk.tell(proposeCommand(loud, { proposal: same }), ANA);
    expect(types(desk.tell(settingsCommand(loud, { basedOn: 1 }), BEN))).toEqual([
      'settings_accepted',
      'proposal_decided',
      'proposal_decided',
    ]);
    expect(kept(desk, same)).toMatchObject({ state: 'applied', decidedBy: BEN });
    expect(kept(desk)).toMatchObject({ state: 'refused', decidedBy: null });
    expect(kept(desk)?.problem).toMatch(/is at version 2 since .* \(Ben\); this was made from version 1/);
    expect(refusalOf(desk.tell(say('apply'), ANA))?.message).toBe(kept(desk)?.problem);
  });

  it('of the same detector goes when another one is applied, also when the detector is removed', () => {
    const desk = proposed();
    desk.tell(proposeCommand(detectorSettings({ mode: 'off' }), { proposal: idOf(6) }), BEN);
    desk.tell(say('apply'), BEN);
    expect([kept(desk)?.state, kept(desk, idOf(6))?.state]).toEqual(['applied', 'refused']);
    const removed = proposed();
    removed.tell(settingsCommand(null, { basedOn: 1 }), BEN);
    expect(kept(removed)?.state).toBe('refused');
  });

  it('expires after 14 days by a timer, which is due then', () => {
    const desk = proposed();
    const due = T0_MS + 1_000 + 14 * DAY_MS;
    expect(nextDeadline(desk.state)).toBe(due);
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: due - T0_MS - 1 }))).toEqual(['seen']);
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: due - T0_MS }))).toEqual(['proposal_decided']);
    expect(kept(desk)).toMatchObject({ state: 'refused', problem: expect.stringMatching(/within 14 days/) });
    expect(nextDeadline(desk.state)).toBeNull();
  });

  it('cannot be applied after that, even if the timer comes later', () => {
    const desk = proposed();
    const late = desk.tell(say('apply'), BEN, { at: 1_000 + 14 * DAY_MS });
    expect(types(late)).toEqual(['refused', 'proposal_decided']);
    expect([kept(desk)?.state, version(desk)]).toEqual(['refused', 1]);
  });

  it('is forgotten when there are too many: decided ones first, then the eldest', () => {
    const desk = proposed();
    desk.tell(say('discard'), ANA);
    const propose = (n: number) =>
      desk.tell(proposeCommand(detectorSettings({ quietForS: 3_600 + n }), { proposal: idOf(n), change: { n } }), ANA);
    for (let n = 1; n <= MAX_PROPOSALS; n += 1) propose(n);
    expect([desk.state.proposals.size, kept(desk), kept(desk, idOf(1))?.state]).toEqual([200, undefined, 'reading']);
    propose(MAX_PROPOSALS + 1);
    expect([desk.state.proposals.size, kept(desk, idOf(1))]).toEqual([200, undefined]);
    expect(refusalOf(desk.tell(say('discard', idOf(1)), ANA))?.code).toBe('not_found');
  });
});

describe('the fold of proposals', () => {
  const by = fc.constantFrom(ANA, BEN);
  const id = fc.integer({ min: 1, max: 4 }).map(idOf);
  const body: fc.Arbitrary<CommandBody> = fc.oneof(
    fc
      .record({ id, basedOn: fc.integer({ min: 1, max: 4 }), mode: fc.constantFrom('off', 'shadow', 'alert') })
      .map(({ id: proposal, basedOn, mode }) =>
        proposeCommand(detectorSettings({ mode: mode as 'off', approval: 'loosening' }), { proposal, basedOn }),
      ),
    id.map((proposal) => proposalRead({ proposal })),
    fc
      .record({ id, decision: fc.constantFrom('apply', 'discard') })
      .map(({ id: proposal, decision }) => say(decision as 'apply', proposal)),
    fc.constant({ type: 'timer' } as const),
  );
  const commands = fc.array(fc.record({ body, by, days: fc.integer({ min: 0, max: 5 }) }), { maxLength: 25 });

  it('is the same from the log in every process, decides each once, and never by its proposer where that needs another', () => {
    fc.assert(
      fc.property(commands, (asked) => {
        const desk = openDesk(detectorSettings({ approval: 'loosening' }));
        let days = 0;
        for (const { body: one, by: actor, days: more } of asked) {
          days += more;
          // As it comes out of the log.
          const command: Command = { id: 'read', at: 0, actor, body: one };
          desk.tell(readCommand(encode('commands', command)).body, actor, { at: days * DAY_MS });
        }
        const index = createProposalIndex();
        for (const change of desk.changes) index.take(change);
        expect(index.queries.proposals()).toEqual([...desk.state.proposals.values()].reverse());
        let again = createState();
        for (const [offset, command] of desk.commands.entries()) again = evolve(again, decide(again, command, offset));
        expect(again.proposals).toEqual(desk.state.proposals);
        expectDecidedOnce(desk.changes);
        for (const { accepted } of desk.changes)
          if (accepted?.proposedBy?.id === accepted?.actor.id && accepted?.proposedBy !== undefined)
            expect(accepted.rule.settings?.mode).toBe('alert');
      }),
    );
  });

  function expectDecidedOnce(changes: readonly Change[]): void {
    const over = new Map<string, number>();
    for (const { proposal, type } of changes)
      if (proposal !== undefined && !isOpenProposal(proposal) && type !== 'seen')
        over.set(proposal.id, (over.get(proposal.id) ?? 0) + 1);
    expect([...over.values()].filter((times) => times !== 1)).toEqual([]);
  }
});

describe('a record about proposals that is not sound', () => {
  const incident = { entity: { kind: 'card', value: 'fp', label: '' } };
  const result = { added: [incident], removed: [] };
  it.each<[string, object]>([
    ['another id', { ...proposeCommand(SHADOW), proposal: '../../etc' }],
    ['no detector', { ...proposeCommand(SHADOW), detector: '' }],
    ['no settings', { ...proposeCommand(SHADOW), settings: 'none' }],
    ['no version', { ...proposeCommand(SHADOW), basedOn: 1.5 }],
    ['no words', { ...proposalRead(), words: 7 }],
    ['no list', { ...proposalRead(), result: { ...result, added: {} } }],
    ['a long list', { ...proposalRead(), result: { ...result, removed: Array(21).fill(incident) } }],
    ['an incident on nobody', { ...proposalRead(), result: { ...result, added: [{}] } }],
    ['an unknown decision', { ...say('apply'), decision: 'delete' }],
    ['a decision of nothing', { ...say('apply'), proposal: null }],
  ])('is not read: %s', (_, odd) => {
    const record = encode('commands', { id: 'one', at: 1, actor: ANA, body: odd });
    expect(() => readCommand(record)).toThrow(/A record of commands/);
  });

  it('is read when it is', () => {
    const record = encode('commands', { id: 'one', at: 1, actor: ANA, body: { ...proposalRead(), result } });
    expect(readCommand(record).body).toMatchObject({ type: 'proposal_read', result });
  });
});
