// A process may end at any record that it writes: what the next one reads and decides again must come to the same.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { evolve } from '../../../src/incidents/evolve.ts';
import { loadState } from '../../../src/incidents/load.ts';
import { decide } from '../../../src/incidents/reducer.ts';
import { encode } from '../../../src/log/codec.ts';
import type { EventLog, StoredRecord } from '../../../src/log/event-log.ts';
import type { AcceptedSettings, Change, Command } from '../../../src/model/commands.ts';
import { comparePositions } from '../../../src/model/commands.ts';
import type { TopicName } from '../../../src/model/topics.ts';
import {
  ANA,
  BEN,
  detectorSettings,
  ENGINE,
  episode,
  openDesk,
  PROPOSAL,
  proposalRead,
  proposeCommand,
  report,
  settingsCommand,
} from '../../support/decider.ts';

type Topics = Readonly<Partial<Record<TopicName, readonly string[]>>>;

/** As much of a log as loading reads. */
function logOf(topics: Topics): EventLog {
  const recordsOf = (topic: TopicName): StoredRecord[] =>
    (topics[topic] ?? []).map((value, offset) => ({ partition: 0, offset, key: null, value, timeMs: 0 }));
  return {
    ends: async (topic: TopicName) => [{ partition: 0, first: 0, next: recordsOf(topic).length }],
    read: async function* (topic: TopicName) {
      yield recordsOf(topic);
    },
  } as unknown as EventLog;
}

/** A story with commands that write several changes, settings in between, people and a storm. */
function story(): { readonly commands: readonly Command[]; readonly changes: readonly Change[] } {
  const desk = openDesk(detectorSettings({ stormAfter: 2 }));
  const of = (card: string) => ({ entity: { kind: 'card', value: card, label: card } as const });
  desk.tell(report(1, [episode(0, 10), episode(8_000, 8_010)], of('a')));
  desk.tell(report(2, [episode(0, 10)], of('b')));
  desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA);
  desk.tell(settingsCommand(detectorSettings({ thresholds: { warning: 2 } }), { basedOn: 1 }), ANA);
  desk.tell({ type: 'acknowledge', incident: 'INC-4' }, ANA);
  desk.tell({ type: 'timer' });
  desk.tell(report(5, [episode(0, 8_010, { attemptCount: 9 })], of('a')));
  desk.tell({ type: 'resolve', incident: 'INC-4', verdict: 'fraud', note: '' }, ANA);
  desk.tell(settingsCommand(detectorSettings({ windowS: 60 }), { basedOn: 2 }), ENGINE);
  desk.tell({ type: 'timer' });
  // Of two that are open one is applied, which writes three changes.
  desk.tell(proposeCommand(detectorSettings({ mode: 'shadow' }), { basedOn: 3 }), ANA);
  desk.tell(proposeCommand(detectorSettings({ mode: 'off' }), { basedOn: 3, proposal: 'ffffffffffffffff' }), BEN);
  desk.tell(proposalRead());
  desk.tell({ type: 'decide_proposal', proposal: PROPOSAL, decision: 'apply' }, BEN);
  desk.tell({ type: 'decide_proposal', proposal: PROPOSAL, decision: 'discard' }, ANA);
  desk.tell(report(9, [episode(0, 8_010, { attemptCount: 30 }), episode(20_000, 20_000)], of('a')));
  return desk;
}

function withoutRepeats(changes: readonly Change[]): readonly Change[] {
  let last = { offset: -1, index: -1 };
  return changes.filter(({ position }) => {
    const isNew = comparePositions(position, last) > 0;
    if (isNew) last = position;
    return isNew;
  });
}

it('goes on from any change, and any settings record, that was the last to be written', async () => {
  const { commands, changes } = story();
  const accepted = changes.flatMap((change): AcceptedSettings[] => (change.accepted ? [change.accepted] : []));
  const read = commands.map((command) => encode('commands', command));
  await fc.assert(
    fc.asyncProperty(fc.nat(changes.length), fc.nat(accepted.length), async (written, recorded) => {
      const before = changes.slice(0, written);
      const possible = accepted.filter(({ position }) =>
        before.some((one) => comparePositions(one.position, position) === 0),
      );
      const log = logOf({
        commands: read,
        incidents: before.map((change) => encode('incidents', change)),
        'detector-settings': possible.slice(0, recorded).map((one) => encode('detector-settings', one)),
      });
      const loaded = await loadState(log);
      expect(loaded.unrecorded).toEqual(possible.slice(recorded));
      let { state } = loaded;
      const after = commands.slice(loaded.resumeAt).flatMap((command, index) => {
        const decided = decide(state, command, loaded.resumeAt + index);
        state = evolve(state, decided);
        return decided;
      });
      expect(withoutRepeats([...before, ...after])).toEqual(changes);
    }),
  );
});
