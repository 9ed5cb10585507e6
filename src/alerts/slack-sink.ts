// Slack as an output: one message per incident, edited as it changes; its thread for what must be heard again.
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Item, Result, Sink } from '../deliveries/sink.ts';
import type { Clock } from '../model/clock.ts';
import type { DeliveryPlace } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import { METADATA_EVENT_TYPE, NOTE_EVENT_TYPE, renderAlert, renderNote } from './blocks.ts';
import { classifySlackError, refusalMessage, type SlackFailure } from './slack-errors.ts';
import { findMessage } from './slack-lookup.ts';
import { acceptForSlack, notesForSlack, toldAfter } from './speak.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export type SlackSinkOptions = {
  readonly client: WebClient;
  readonly channel: string;
  /** For test mode; null: the same channel. */
  readonly testChannel: string | null;
  /** The console's root without a slash at its end. */
  readonly consoleUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of one channel. Default 1000. */
  readonly everyMs?: number;
};

type Message = {
  readonly text: string;
  readonly blocks?: ReturnType<typeof renderAlert>['blocks'];
  readonly metadata: { readonly event_type: string; readonly event_payload: Record<string, string | number> };
};

const EVERY_MS = 1_000;
const BURST = 3;
const PARALLEL = 3;

export function createSlackSink(options: SlackSinkOptions): Sink {
  const { client, consoleUrl, clock, everyMs = EVERY_MS } = options;
  const buckets = new Map<string, TokenBucket>();
  const bucketOf = (channel: string): TokenBucket => {
    const known = buckets.get(channel) ?? createTokenBucket({ clock, everyMs, burst: BURST });
    buckets.set(channel, known);
    return known;
  };
  const channelOf = ({ livemode }: Incident): string =>
    livemode ? options.channel : (options.testChannel ?? options.channel);
  const urls = createUrls(client);

  const deliverOne = async (item: Item, signal: AbortSignal): Promise<Result> => {
    const channel = item.place?.channel ?? item.main?.channel ?? channelOf(item.incident);
    if (!(await bucketOf(channel).take(signal)))
      return { outcome: 'retry', scope: 'item', sent: 'no', error: 'stopping' };
    const message: Message =
      item.main === null ? renderAlert(item.incident, { consoleUrl }) : renderNote(item.incident, item.slot, item.main);
    const sent = await send(item, channel, message);
    if (sent.kind === 'ok') return { outcome: 'delivered', place: await placeOf(item, channel, sent.ts) };
    if (sent.kind === 'retry') return sent.result;
    return { outcome: 'refused', error: refusalMessage(sent.code, channel) };
  };

  type Sent = { readonly kind: 'ok'; readonly ts: string } | Exclude<SlackFailure, { kind: 'bad-message' }>;

  /** With blocks; refused as a message, as plain text; gone, as a new message if the incident still needs one. */
  const send = async (item: Item, channel: string, message: Message): Promise<Sent> => {
    const first = await call(item, channel, message);
    if (first.kind === 'bad-message') {
      options.logger.error(
        { incident: item.incident.id, code: first.code },
        'Slack refused the blocks: sent as plain text',
      );
      const plain = await call(item, channel, { text: message.text, metadata: message.metadata });
      return plain.kind === 'bad-message' ? { kind: 'refused', code: plain.code } : plain;
    }
    if (first.kind !== 'gone' || item.place?.ts === undefined) return first;
    return await sendAgain(item, channel, message);
  };

  /** Someone deleted the message: an incident that is still handled gets another one, any other is left in peace. */
  const sendAgain = async (item: Item, channel: string, message: Message): Promise<Sent> => {
    const { incident, place } = item;
    const isHandled = incident.status === 'open' || incident.status === 'acknowledged';
    if (!isHandled) return { kind: 'ok', ts: place?.ts ?? '' };
    try {
      const since = {
        channel,
        sinceMs: incident.openedAt,
        eventType: METADATA_EVENT_TYPE,
        incident: incident.id,
        slot: null,
      };
      const found = await findMessage(client, { ...since, threadTs: null });
      const again = await call({ ...item, place: found === null ? null : { channel, ts: found } }, channel, message);
      return again.kind === 'bad-message' ? { kind: 'refused', code: again.code } : again;
    } catch (error) {
      const failure = classifySlackError(error);
      return failure.kind === 'bad-message' ? { kind: 'refused', code: failure.code } : failure;
    }
  };

  const call = async (
    item: Item,
    channel: string,
    message: Message,
  ): Promise<Sent | Extract<SlackFailure, { kind: 'bad-message' }>> => {
    const body = { channel, text: message.text, metadata: message.metadata, parse: 'none' as const, link_names: false };
    const blocks = message.blocks ?? [];
    try {
      if (item.place?.ts !== undefined) {
        await client.chat.update({ ...body, ts: item.place.ts, blocks });
        return { kind: 'ok', ts: item.place.ts };
      }
      const answer = await client.chat.postMessage({
        ...body,
        ...(blocks.length > 0 ? { blocks } : {}),
        unfurl_links: false,
        unfurl_media: false,
        ...(item.main?.ts === undefined ? {} : { thread_ts: item.main.ts }),
      });
      return { kind: 'ok', ts: answer.ts ?? '' };
    } catch (error) {
      return classifySlackError(error);
    }
  };

  const placeOf = async ({ incident, place, main }: Item, channel: string, ts: string): Promise<DeliveryPlace> => {
    const url = place?.url ?? (await urls(channel, ts));
    const told = main === null ? { told: toldAfter(incident, place?.told) } : {};
    return { channel, ts, ...(url === null ? {} : { url }), ...told };
  };

  return {
    slot: 'message',
    batch: { maxSize: 1, everyMs: 0 },
    parallel: PARALLEL,
    accepts: acceptForSlack,
    notes: notesForSlack,
    deliver: async (items, signal) => await Promise.all(items.map((item) => deliverOne(item, signal))),
    lookUp: async (items) =>
      await Promise.all(
        items.map(async (item) => {
          const { incident, main, slot, sinceMs } = item;
          const channel = main?.channel ?? channelOf(incident);
          try {
            const eventType = main === null ? METADATA_EVENT_TYPE : NOTE_EVENT_TYPE;
            const noteSlot = main === null ? null : slot;
            const wanted = {
              channel,
              sinceMs,
              eventType,
              incident: incident.id,
              slot: noteSlot,
              threadTs: main?.ts ?? null,
            };
            const ts = await findMessage(client, wanted);
            return ts === null ? null : await placeOf(item, channel, ts);
          } catch (error) {
            const answer = answerOfLookUp(error);
            if (answer === 'later') throw error;
            return answer;
          }
        }),
      ),
  };
}

/** A channel that is not there holds nothing; without the permission to read it, nobody can tell. */
function answerOfLookUp(error: unknown): 'unknown' | 'later' | null {
  const failure = classifySlackError(error);
  if (failure.kind === 'retry') return /missing_scope|no_permission/.test(failure.result.error) ? 'unknown' : 'later';
  return failure.code === 'channel_not_found' || failure.kind === 'gone' ? null : 'unknown';
}

/** Addresses of messages, from the workspace's own address, asked once; null while it is not known. */
function createUrls(client: WebClient): (channel: string, ts: string) => Promise<string | null> {
  let root: string | null = null;
  return async (channel, ts) => {
    root ??= await client.auth.test().then(
      (answer) => (answer.url === undefined ? null : answer.url.replace(/\/*$/, '/')),
      () => null,
    );
    return root === null ? null : `${root}archives/${channel}/p${ts.replace('.', '')}`;
  };
}
