import { describe, expect, it } from 'vitest';
import { createRecordEraser } from '../../../src/erasure/erase-record.ts';
import { createProposalIndex } from '../../../src/feed/proposal-index.ts';
import { decode, encode } from '../../../src/log/codec.ts';
import type { Change, Command } from '../../../src/model/commands.ts';
import type { EraseCommand } from '../../../src/model/erasure.ts';
import { tokenOf } from '../../../src/model/mask-erased.ts';
import { erasedName, identityOfName } from '../../../src/model/mask-names.ts';
import type { WhatIf, WhatIfIncident } from '../../../src/model/what-if.ts';
import { ANA, BEN, detectorSettings, openDesk, PROPOSAL, proposalRead, proposeCommand } from '../../support/decider.ts';

const PII_KEY = '22'.repeat(32);
const CARD = { kind: 'card', value: 'fp_4242' } as const;
const AS = erasedName(CARD, { piiKey: PII_KEY, nonce: 'one' });
const NAMED = { kind: 'card', value: identityOfName(AS), label: AS.slice(0, 13) };
const erase: EraseCommand = {
  type: 'erase',
  subjects: [{ kind: 'card', token: tokenOf(CARD), as: AS }],
  attempts: [],
  incidents: [],
  closed: [],
};

const incident = (value: string, label: string): WhatIfIncident => ({
  ...{ account: null, livemode: true, severity: 'warning', firstBreachAt: 1, lastBreachAt: 2, peak: 3 },
  ...{ attemptCount: 3, incident: null, disputes: 0, earlyFraudWarnings: 0 },
  entity: { kind: 'card', value, label },
});
const THEIRS = incident('fp_4242', 'visa •••• 4242');
const OTHER = incident('fp_other', 'visa •••• 1111');
const side = { incidents: 1, perWeek: 0.2, severities: {}, verdicts: {}, disputes: 0, earlyFraudWarnings: 0 };
const difference = { fraud: 0, customers: null, amounts: null };
const RESULT: WhatIf = {
  ...{ detector: 'card-declines', sinceMs: 0, untilMs: 1, records: 1, lacking: [], before: side, after: side },
  ...{ added: [THEIRS, OTHER], addedCount: 2, addedWith: difference },
  ...{ removed: [THEIRS], removedCount: 1, removedWith: difference, changedSeverity: 0 },
};
const ERASED = { added: [{ ...THEIRS, entity: NAMED }, OTHER], addedCount: 2, removed: [{ entity: NAMED }] };

function open() {
  const desk = openDesk();
  desk.tell(proposeCommand(detectorSettings({ mode: 'shadow' })), ANA);
  return desk;
}
const resultIn = (changes: readonly Change[]): WhatIf | null | undefined => {
  const index = createProposalIndex();
  for (const change of changes) index.take(change);
  return index.queries.proposal(PROPOSAL)?.result;
};

describe('what a proposal would have done, once somebody in it is erased', () => {
  it('names them no more: in the manager, in every process that follows, and in what is decided later', () => {
    const desk = open();
    desk.tell(proposalRead({ result: RESULT }));
    expect(resultIn(desk.changes)).toEqual(RESULT);
    desk.tell(erase, BEN);
    expect(desk.state.proposals.get(PROPOSAL)?.result).toMatchObject(ERASED);
    expect(resultIn(desk.changes)).toEqual(desk.state.proposals.get(PROPOSAL)?.result);
    desk.tell({ type: 'decide_proposal', proposal: PROPOSAL, decision: 'discard' }, BEN);
    expect(JSON.stringify(desk.last)).not.toMatch(/fp_4242|4242/);
  });

  it('names them no more although it was read by who had not heard of it; who comes again is somebody new', () => {
    const desk = open();
    desk.tell(erase, BEN);
    desk.tell(proposalRead({ result: RESULT }));
    expect(desk.state.proposals.get(PROPOSAL)?.result).toMatchObject(ERASED);
    const heard = open();
    heard.tell(erase, BEN);
    heard.tell(proposalRead({ result: RESULT, erased: 1 }));
    expect(heard.state.proposals.get(PROPOSAL)?.result).toEqual(RESULT);
  });

  it('is taken out of the records of commands and changes, and of no other', () => {
    const desk = open();
    desk.tell(proposalRead({ result: RESULT }));
    desk.tell(erase, BEN);
    const erasures = [...desk.state.erasures];
    const eraser = createRecordEraser(erasures, PII_KEY);
    const place = { partition: 0, offset: 0, key: null, timeMs: erasures[0]?.at ?? 0 };
    const commands = desk.commands.map((command) =>
      eraser('commands', { ...place, value: encode('commands', command) }),
    );
    expect(commands.map((after) => after !== null)).toEqual([false, false, true, false]);
    const read = decode<Command>('commands', commands[2]?.value ?? '').body;
    expect(read).toMatchObject({ type: 'proposal_read', proposal: PROPOSAL, result: ERASED });
    const changes = desk.changes.map((change) => eraser('incidents', { ...place, value: encode('incidents', change) }));
    expect(changes.map((after) => after !== null)).toEqual([false, false, true, false]);
    expect(changes[2]?.value).not.toContain('4242');
    const heard = encode('commands', { ...desk.commands[2], body: proposalRead({ result: RESULT, erased: 1 }) });
    expect(eraser('commands', { ...place, value: heard })).toBeNull();
  });
});
