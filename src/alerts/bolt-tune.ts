// *Tune* in Slack: the form is opened at once (the trigger dies after 3 s), what it asks becomes a proposal, and the form shows
// how far the reading is and what it would have done; Apply and Discard, there and under the message in the channel.
import type { BlockAction, ViewSubmitAction } from '@slack/bolt';
import type { View, ViewsUpdateArguments, WebClient } from '@slack/web-api';
import type { Actor } from '../model/incident.ts';
import { PROPOSAL_ACTIONS, proposalOf } from './blocks-proposal.ts';
import { noticeView, readTune, readTuneContext, shownView, tuneView } from './blocks-tune.ts';
import { type HandlerDeps, type Say, type User, userOf } from './bolt-click.ts';
import type { ShownProposal, TuneAnswer, TuneProblem } from './bolt-tune-protocol.ts';

/** The form must be open within 3 s of the click, and Slack waits as long for the answer to a form. */
const FORM_MS = 1_200;
const PROPOSE_MS = 2_000;
/** The incident manager is given 2 s. */
const DECIDE_MS = 6_000;
/** How often an open form shows progress, and for how long. */
const LOOK_MS = 2_000;
const FOLLOWED_FOR_MS = 900_000;
const MOST_UNANSWERED = 3;
/** Forms that are followed at the same time; one beyond shows what it knows. */
const MAX_FOLLOWED = 50;
const LATER = 'It cannot be tried right now. Nothing was changed; please try again in a moment.';

type Opened = {
  readonly user: User;
  readonly incident: string;
  readonly say: Say;
  readonly open: (view: View) => Promise<unknown>;
};

/** For a click that has been acknowledged. */
export async function openTune(deps: HandlerDeps, { user, incident, say, open }: Opened): Promise<void> {
  const refusal = await deps.mayAct(user);
  if (refusal !== null) return void (await say(refusal));
  const answer = await deps.tune({ kind: 'form', incident }, FORM_MS);
  if (answer?.kind !== 'form') return void (await say(LATER));
  if (answer.form === null)
    return void (await say('The detector of this incident is not in force any more: there is nothing to tune.'));
  try {
    await open(tuneView(answer.form));
  } catch {
    await say('The form could not be opened in time. Nothing was changed; please press again.');
  }
}

type Sent = {
  readonly body: ViewSubmitAction;
  readonly view: ViewSubmitAction['view'];
  readonly client: WebClient;
  readonly open: OpenForms;
};

/** Forms that show what is being read. */
export type OpenForms = { followed: number };

export type TuneAck =
  | { readonly response_action: 'errors'; readonly errors: Record<string, string> }
  | { readonly response_action: 'update'; readonly view: View };

/** What the sent form is answered with; `follow`, after that: shows what becomes of it while it is open. */
export async function submitTune(
  deps: HandlerDeps,
  { body, view, client, open }: Sent,
): Promise<{ readonly ack: TuneAck; readonly follow: () => Promise<void> }> {
  const nothing = async (): Promise<void> => undefined;
  const problems = (...all: readonly TuneProblem[]) => ({ ack: errorsOf(all), follow: nothing });
  const context = readTuneContext(view.private_metadata);
  if (context === null)
    return problems({
      field: 'mode',
      message: 'This form is of another version of declinewatch. Close it and choose Tune again.',
    });
  const user = userOf({ user: body.user, team: body.team });
  const refusal = await deps.mayAct(user);
  if (refusal !== null) return problems({ field: 'mode', message: refusal });
  const values = readTune(view.state.values);
  const answer = await deps.tune({ kind: 'propose', ...context, values, user }, PROPOSE_MS);
  if (answer?.kind === 'problems') return problems(...answer.problems);
  if (answer?.kind !== 'proposal' || answer.proposal === null) return problems({ field: 'mode', message: LATER });
  const { proposal } = answer;
  const viewer = actorOf(user);
  return {
    ack: { response_action: 'update', view: shownView(proposal, viewer) },
    follow: async () => await follow(deps, { client, viewId: view.id, viewer, shown: proposal, open }),
  };
}

const actorOf = ({ id, name }: User): Actor => ({ kind: 'slack', id, name });

function errorsOf(problems: readonly TuneProblem[]): TuneAck {
  const errors = Object.fromEntries(problems.map(({ field, message }) => [field, message.slice(0, 300)]));
  return { response_action: 'errors', errors };
}

type Followed = {
  readonly client: WebClient;
  readonly viewId: string;
  readonly viewer: Actor;
  readonly shown: ShownProposal;
  readonly open: OpenForms;
};

/** Until it is read, the form is closed, or nobody answers any more. */
async function follow(deps: HandlerDeps, { client, viewId, viewer, shown, open }: Followed): Promise<void> {
  if (open.followed >= MAX_FOLLOWED) return;
  open.followed += 1;
  try {
    const until = deps.clock.now() + FOLLOWED_FOR_MS;
    let [last, unanswered] = [shown, 0];
    while (last.state === 'reading' && unanswered < MOST_UNANSWERED && deps.clock.now() < until) {
      const answer = await deps.tune({ kind: 'look', proposal: shown.id, waitMs: LOOK_MS }, LOOK_MS * 2);
      if (answer?.kind !== 'proposal' || answer.proposal === null) {
        unanswered += 1;
        continue;
      }
      unanswered = 0;
      const isNews = stampOf(answer.proposal) !== stampOf(last);
      last = answer.proposal;
      if (isNews && !(await update(client, { view_id: viewId, view: shownView(last, viewer) }))) return;
    }
    if (last.state === 'reading')
      await update(client, {
        view_id: viewId,
        view: shownView(last, viewer, 'It takes longer: look at the detector in the console later.'),
      });
  } finally {
    open.followed -= 1;
  }
}

const stampOf = ({ state, progress }: ShownProposal): string => `${state}/${Math.floor(progress * 100)}`;

/** False: the form is closed, or Slack does not take it. */
async function update(client: WebClient, args: ViewsUpdateArguments): Promise<boolean> {
  return await client.views.update(args).then(
    () => true,
    () => false,
  );
}

export const isProposalAction = (actionId: string): boolean =>
  Object.values(PROPOSAL_ACTIONS).some((known) => known === actionId);

export type ProposalClick = {
  readonly action: BlockAction['actions'][number];
  readonly body: BlockAction;
  readonly say: Say;
  readonly client: WebClient;
};

/** A click that has been acknowledged. What it changed is shown to all by the message; what it could not, to the clicker alone. */
export async function decideProposal(deps: HandlerDeps, { action, body, say, client }: ProposalClick): Promise<void> {
  const user = userOf(body);
  const decision = action.action_id === PROPOSAL_ACTIONS.apply ? 'apply' : 'discard';
  const proposal = action.type === 'button' ? proposalOf(action.value) : null;
  const viewId = body.view?.type === 'modal' ? body.view.id : null;
  const tell: Say =
    viewId === null ? say : async (text) => await update(client, { view_id: viewId, view: noticeView(text) });
  const refusal = await deps.mayAct(user);
  if (refusal !== null) return void (await tell(refusal));
  const click = `${action.action_ts}:${action.action_id}:${proposal ?? ''}:${user.id}`;
  const asked = { kind: 'decide', proposal: proposal ?? '', decision, user, click } as const;
  const answer = await deps.tune(asked, DECIDE_MS);
  const { message, proposal: shown } = decidedOf(answer);
  if (viewId !== null && shown !== null)
    return void (await update(client, { view_id: viewId, view: shownView(shown, actorOf(user), message) }));
  if (message !== '') await tell(message);
}

function decidedOf(answer: TuneAnswer | null): Pick<Extract<TuneAnswer, { kind: 'decided' }>, 'message' | 'proposal'> {
  if (answer?.kind === 'decided') return answer;
  return {
    message: 'It is not known whether this was done: look at the detector in the console before you press again.',
    proposal: null,
  };
}
