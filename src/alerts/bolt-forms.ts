// The forms: opened at once (the trigger dies after 3 s), recorded when they are sent.
import type { App, ViewSubmitAction } from '@slack/bolt';
import type { View } from '@slack/types';
import type { IncidentAction } from '../model/commands.ts';
import {
  DURATION_BLOCK,
  FORM_KINDS,
  type FormContext,
  type FormKind,
  formView,
  NOTE_BLOCK,
  OWNER_BLOCK,
  readAssignModal,
  readFormContext,
  readMuteModal,
  readNoteModal,
  readResolveModal,
  VERDICT_BLOCK,
} from './blocks-modal.ts';
import { TUNE_FORM } from './blocks-tune.ts';
import {
  commandOf,
  type HandlerDeps,
  incidentOf,
  NOT_RECORDED,
  OUTCOME_MS,
  type Say,
  sayTo,
  type User,
  userOf,
} from './bolt-click.ts';
import { type OpenForms, submitTune } from './bolt-tune.ts';

/** Slack waits 3 s for the answer to a form. */
const FORM_OUTCOME_MS = 500;

export type OpenForm = {
  readonly form: FormKind;
  readonly user: User;
  readonly context: FormContext;
  /** A duration that was asked for already. */
  readonly duration?: string | null;
  readonly say: Say;
  readonly open: (view: View) => Promise<unknown>;
};

/** For a click that has been acknowledged: nothing is recorded yet, the sending is. */
export async function openForm(deps: HandlerDeps, asked: OpenForm): Promise<void> {
  const { form, user, context, say, open, duration = null } = asked;
  const refusal = await deps.mayAct(user);
  if (refusal !== null) return void (await say(refusal));
  try {
    const hidden = form === 'mute' ? await deps.hidden(context.incident) : null;
    await open(formView(form, context, { hidden, duration }));
  } catch {
    await say('The form could not be opened in time. Nothing was changed; please press again.');
  }
}

type Problem = { readonly block: string; readonly message: string };
type Asked = { readonly body: IncidentAction } | Problem;

type FormReader = {
  /** Where a problem of the whole form is shown. */
  readonly block: string;
  readonly read: (deps: HandlerDeps, incident: string, values: unknown) => Promise<Asked>;
};

const READERS: Readonly<Record<FormKind, FormReader>> = {
  resolve: {
    block: VERDICT_BLOCK,
    read: async (_deps, incident, values) => {
      const read = readResolveModal(values);
      if (read === null)
        return { block: NOTE_BLOCK, message: 'Choose what it was; a note has at most 1,000 characters.' };
      return { body: { type: 'resolve', incident, ...read } };
    },
  },
  mute: {
    block: DURATION_BLOCK,
    read: async ({ clock }, incident, values) => {
      const ms = readMuteModal(values);
      if (ms === null) return { block: DURATION_BLOCK, message: 'Choose for how long.' };
      return { body: { type: 'mute', incident, until: clock.now() + ms } };
    },
  },
  assign: {
    block: OWNER_BLOCK,
    read: async ({ nameOf }, incident, values) => {
      const id = readAssignModal(values);
      if (id === null) return { block: OWNER_BLOCK, message: 'Choose a person.' };
      const person = await nameOf(id);
      if ('problem' in person) return { block: OWNER_BLOCK, message: person.problem };
      return { body: { type: 'assign', incident, owner: person.name } };
    },
  },
  note: {
    block: NOTE_BLOCK,
    read: async (_deps, incident, values) => {
      const note = readNoteModal(values);
      if (note === null) return { block: NOTE_BLOCK, message: 'A note has 1 to 1,000 characters.' };
      return { body: { type: 'note', incident, note } };
    },
  },
};

export function registerForms(app: App, deps: HandlerDeps): void {
  const open: OpenForms = { followed: 0 };
  app.view<ViewSubmitAction>({ type: 'view_submission', callback_id: /.*/ }, async ({ ack, body, view, client }) => {
    if (view.callback_id === TUNE_FORM) {
      const tuned = await submitTune(deps, { body, view, client, open });
      await ack(tuned.ack);
      return await tuned.follow();
    }
    const kind = FORM_KINDS.find((known) => known === view.callback_id);
    // A form of no version that is known: closing it is all that can be done.
    if (kind === undefined) return void (await ack());
    const problem = await submitForm(deps, READERS[kind], { body, view });
    if (problem === null) await ack();
    else await ack({ response_action: 'errors', errors: { [problem.block]: problem.message.slice(0, 300) } });
  });
}

/** Null: recorded, and as far as is known it did what was asked. A problem keeps the form open and says why. */
async function submitForm(
  deps: HandlerDeps,
  { block, read }: FormReader,
  { body, view }: { readonly body: ViewSubmitAction; readonly view: ViewSubmitAction['view'] },
): Promise<Problem | null> {
  const context = readFormContext(view.private_metadata);
  const incident = incidentOf(context?.incident);
  if (incident === null || context === null)
    return { block, message: 'This form is of another version of declinewatch. Close it and press the button again.' };
  const user = userOf({ user: body.user, team: body.team });
  const refusal = await deps.mayAct(user);
  if (refusal !== null) return { block, message: refusal };
  const asked = await read(deps, incident, view.state.values);
  if ('message' in asked) return asked;
  const command = commandOf(deps.clock, user, { id: `${view.id}:${view.hash}`, body: asked.body });
  if (!(await deps.submit(command))) return { block, message: NOT_RECORDED };
  const change = await deps.outcome(command.id, FORM_OUTCOME_MS);
  // Sent twice by Slack: the first was done.
  if (change?.refusal?.code === 'repeated') return null;
  if (change?.refusal) return { block, message: change.refusal.message };
  if (change === null && context.responseUrl !== '') void tellLater(deps, command.id, context.responseUrl);
  return null;
}

async function tellLater(deps: HandlerDeps, commandId: string, responseUrl: string): Promise<void> {
  const change = await deps.outcome(commandId, OUTCOME_MS);
  if (change?.refusal) await sayTo(responseUrl, change.refusal.message);
}
