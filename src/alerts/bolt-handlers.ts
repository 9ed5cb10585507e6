// What a click does: it becomes a command in the log, then Slack gets its acknowledgement, then the clicker alone hears
// if it changed nothing. The message itself changes by the delivery, for everyone.
import type { App, BlockAction } from '@slack/bolt';
import type { Clock } from '../model/clock.ts';
import type { Command, IncidentAction } from '../model/commands.ts';
import { ACTION_IDS } from './blocks-actions.ts';
import { inert } from './blocks-inert.ts';
import {
  NOTE_BLOCK,
  RESOLVE_CALLBACK,
  readResolveContext,
  readResolveModal,
  resolveModal,
  VERDICT_BLOCK,
} from './blocks-modal.ts';
import type { OutcomeAnswer } from './bolt-protocol.ts';
import type { MayAct } from './responders.ts';

export type HandlerDeps = {
  /** Whether the command is in the log; false after at most about 2 s. */
  readonly submit: (command: Command) => Promise<boolean>;
  readonly outcome: (commandId: string, timeoutMs: number) => Promise<OutcomeAnswer['change']>;
  readonly mayAct: MayAct;
  readonly clock: Clock;
  readonly warn: (message: string, fields: Record<string, string>) => void;
};

type Say = (text: string) => Promise<unknown>;
type User = { readonly id: string; readonly name: string; readonly teamId: string };

const OUTCOME_MS = 10_000;
/** Slack waits 3 s for the answer to a modal. */
const MODAL_OUTCOME_MS = 1_500;
const NOT_RECORDED =
  'Not recorded: the log cannot be written right now. Nothing was changed; please press again in a moment.';
const UNKNOWN_BUTTON = 'This button is not known to this version of declinewatch. Nothing was changed.';

export function registerHandlers(app: App, deps: HandlerDeps): void {
  const simple = [ACTION_IDS.acknowledge, ACTION_IDS.unacknowledge, ACTION_IDS.reopen] as const;
  for (const type of simple) {
    app.action<BlockAction>({ type: 'block_actions', action_id: type }, async ({ ack, body, action, respond }) => {
      const incident = action.type === 'button' ? incidentOf(action.value) : null;
      const click = clickOf(body, action.action_ts, action.action_id);
      await handleClick(deps, {
        ...click,
        ack,
        say: sayer(respond),
        asked: incident === null ? null : { type, incident },
      });
    });
  }
  app.action<BlockAction>(
    { type: 'block_actions', action_id: ACTION_IDS.more },
    async ({ ack, body, action, respond }) => {
      const value = action.type === 'overflow' ? action.selected_option.value : '';
      const click = clickOf(body, action.action_ts, `${action.action_id}:${value}`);
      await handleClick(deps, { ...click, ack, say: sayer(respond), asked: menuAction(value, click.user) });
    },
  );
  registerResolve(app, deps);
  registerUnknown(app);
  app.error(async (error) => deps.warn('a Slack handler failed', { error: inert(error.message, 300) }));
}

function registerResolve(app: App, deps: HandlerDeps): void {
  app.action<BlockAction>(
    { type: 'block_actions', action_id: ACTION_IDS.resolve },
    async ({ ack, body, action, client, respond }) => {
      const incident = action.type === 'button' ? incidentOf(action.value) : null;
      const say = sayer(respond);
      // Nothing is recorded yet: the submission is. The trigger dies after 3 s, so it is acknowledged at once.
      await ack();
      if (incident === null) return void (await say(UNKNOWN_BUTTON));
      const refusal = await deps.mayAct(clickOf(body, '', '').user);
      if (refusal !== null) return void (await say(refusal));
      const view = resolveModal({ incident, responseUrl: body.response_url ?? '' });
      try {
        await client.views.open({ trigger_id: body.trigger_id, view });
      } catch {
        await say('The form could not be opened in time. Please press *Resolve* again.');
      }
    },
  );
  app.view({ type: 'view_submission', callback_id: RESOLVE_CALLBACK }, async ({ ack, body, view }) => {
    const fail = async (block: string, message: string): Promise<void> =>
      await ack({ response_action: 'errors', errors: { [block]: message.slice(0, 300) } });
    const context = readResolveContext(view.private_metadata);
    const incident = incidentOf(context?.incident);
    const values = readResolveModal(view.state.values);
    if (incident === null || context === null)
      return await fail(VERDICT_BLOCK, 'This form is from another version. Close it and press Resolve again.');
    if (values === null) return await fail(NOTE_BLOCK, 'Choose what it was; a note has at most 1,000 characters.');
    const user = { id: body.user.id, name: body.user.name, teamId: body.user.team_id ?? body.team?.id ?? '' };
    const refusal = await deps.mayAct(user);
    if (refusal !== null) return await fail(VERDICT_BLOCK, refusal);
    const command = commandOf(deps.clock, user, `${view.id}:${view.hash}`, { type: 'resolve', incident, ...values });
    if (!(await deps.submit(command))) return await fail(VERDICT_BLOCK, NOT_RECORDED);
    const change = await deps.outcome(command.id, MODAL_OUTCOME_MS);
    if (change?.refusal) return await fail(VERDICT_BLOCK, change.refusal.message);
    await ack();
    if (change !== null || context.responseUrl === '') return;
    const later = await deps.outcome(command.id, OUTCOME_MS);
    if (later?.refusal) await sayTo(context.responseUrl, later.refusal.message).catch(() => undefined);
  });
}

/** Old messages, other versions: whatever arrives is acknowledged and answered, or Slack shows a fault. */
function registerUnknown(app: App): void {
  const known: ReadonlySet<string> = new Set(Object.values(ACTION_IDS));
  app.action<BlockAction>({ type: 'block_actions', action_id: /.*/ }, async ({ ack, action, body, respond }) => {
    if (known.has(action.action_id)) return;
    await ack();
    // Choosing in an open form is no click on a message.
    if (body.view === undefined) await sayer(respond)(UNKNOWN_BUTTON);
  });
  app.view({ type: 'view_submission', callback_id: /.*/ }, async ({ ack, view }) => {
    if (view.callback_id !== RESOLVE_CALLBACK) await ack();
  });
}

type Click = {
  readonly user: User;
  readonly clickId: string;
};

type AskedClick = Click & {
  readonly ack: () => Promise<unknown>;
  readonly say: Say;
  /** Null: a value that this program did not write. */
  readonly asked: IncidentAction | null;
};

async function handleClick(deps: HandlerDeps, { user, clickId, ack, say, asked }: AskedClick): Promise<void> {
  if (asked === null) {
    await ack();
    return void (await say(UNKNOWN_BUTTON));
  }
  const refusal = await deps.mayAct(user);
  if (refusal !== null) {
    await ack();
    return void (await say(refusal));
  }
  const command = commandOf(deps.clock, user, clickId, asked);
  const isRecorded = await deps.submit(command);
  await ack();
  if (!isRecorded) return void (await say(NOT_RECORDED));
  const change = await deps.outcome(command.id, OUTCOME_MS);
  if (change?.refusal && change.refusal.code !== 'repeated') await say(change.refusal.message);
}

/** The same click delivered again (a retry, a replay) has the same id, and the manager applies an id once. */
function commandOf(clock: Clock, user: User, clickId: string, body: IncidentAction): Command {
  const actor = { kind: 'slack', id: user.id, name: inert(user.name, 80) } as const;
  return { id: `slack:${clickId}:${user.id}`.slice(0, 300), at: clock.now(), actor, body };
}

type ActionBody = {
  readonly user: { readonly id: string; readonly name?: string; readonly username?: string; readonly team_id?: string };
  readonly team: { readonly id: string } | null;
};

function clickOf({ user, team }: ActionBody, actionTs: string, what: string): Click {
  const name = user.name ?? user.username ?? user.id;
  return { user: { id: user.id, name, teamId: user.team_id ?? team?.id ?? '' }, clickId: `${actionTs}:${what}` };
}

const incidentOf = (value: string | undefined): string | null =>
  value !== undefined && /^INC-\d{1,12}$/.test(value) ? value : null;

function menuAction(value: string, user: User): IncidentAction | null {
  const [what, id] = value.split(':');
  const incident = incidentOf(id);
  if (incident === null) return null;
  if (what === 'assign') return { type: 'assign', incident, owner: inert(user.name, 80) };
  if (what === 'unassign') return { type: 'assign', incident, owner: null };
  return null;
}

/** To the clicker alone; the address may have expired, and then nobody can be told. */
function sayer(
  respond: (message: { text: string; response_type: 'ephemeral'; replace_original: false }) => Promise<unknown>,
): Say {
  return async (text) =>
    await respond({ text: inert(text, 1000), response_type: 'ephemeral', replace_original: false }).catch(
      () => undefined,
    );
}

async function sayTo(responseUrl: string, text: string): Promise<void> {
  await fetch(responseUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: inert(text, 1000), response_type: 'ephemeral', replace_original: false }),
    signal: AbortSignal.timeout(5_000),
  });
}
