// One message to Slack: posted or edited; as plain text if the blocks are refused; anew if somebody deleted it.
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Incident } from '../model/incident.ts';
import { METADATA_EVENT_TYPE, type renderAlert } from './blocks.ts';
import { classifySlackError, type SlackFailure } from './slack-errors.ts';
import { findMessage } from './slack-lookup.ts';

export type OutgoingMessage = {
  readonly text: string;
  readonly blocks?: ReturnType<typeof renderAlert>['blocks'];
  /** Of a reply in a thread: the channel sees it too. */
  readonly isBroadcast?: boolean;
  readonly metadata: { readonly event_type: string; readonly event_payload: Record<string, string | number> };
};

export type Target = {
  readonly incident: Incident;
  readonly channel: string;
  /** To be edited; null: to be posted. */
  readonly ts: string | null;
  /** The thread a post goes to; null: the channel itself. */
  readonly threadTs: string | null;
};

export type Sent =
  | { readonly kind: 'ok'; readonly ts: string }
  | Exclude<SlackFailure, { readonly kind: 'bad-message' | 'gone' }>;

type Called = { readonly kind: 'ok'; readonly ts: string } | SlackFailure;

export type Sender = { readonly client: WebClient; readonly logger: Logger };

/** One call, or two when the first is refused for a reason that another form cures. Never rejects. */
export async function send(sender: Sender, target: Target, message: OutgoingMessage): Promise<Sent> {
  const first = await call(sender, target, message);
  if (first.kind === 'bad-message') {
    const { id } = target.incident;
    sender.logger.error({ incident: id, code: first.code }, 'Slack refused the blocks: sent as plain text');
    return settled(await call(sender, target, { text: message.text, metadata: message.metadata }));
  }
  // A note that somebody deleted says nothing any more.
  if (first.kind === 'gone' && target.ts !== null && message.metadata.event_type !== METADATA_EVENT_TYPE)
    return { kind: 'ok', ts: target.ts };
  if (first.kind === 'gone' && target.ts !== null) return await replace(sender, { ...target, ts: target.ts }, message);
  return settled(first);
}

/** Someone deleted the message: an incident that is still handled gets another one, any other is left in peace. */
async function replace(
  sender: Sender,
  target: Target & { readonly ts: string },
  message: OutgoingMessage,
): Promise<Sent> {
  const { incident, channel } = target;
  if (incident.status !== 'open' && incident.status !== 'acknowledged') return { kind: 'ok', ts: target.ts };
  try {
    // Perhaps it was replaced already, and that answer was lost.
    const found = await findMessage(sender.client, {
      channel,
      threadTs: null,
      sinceMs: incident.openedAt,
      eventType: METADATA_EVENT_TYPE,
      incident: incident.id,
      slot: null,
    });
    return settled(await call(sender, { ...target, ts: found }, message));
  } catch (error) {
    return settled(classifySlackError(error));
  }
}

async function call({ client }: Sender, target: Target, message: OutgoingMessage): Promise<Called> {
  const { channel, ts, threadTs } = target;
  const { text, metadata, blocks = [], isBroadcast = false } = message;
  const body = { channel, text, metadata, parse: 'none', link_names: false } as const;
  try {
    if (ts !== null) {
      await client.chat.update({ ...body, ts, blocks });
      return { kind: 'ok', ts };
    }
    const post = { ...body, ...(blocks.length > 0 ? { blocks } : {}), unfurl_links: false, unfurl_media: false };
    const thread = threadTs === null ? {} : { thread_ts: threadTs };
    // Slack's types want the two kinds of a reply apart.
    const answer = isBroadcast
      ? await client.chat.postMessage({ ...post, thread_ts: threadTs ?? '', reply_broadcast: true })
      : await client.chat.postMessage({ ...post, ...thread });
    return { kind: 'ok', ts: answer.ts ?? '' };
  } catch (error) {
    return classifySlackError(error);
  }
}

const settled = (called: Called): Sent =>
  called.kind === 'bad-message' || called.kind === 'gone' ? { kind: 'refused', code: called.code } : called;
