// The reducer of `commands` (design §3): decide says what a command changes, evolve folds it. Deterministic: no clock
// (time is the greatest command time so far), no randomness, no I/O.
import type { Change, Command, IncidentAction } from '../model/commands.ts';
import { isIncidentAction } from '../model/commands.ts';
import type { Actor } from '../model/incident.ts';
import { eraseReport } from '../model/mask-told.ts';
import { decideAction } from './decide-action.ts';
import { decideErase } from './decide-erase.ts';
import { decideOperator } from './decide-operator.ts';
import { decideProposal, decideProposalRead, decidePropose, overtaken } from './decide-proposal.ts';
import { decideReport } from './decide-report.ts';
import { decideSettings } from './decide-settings.ts';
import { decideTimer } from './decide-timer.ts';
import { type Draft, refused, seen } from './draft.ts';
import type { State } from './state.ts';

export const MANAGER: Actor = { kind: 'engine', id: 'manager', name: '' };

/**
 * The changes of one command, at least one, with positions (offset, 0…). `command` null: a record that could not be read;
 * it changes nothing, but is counted as handled. Reads the state, never changes it.
 */
export function decide(state: State, command: Command | null, offset: number): readonly Change[] {
  const time = Math.max(state.time, command?.at ?? 0);
  const drafts = command === null ? [seen({ reason: 'unreadable' })] : draftsOf(state, command, { time, offset });
  let numbered = state.numbered;
  return drafts.map(({ accepted, ...draft }, index) => {
    if (draft.type === 'opened') numbered += 1;
    const position = { offset, index };
    return {
      position,
      command: command?.id ?? '',
      at: time,
      actor: command?.actor ?? MANAGER,
      asked: command?.body.type ?? '',
      numbered,
      incident: null,
      refusal: null,
      nextDeadline: null,
      ...draft,
      ...(accepted === undefined ? {} : { accepted: { ...accepted, position } }),
    };
  });
}

type Now = { readonly time: number; readonly offset: number };

function draftsOf(state: State, command: Command, { time, offset }: Now): readonly Draft[] {
  const { body } = command;
  // Detectors hear of an erase a little later: what they reported meanwhile is taken as if they had known.
  if (body.type === 'report') return decideReport(state, eraseReport(body, state.erasures, { isCoarse: true }), time);
  if (body.type === 'timer') return decideTimer(state, time);
  if (body.type === 'operator') return [decideOperator(state, body, time)];
  if (state.commands.has(command.id)) return [repeated(state, command)];
  if (body.type === 'erase') return decideErase(state, { body, offset, time });
  if (isIncidentAction(body)) return decideAction(state, { body, actor: command.actor, time });
  if (body.type === 'propose') return [decidePropose(state, { ...command, body }, time)];
  if (body.type === 'proposal_read') return [decideProposalRead(state, { ...command, body }, time)];
  if (body.type === 'decide_proposal') return decideProposal(state, { ...command, body }, time);
  const draft = decideSettings(state, { actor: command.actor, body }, time);
  return [draft, ...overtaken(state, draft)];
}

/** The answer of the first time stands; the clicker may have seen it or not. */
function repeated(state: State, { body }: Command): Draft {
  const incident = state.incidents.get((body as Partial<IncidentAction>).incident ?? '') ?? null;
  return refused({ code: 'repeated', message: 'This has been asked before, and was answered then.' }, incident);
}
