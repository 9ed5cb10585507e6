// Slack as an output: one message per incident, edited as it changes; its thread for what must be heard again.
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Item, Result, Sink } from '../deliveries/sink.ts';
import type { Clock } from '../model/clock.ts';
import type { DeliveryPlace } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import type { Aside } from './aside.ts';
import { METADATA_EVENT_TYPE, renderAlert } from './blocks.ts';
import { NOTE_EVENT_TYPE, noteChannel, renderNote } from './blocks-note.ts';
import { createEditPace, type Edit, type EditPace } from './edit-pace.ts';
import { newsOf, toldAfter } from './news.ts';
import { classifySlackError, refusalMessage } from './slack-errors.ts';
import { findMessage } from './slack-lookup.ts';
import { type OutgoingMessage, send, type Target } from './slack-send.ts';
import { acceptForSlack, notesForSlack } from './speak.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

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
};

type Parts = SlackSinkOptions & {
  readonly bucketOf: (channel: string) => TokenBucket;
  readonly pace: EditPace;
  readonly isShared: (channel: string) => Promise<boolean>;
  readonly urlOf: (channel: string, ts: string) => Promise<string | null>;
};

type LookedUp = Item & { readonly sinceMs: number };

const EVERY_MS = 1_000;
const BURST = 3;
const PARALLEL = 4;
/** For tests that wait for no one. */
const QUICK = { perMinute: 10_000, growthPerMinute: 10_000 };

export function createSlackSink(options: SlackSinkOptions): Sink {
  const { clock, everyMs } = options;
  const isQuick = everyMs !== undefined && everyMs < EVERY_MS;
  const pace = createEditPace({ clock, ...(isQuick ? { sameMs: everyMs, growthMs: everyMs, ...QUICK } : {}) });
  const parts: Parts = {
    ...options,
    bucketOf: createBuckets(options),
    pace,
    isShared: createIsShared(options),
    urlOf: createUrls(options.client),
  };
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
    deliver: async (items, signal) => await Promise.all(items.map((item) => deliverOne(parts, item, signal))),
    lookUp: async (items) => await Promise.all(items.map((item) => lookUpOne(parts, item))),
  };
}

async function deliverOne(parts: Parts, item: Item, signal: AbortSignal): Promise<Result> {
  const target = targetOf(parts, item);
  const { channel } = target;
  const { incident, place } = item;
  if (place === null && (await parts.isShared(channel)))
    return { outcome: 'refused', error: refusalMessage('is_ext_shared', channel) };
  const mayGo =
    place === null ? parts.bucketOf(channel).take(signal) : parts.pace.take(editOf(incident, place), signal);
  if (!(await mayGo)) return { outcome: 'retry', scope: 'item', sent: 'no', error: 'stopping' };
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

/** A channel that is not there holds nothing; without the permission to read it, nobody can tell. */
function answerOfLookUp(error: unknown): 'unknown' | 'later' | null {
  const failure = classifySlackError(error);
  if (failure.kind === 'retry') return /missing_scope|no_permission/.test(failure.result.error) ? 'unknown' : 'later';
  return failure.code === 'channel_not_found' || failure.kind === 'gone' ? null : 'unknown';
}

function createBuckets({ clock, everyMs = EVERY_MS }: SlackSinkOptions): (channel: string) => TokenBucket {
  const buckets = new Map<string, TokenBucket>();
  return (channel) => {
    const bucket = buckets.get(channel) ?? createTokenBucket({ clock, everyMs, burst: BURST });
    buckets.set(channel, bucket);
    return bucket;
  };
}

/** Asked again after ten minutes; of one that is shared after one, for that is to be put right. */
const SHARED_MS = 60_000;
const OWN_MS = 600_000;

/** Whether another organisation would read it. Where Slack does not say, it is taken for our own. */
function createIsShared({ client, clock }: SlackSinkOptions): Parts['isShared'] {
  const known = new Map<string, { readonly at: number; readonly isShared: boolean }>();
  return async (channel) => {
    const before = known.get(channel);
    if (before !== undefined && clock.now() - before.at < (before.isShared ? SHARED_MS : OWN_MS))
      return before.isShared;
    const isShared = await client.conversations.info({ channel }).then(
      (answer) => answer.channel?.is_ext_shared === true,
      () => null,
    );
    if (isShared !== null) known.set(channel, { at: clock.now(), isShared });
    return isShared ?? false;
  };
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
