// The forms of *Resolve* and *Mute*: opened at once (the trigger dies after 3 s), recorded when they are sent.
import type { App, ViewSubmitAction } from '@slack/bolt';
import type { View } from '@slack/types';
import type { IncidentAction } from '../model/commands.ts';
import {
  DURATION_BLOCK,
  type FormContext,
  MUTE_CALLBACK,
  muteModal,
  NOTE_BLOCK,
  RESOLVE_CALLBACK,
  readFormContext,
  readMuteModal,
  readResolveModal,
  resolveModal,
  VERDICT_BLOCK,
} from './blocks-modal.ts';
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

/** Slack waits 3 s for the answer to a form. */
const FORM_OUTCOME_MS = 500;

export type OpenForm = {
  readonly form: 'resolve' | 'mute';
  readonly user: User;
  readonly context: FormContext;
  readonly say: Say;
  readonly open: (view: View) => Promise<unknown>;
};

/** For a click that has been acknowledged: nothing is recorded yet, the sending is. */
export async function openForm(deps: HandlerDeps, { form, user, context, say, open }: OpenForm): Promise<void> {
  const refusal = await deps.mayAct(user);
  if (refusal !== null) return void (await say(refusal));
  try {
    await open(form === 'resolve' ? resolveModal(context) : muteModal(context, await deps.hidden(context.incident)));
  } catch {
    await say('The form could not be opened in time. Nothing was changed; please press again.');
  }
}

type Problem = { readonly block: string; readonly message: string };
type Asked = { readonly body: IncidentAction } | Problem;

type FormKind = {
  readonly callback: string;
  /** Where a problem of the whole form is shown. */
  readonly block: string;
  readonly read: (incident: string, values: unknown, nowMs: number) => Asked;
};

const FORMS: readonly FormKind[] = [
  {
    callback: RESOLVE_CALLBACK,
    block: VERDICT_BLOCK,
    read: (incident, values) => {
      const read = readResolveModal(values);
      if (read === null)
        return { block: NOTE_BLOCK, message: 'Choose what it was; a note has at most 1,000 characters.' };
      return { body: { type: 'resolve', incident, ...read } };
    },
  },
  {
    callback: MUTE_CALLBACK,
    block: DURATION_BLOCK,
    read: (incident, values, nowMs) => {
      const ms = readMuteModal(values);
      if (ms === null) return { block: DURATION_BLOCK, message: 'Choose for how long.' };
      return { body: { type: 'mute', incident, until: nowMs + ms } };
    },
  },
];

export function registerForms(app: App, deps: HandlerDeps): void {
  for (const kind of FORMS) {
    app.view<ViewSubmitAction>({ type: 'view_submission', callback_id: kind.callback }, async ({ ack, body, view }) => {
      const problem = await submitForm(deps, kind, { body, view });
      if (problem === null) await ack();
      else await ack({ response_action: 'errors', errors: { [problem.block]: problem.message.slice(0, 300) } });
    });
  }
  app.view<ViewSubmitAction>({ type: 'view_submission', callback_id: /.*/ }, async ({ ack, view }) => {
    if (!FORMS.some(({ callback }) => callback === view.callback_id)) await ack();
  });
}

/** Null: recorded, and as far as is known it did what was asked. A problem keeps the form open and says why. */
async function submitForm(
  deps: HandlerDeps,
  { block, read }: FormKind,
  { body, view }: { readonly body: ViewSubmitAction; readonly view: ViewSubmitAction['view'] },
): Promise<Problem | null> {
  const context = readFormContext(view.private_metadata);
  const incident = incidentOf(context?.incident);
  if (incident === null || context === null)
    return { block, message: 'This form is of another version of declinewatch. Close it and press the button again.' };
  const asked = read(incident, view.state.values, deps.clock.now());
  if ('message' in asked) return asked;
  const user = userOf({ user: body.user, team: body.team });
  const refusal = await deps.mayAct(user);
  if (refusal !== null) return { block, message: refusal };
  const command = commandOf(deps.clock, user, { id: `${view.id}:${view.hash}`, body: asked.body });
  if (!(await deps.submit(command))) return { block, message: NOT_RECORDED };
  const change = await deps.outcome(command.id, FORM_OUTCOME_MS);
  if (change?.refusal) return { block, message: change.refusal.message };
  if (change === null && context.responseUrl !== '') void tellLater(deps, command.id, context.responseUrl);
  return null;
}

async function tellLater(deps: HandlerDeps, commandId: string, responseUrl: string): Promise<void> {
  const change = await deps.outcome(commandId, OUTCOME_MS);
  if (change?.refusal) await sayTo(responseUrl, change.refusal.message);
}
