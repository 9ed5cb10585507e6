// What a click does: it becomes a command in the log, then Slack gets its acknowledgement, then the clicker alone hears
// if it changed nothing. The message itself changes by the delivery, for everyone.
import type { App, BlockAction } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import type { IncidentAction } from '../model/commands.ts';
import { ACTION_IDS } from './blocks-actions.ts';
import { inert } from './blocks-inert.ts';
import { TUNE_FORM } from './blocks-tune.ts';
import {
  commandOf,
  type HandlerDeps,
  incidentOf,
  NOT_RECORDED,
  OUTCOME_MS,
  type Say,
  sayer,
  UNKNOWN_BUTTON,
  type User,
  userOf,
} from './bolt-click.ts';
import { type OpenForm, openForm, registerForms } from './bolt-forms.ts';
import { type Homes, registerHomes } from './bolt-home.ts';
import { isNoticeAction, pressNotice } from './bolt-notice.ts';
import { registerSlash } from './bolt-slash.ts';
import { decideProposal, isProposalAction, openTune } from './bolt-tune.ts';

/** What a button or a menu entry asks for. */
type Asked = IncidentAction | { readonly form: OpenForm['form'] | typeof TUNE_FORM; readonly incident: string };

export function registerHandlers(app: App, deps: HandlerDeps, client: WebClient): Homes {
  const homes = registerHomes(app, deps, client);
  const known: ReadonlySet<string> = new Set(Object.values(ACTION_IDS));
  // One listener for every action id: what is not known is acknowledged and answered too, or Slack shows a fault.
  app.action<BlockAction>(
    { type: 'block_actions', action_id: /.*/ },
    async ({ ack, action, body, client, respond }) => {
      if (isProposalAction(action.action_id)) {
        await ack();
        return await decideProposal(deps, { action, body, client, say: sayer(respond) });
      }
      // Choosing in an open form is no click on a message.
      if (body.view?.type === 'modal') return void (await ack());
      const say = body.view?.type === 'home' ? homeSayer(homes, body.user.id) : sayer(respond);
      const asked = known.has(action.action_id) ? askedBy(action, userOf(body)) : null;
      if (action.type === 'button' && isNoticeAction(action.action_id)) {
        const { action_id, action_ts: actionTs, value = '' } = action;
        const [channel, ts] = [body.channel?.id, body.message?.ts];
        const message = channel === undefined || ts === undefined ? null : { channel, ts };
        await pressNotice(deps, client, { user: userOf(body), action: action_id, value, actionTs, message, ack, say });
      } else if (asked === null) {
        await ack();
        await say(UNKNOWN_BUTTON);
      } else if ('form' in asked) {
        await ack();
        const { form, incident } = asked;
        const open: OpenForm['open'] = async (view) => await client.views.open({ trigger_id: body.trigger_id, view });
        if (form === TUNE_FORM) return await openTune(deps, { user: userOf(body), incident, say, open });
        const context = { incident, responseUrl: body.response_url ?? '' };
        await openForm(deps, { form, user: userOf(body), context, say, open });
      } else {
        const id = `${action.action_ts}:${action.action_id}:${asked.type}`;
        await record(deps, { user: userOf(body), id, body: asked, ack, say });
      }
    },
  );
  registerForms(app, deps);
  registerSlash(app, deps);
  app.error(async (error) => deps.warn('a Slack handler failed', { error: inert(error.message, 300) }));
  return homes;
}

/** A page has no answer of its own to a click: it is shown anew with the sentence on top. */
function homeSayer(homes: Homes, userId: string): Say {
  return async (text) => await homes.publish(userId, text);
}

type Click = {
  readonly user: User;
  readonly id: string;
  readonly body: IncidentAction;
  readonly ack: () => Promise<unknown>;
  readonly say: Say;
};

async function record(deps: HandlerDeps, { user, id, body, ack, say }: Click): Promise<void> {
  const refusal = await deps.mayAct(user);
  if (refusal !== null) {
    await ack();
    return void (await say(refusal));
  }
  const command = commandOf(deps.clock, user, { id, body });
  const isRecorded = await deps.submit(command);
  await ack();
  if (!isRecorded) return void (await say(NOT_RECORDED));
  const change = await deps.outcome(command.id, OUTCOME_MS);
  if (change?.refusal && change.refusal.code !== 'repeated') await say(change.refusal.message);
}

/** Null for what this program did not write. */
function askedBy(action: BlockAction['actions'][number], user: User): Asked | null {
  if (action.type === 'overflow') return askedByMenu(action.selected_option.value, user);
  const incident = action.type === 'button' ? incidentOf(action.value) : null;
  if (incident === null) return null;
  const { action_id: id } = action;
  if (id === ACTION_IDS.resolve) return { form: 'resolve', incident };
  if (id === ACTION_IDS.unmute) return { type: 'mute', incident, until: null };
  if (id === ACTION_IDS.acknowledge || id === ACTION_IDS.unacknowledge || id === ACTION_IDS.reopen)
    return { type: id, incident };
  return null;
}

function askedByMenu(value: string, { name }: User): Asked | null {
  const [what, id] = value.split(':');
  const incident = incidentOf(id);
  if (incident === null) return null;
  if (what === 'mute' || what === 'assign' || what === 'note' || what === TUNE_FORM) return { form: what, incident };
  if (what === 'unmute') return { type: 'mute', incident, until: null };
  if (what === 'take') return { type: 'assign', incident, owner: name };
  return what === 'unassign' ? { type: 'assign', incident, owner: null } : null;
}
