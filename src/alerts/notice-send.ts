// One notice to Slack, one try: `posting` is recorded before the call and `posted` after it; one whose answer was lost is
// looked up before it is sent again.
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { DeliveryMetrics } from '../deliveries/status.ts';
import type { Clock } from '../model/clock.ts';
import type { Delivery, DeliveryPlace } from '../model/delivery.ts';
import { type Card, NOTICE_EVENT_TYPE, NOTICE_SLOT, type Notice } from './notice.ts';
import type { NoticeReceipts } from './notice-receipts.ts';
import type { Channels } from './slack-channels.ts';
import { answerOfLookUp, classifySlackError, refusalMessage, type SlackFailure } from './slack-errors.ts';
import { findMessage } from './slack-lookup.ts';

export type NoticeSender = {
  readonly client: WebClient;
  readonly channels: Channels;
  readonly receipts: NoticeReceipts;
  /** Subjects recorded as `posting` of which it is known that they were not carried out. */
  readonly unsent: Set<string>;
  readonly isActive: () => boolean;
  readonly isOurs: (signal: AbortSignal) => Promise<boolean>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
};

export type Tried =
  | { readonly kind: 'told' }
  /** Slack refuses it for good. */
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'retry'; readonly error: string; readonly retryAfterMs: number };

/** Alerts go first, but not for ever. */
const PATIENCE_MS = 60_000;
const STOPPING: Tried = { kind: 'retry', error: 'another process tells it', retryAfterMs: 0 };

/** Rejects with the log's errors. */
export async function tryNotice(sender: NoticeSender, notice: Notice, signal: AbortSignal): Promise<Tried> {
  const { receipts, channels, unsent, clock, metrics } = sender;
  const { subject, version, channel } = notice;
  const before = receipts.of(subject);
  const isBegun = before?.version === version && before.state === 'posting';
  if (isBegun && clock.now() > notice.untilMs)
    return await fail(sender, notice, { error: before.error ?? 'Slack did not take it in time', signal });
  if (await channels.isShared(channel))
    return await fail(sender, notice, { error: refusalMessage('is_ext_shared', channel), signal });
  const place = notice.isLiving === true ? (before?.place ?? null) : null;
  if (isBegun && place === null && !unsent.has(subject)) {
    const found = await lookUp(sender, notice, before.at);
    if (found.kind === 'retry') return found;
    if (found.kind === 'there') {
      metrics.count('slack', 'adopted');
      await receipts.record(receiptOf(sender, notice, { state: 'posted', place: { channel, ts: found.ts } }), signal);
      return { kind: 'told' };
    }
  }
  const mayGo =
    place === null
      ? channels.bucketOf(channel).takeLast(PATIENCE_MS, signal)
      : channels.pace.take({ message: subject, isUrgent: false }, signal);
  if (!(await mayGo) || !sender.isActive()) return STOPPING;
  if (!isBegun) await receipts.record(receiptOf(sender, notice, { state: 'posting', place }), signal);
  if (!(await sender.isOurs(signal))) return STOPPING;
  unsent.delete(subject);
  return await settle(sender, notice, { place, called: await send(sender, notice, place), signal });
}

type Called = { readonly kind: 'ok'; readonly place: DeliveryPlace } | SlackFailure;

async function settle(
  sender: NoticeSender,
  notice: Notice,
  { place, called, signal }: { place: DeliveryPlace | null; called: Called; signal: AbortSignal },
): Promise<Tried> {
  const { receipts, unsent, metrics } = sender;
  // Somebody deleted the message: it is left in peace.
  const isDone = called.kind === 'ok' || (called.kind === 'gone' && place !== null);
  if (isDone) {
    const at = called.kind === 'ok' ? called.place : place;
    metrics.count('slack', place === null ? 'posted' : 'updated');
    await receipts.record(receiptOf(sender, notice, { state: 'posted', place: at }), signal);
    return { kind: 'told' };
  }
  if (called.kind !== 'retry')
    return await fail(sender, notice, { error: refusalMessage(called.code, notice.channel), signal });
  if (called.result.sent === 'no') unsent.add(notice.subject);
  metrics.count('slack', 'retried');
  return retryOf(called);
}

/** Posted or edited; as plain text if Slack refuses the blocks. */
async function send(sender: NoticeSender, notice: Notice, place: DeliveryPlace | null): Promise<Called> {
  const card = notice.card();
  const first = await call(sender, notice, { card, place });
  if (first.kind !== 'bad-message') return first;
  sender.logger.error({ notice: notice.subject, code: first.code }, 'Slack refused the blocks: sent as plain text');
  return await call(sender, notice, { card: { text: card.text, blocks: [] }, place });
}

async function call(
  { client }: NoticeSender,
  { subject, version, channel }: Notice,
  { card, place }: { readonly card: Card; readonly place: DeliveryPlace | null },
): Promise<Called> {
  const metadata = {
    event_type: NOTICE_EVENT_TYPE,
    event_payload: { incident: subject, slot: String(version) },
  };
  const body = { channel, text: card.text, metadata, parse: 'none', link_names: false } as const;
  const blocks = [...card.blocks];
  try {
    if (place?.ts !== undefined) {
      await client.chat.update({ ...body, channel: place.channel ?? channel, ts: place.ts, blocks });
      return { kind: 'ok', place };
    }
    const quiet = { unfurl_links: false, unfurl_media: false };
    const answer = await client.chat.postMessage({ ...body, ...(blocks.length > 0 ? { blocks } : {}), ...quiet });
    return { kind: 'ok', place: { channel, ts: answer.ts ?? '' } };
  } catch (error) {
    return classifySlackError(error);
  }
}

type Found =
  | { readonly kind: 'there'; readonly ts: string }
  /** Or nobody can tell: it is sent again. */
  | { readonly kind: 'nowhere' }
  | Extract<Tried, { readonly kind: 'retry' }>;

async function lookUp(sender: NoticeSender, notice: Notice, sinceMs: number): Promise<Found> {
  const { client, unsent, logger, metrics } = sender;
  const { subject, version, channel, isLiving = false } = notice;
  const slot = isLiving ? null : String(version);
  try {
    const wanted = { channel, threadTs: null, sinceMs, eventType: NOTICE_EVENT_TYPE, incident: subject, slot };
    const ts = await findMessage(client, wanted);
    if (ts !== null) return { kind: 'there', ts };
  } catch (error) {
    const answer = answerOfLookUp(error);
    if (answer === 'later') return retryOf(classifySlackError(error));
    if (answer === 'unknown') {
      metrics.count('slack', 'possibly_duplicate');
      logger.warn({ notice: subject }, 'sent again without a look-up');
    }
  }
  unsent.add(subject);
  return { kind: 'nowhere' };
}

function retryOf(failure: SlackFailure): Extract<Tried, { readonly kind: 'retry' }> {
  if (failure.kind !== 'retry') return { kind: 'retry', error: failure.code, retryAfterMs: 0 };
  return { kind: 'retry', error: failure.result.error, retryAfterMs: failure.result.retryAfterMs ?? 0 };
}

async function fail(
  sender: NoticeSender,
  notice: Notice,
  { error, signal }: { readonly error: string; readonly signal: AbortSignal },
): Promise<Tried> {
  const { receipts, logger, metrics } = sender;
  const place = receipts.of(notice.subject)?.place ?? null;
  metrics.count('slack', 'failed');
  logger.error({ notice: notice.subject, error }, 'a notice could not be told, and is not tried again');
  await receipts.record(receiptOf(sender, notice, { state: 'failed', place, error }), signal);
  return { kind: 'failed', error };
}

type Receipt = Pick<Delivery, 'state' | 'place'> & { readonly error?: string };

function receiptOf({ clock }: NoticeSender, notice: Notice, { state, place, error = '' }: Receipt): Delivery {
  const { subject, version } = notice;
  const slot = NOTICE_SLOT;
  return {
    output: 'slack',
    subject,
    slot,
    state,
    version,
    at: clock.now(),
    place,
    error: error === '' ? null : error,
    tries: 1,
  };
}
