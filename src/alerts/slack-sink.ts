// Slack as an output: one message per incident, edited as it changes; its thread for what must be heard again.
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Item, Result, Sink, Turn } from '../deliveries/sink.ts';
import type { Clock } from '../model/clock.ts';
import type { DeliveryPlace } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import type { Aside } from './aside.ts';
import { METADATA_EVENT_TYPE, renderAlert } from './blocks.ts';
import { NOTE_EVENT_TYPE, noteChannel, renderNote } from './blocks-note.ts';
import type { Edit } from './edit-pace.ts';
import { namesEntity, newsOf, toldAfter } from './news.ts';
import { type Channels, createChannels } from './slack-channels.ts';
import { answerOfLookUp, refusalMessage } from './slack-errors.ts';
import { findMessage } from './slack-lookup.ts';
import { type OutgoingMessage, send, type Target } from './slack-send.ts';
import { acceptForSlack, notesForSlack } from './speak.ts';

export type SlackSinkOptions = {
  readonly client: WebClient;
  readonly channel: string;
  /** For test mode; null: the same channel. */
  readonly testChannel: string | null;
  /** The console's root without a slash at its end. */
  readonly consoleUrl: string;
  /** What is told beside an incident, as far as it is known. */
  readonly asideOf?: (incident: Incident) => Aside;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of one channel. Default 1000. */
  readonly everyMs?: number;
  /** Shared with whoever else tells something there. Default: its own. */
  readonly channels?: Channels;
};

type Parts = SlackSinkOptions & Channels & { readonly urlOf: (channel: string, ts: string) => Promise<string | null> };

type LookedUp = Item & { readonly sinceMs: number };

const PARALLEL = 4;

export function createSlackSink(options: SlackSinkOptions): Sink {
  const channels = options.channels ?? createChannels(options);
  const parts: Parts = { ...options, ...channels, urlOf: createUrls(options.client) };
  const { pace } = channels;
  return {
    slot: 'message',
    batch: { maxSize: 1, everyMs: 0 },
    parallel: PARALLEL,
    accepts: (incident, context) => {
      const accepted = acceptForSlack(incident, context);
      if (accepted !== 'now' || context.place === null) return accepted;
      const at = pace.nextAt(editOf(incident, context.place));
      return at <= context.now ? 'now' : { at };
    },
    notes: notesForSlack,
    names: namesEntity,
    deliver: async (items, turn) => await Promise.all(items.map((item) => deliverOne(parts, item, turn))),
    lookUp: async (items) => await Promise.all(items.map((item) => lookUpOne(parts, item))),
  };
}

async function deliverOne(parts: Parts, item: Item, { signal, isOurs }: Turn): Promise<Result> {
  const target = targetOf(parts, item);
  const { channel } = target;
  const { incident, place } = item;
  if (place === null && (await parts.isShared(channel)))
    return { outcome: 'refused', error: refusalMessage('is_ext_shared', channel) };
  const mayGo =
    place === null ? parts.bucketOf(channel).take(signal) : parts.pace.take(editOf(incident, place), signal);
  if (!(await mayGo) || !(await isOurs())) return { outcome: 'retry', scope: 'item', sent: 'no', error: 'stopping' };
  const sent = await send(parts, target, messageOf(parts, item));
  if (sent.kind === 'ok') return { outcome: 'delivered', place: await placeOf(parts, item, { channel, ts: sent.ts }) };
  if (sent.kind === 'retry') return sent.result;
  return { outcome: 'refused', error: refusalMessage(sent.code, channel) };
}

/** An edit that tells of what people did, or of what was told in the thread, does not wait for growth. */
function editOf(incident: Incident, { told }: DeliveryPlace): Edit {
  return { message: incident.id, isUrgent: told !== undefined && newsOf(incident, told).length > 0 };
}

function messageOf({ consoleUrl, asideOf }: Parts, { incident, slot, main }: Item): OutgoingMessage {
  if (main !== null) return renderNote(incident, slot, main);
  return renderAlert(incident, { consoleUrl, ...(asideOf === undefined ? {} : { aside: asideOf(incident) }) });
}

function targetOf({ channel, testChannel }: Parts, { incident, slot, place, main }: Item): Target {
  const ts = place?.ts ?? null;
  const own = incident.livemode ? channel : (testChannel ?? channel);
  if (main === null) return { incident, channel: place?.channel ?? own, ts, threadTs: null };
  // Told anew, where it stands.
  if (place !== null) return { incident, channel: place.channel ?? main.channel ?? own, ts, threadTs: null };
  const elsewhere = noteChannel(incident, slot, main);
  if (elsewhere !== null) return { incident, channel: elsewhere, ts, threadTs: null };
  return { incident, channel: main.channel ?? own, ts, threadTs: main.ts ?? null };
}

async function placeOf(
  { urlOf }: Parts,
  { incident, place, main }: Item,
  { channel, ts }: { readonly channel: string; readonly ts: string },
): Promise<DeliveryPlace> {
  const url = place?.ts === ts && place.url !== undefined ? place.url : await urlOf(channel, ts);
  const told = main === null ? { told: toldAfter(incident, place?.told) } : {};
  return { channel, ts, ...(url === null ? {} : { url }), ...told };
}

async function lookUpOne(parts: Parts, item: LookedUp): Promise<DeliveryPlace | 'unknown' | null> {
  const { incident, main, slot, sinceMs } = item;
  const { channel, threadTs } = targetOf(parts, item);
  const eventType = main === null ? METADATA_EVENT_TYPE : NOTE_EVENT_TYPE;
  try {
    const wanted = { channel, threadTs, sinceMs, eventType, incident: incident.id, slot: main === null ? null : slot };
    const ts = await findMessage(parts.client, wanted);
    return ts === null ? null : await placeOf(parts, item, { channel, ts });
  } catch (error) {
    const answer = answerOfLookUp(error);
    if (answer === 'later') throw error;
    return answer;
  }
}

/** Addresses of messages, from the workspace's own address, asked once; null while it is not known. */
function createUrls(client: WebClient): Parts['urlOf'] {
  let root: string | null = null;
  return async (channel, ts) => {
    root ??= await client.auth.test().then(
      (answer) => (answer.url === undefined ? null : answer.url.replace(/\/*$/, '/')),
      () => null,
    );
    return root === null ? null : `${root}archives/${channel}/p${ts.replace('.', '')}`;
  };
}
