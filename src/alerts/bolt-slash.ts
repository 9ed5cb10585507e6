// The slash command, whatever the manifest calls it: answered to the asker alone.
import type { App } from '@slack/bolt';
import { type HandlerDeps, sayer, userOf } from './bolt-click.ts';
import { openForm } from './bolt-forms.ts';

const LATER = 'It cannot be said right now. Please ask again in a moment.';
/** Slack's limit for what is typed. */
const MAX_TYPED = 2_000;

export function registerSlash(app: App, deps: HandlerDeps): void {
  app.command(/.*/, async ({ ack, command, respond, client }) => {
    // Nothing of the channel changes, and reading the log may take longer than Slack waits.
    await ack();
    const user = userOf({ user: { id: command.user_id, name: command.user_name }, team: { id: command.team_id } });
    const say = sayer(respond);
    const refusal = await deps.mayAct(user);
    if (refusal !== null) return void (await say(refusal));
    const answer = await deps.slash(command.text.slice(0, MAX_TYPED), user);
    if (answer === null) return void (await say(LATER));
    if (answer.kind === 'mute') {
      const context = { incident: answer.incident, responseUrl: command.response_url };
      const open = async (view: Parameters<typeof client.views.open>[0]['view']): Promise<unknown> =>
        await client.views.open({ trigger_id: command.trigger_id, view });
      return await openForm(deps, { form: 'mute', user, context, duration: answer.duration, say, open });
    }
    const blocks = [...answer.blocks];
    await respond({
      response_type: 'ephemeral',
      replace_original: false,
      text: answer.text,
      ...(blocks.length === 0 ? {} : { blocks }),
    }).catch(() => undefined);
  });
}
