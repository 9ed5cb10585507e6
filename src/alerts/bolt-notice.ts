// Buttons under notices: asked of the main thread, which knows the settings; answered to who pressed, alone.
import type { WebClient } from '@slack/web-api';
import { KEEP_IN_SHADOW, PROMOTE } from './blocks-promotion.ts';
import { REVERT_SETTINGS } from './blocks-settings.ts';
import { type HandlerDeps, NOT_RECORDED, OUTCOME_MS, type Say, type User } from './bolt-click.ts';
import type { NoticeEdit } from './notice-clicks.ts';

const ACTIONS: ReadonlySet<string> = new Set([REVERT_SETTINGS, PROMOTE, KEEP_IN_SHADOW]);

export const isNoticeAction = (id: string): boolean => ACTIONS.has(id);

export type NoticePress = {
  readonly user: User;
  readonly action: string;
  readonly value: string;
  /** Slack's own mark of this very click. */
  readonly actionTs: string;
  /** The message that holds the button. */
  readonly message: { readonly channel: string; readonly ts: string } | null;
  readonly ack: () => Promise<unknown>;
  readonly say: Say;
};

export async function pressNotice(deps: HandlerDeps, client: WebClient, press: NoticePress): Promise<void> {
  const { user, action, value, actionTs, message, ack, say } = press;
  const refusal = await deps.mayAct(user);
  if (refusal !== null) {
    await ack();
    return void (await say(refusal));
  }
  const id = `slack:${actionTs}:${action}:${user.id}`.slice(0, 300);
  const answer = await deps.notice({ id, action, value, user: { id: user.id, name: user.name } });
  await ack();
  if (answer === null) return void (await say(NOT_RECORDED));
  if (answer.kind === 'told') await say(answer.text);
  else {
    const change = await deps.outcome(answer.command, OUTCOME_MS);
    if (change?.refusal && change.refusal.code !== 'repeated') return void (await say(change.refusal.message));
    if (change === null) return;
  }
  if (answer.edit !== null && message !== null) await edit(client, message, answer.edit);
}

/** The buttons of what is decided go; where that fails they are answered as stale. */
async function edit(
  client: WebClient,
  { channel, ts }: NonNullable<NoticePress['message']>,
  { text, blocks, metadata }: NoticeEdit,
): Promise<void> {
  const body = { channel, ts, text, blocks: [...blocks], metadata, parse: 'none', link_names: false } as const;
  await client.chat.update(body).catch(() => undefined);
}
