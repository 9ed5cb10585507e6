// The handover card on a schedule: posted once for each change of duty, by the replica that delivers; recorded like every
// delivery, so that a restart neither repeats nor forgets it.
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import { readDeliveries } from '../deliveries/receipts.ts';
import { encode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { type Delivery, deliveryId } from '../model/delivery.ts';
import { messageOf } from '../model/errors.ts';
import type { Card } from './blocks-handover.ts';
import { classifySlackError } from './slack-errors.ts';
import { findMessage } from './slack-lookup.ts';

export type HandoverOptions = {
  /** Of the day, UTC: `08:00`; empty: never. */
  readonly at: readonly string[];
  readonly client: WebClient;
  readonly channel: string;
  readonly log: EventLog;
  readonly card: (sinceMs: number) => Card;
  /** This process delivers: another replica does otherwise. */
  readonly isActive: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
};

export type Handovers = {
  /** Milliseconds: when duty was handed over last; half a day ago if that is not known. */
  lastAt(): number;
  close(): Promise<void>;
};

const DAY_MS = 86_400_000;
const HALF_DAY_MS = DAY_MS / 2;
/** One that is later is no handover any more. */
const LATE_MS = 3_600_000;
const LOOK_MS = 30_000;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;
const SUBJECT = 'handover';
const EVENT_TYPE = 'declinewatch_handover';

/** Minutes after midnight, ascending; what is no time of day is left out. */
export function timesOfDay(at: readonly string[]): readonly number[] {
  const minutes = at.flatMap((text) => {
    const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim()) ?? [];
    return hour === undefined || minute === undefined ? [] : [Number(hour) * 60 + Number(minute)];
  });
  return [...new Set(minutes)].sort((a, b) => a - b);
}

/** The newest scheduled time that is not after `now`, milliseconds; null: none is scheduled. */
export function dueAt(minutes: readonly number[], now: number): number | null {
  const midnight = Math.floor(now / DAY_MS) * DAY_MS;
  const today = minutes.map((minute) => midnight + minute * 60_000).filter((at) => at <= now);
  const last = minutes.at(-1);
  return today.at(-1) ?? (last === undefined ? null : midnight - DAY_MS + last * 60_000);
}

export async function startHandovers(options: HandoverOptions): Promise<Handovers> {
  const { clock, logger, isActive } = options;
  const minutes = timesOfDay(options.at);
  const stop = new AbortController();
  let last: Delivery | null = await newestReceipt(options.log);
  const running = (async () => {
    while (!stop.signal.aborted && minutes.length > 0) {
      const due = dueAt(minutes, clock.now());
      const isTold = last !== null && last.state !== 'posting' && last.version >= (due ?? 0);
      if (due !== null && !isTold && isActive() && clock.now() - due <= LATE_MS) {
        try {
          // Another replica may have told it since.
          last = await newestReceipt(options.log);
          if (last === null || last.version < due || last.state === 'posting')
            last = await tell(options, { due, before: last, signal: stop.signal });
        } catch (error) {
          logger.warn({ error: messageOf(error) }, 'the handover card cannot be told yet');
        }
      }
      await clock.sleep(LOOK_MS, stop.signal);
    }
  })();
  return {
    lastAt: () => last?.version ?? clock.now() - HALF_DAY_MS,
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

type Telling = { readonly due: number; readonly before: Delivery | null; readonly signal: AbortSignal };

/** Tries for as long as it is worth it. */
async function tell(options: HandoverOptions, { due, before, signal }: Telling): Promise<Delivery | null> {
  const { client, channel, card, clock, logger } = options;
  let isUncertain = before?.state === 'posting' && before.version === due;
  const sinceMs = before !== null && before.version < due ? before.version : due - HALF_DAY_MS;
  await record(options, deliveryOf(due, 'posting', clock.now(), null));
  for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      const found = isUncertain ? await find(options, due) : null;
      const ts = found ?? (await post(client, channel, { due, card: card(sinceMs) }));
      return await record(options, { ...deliveryOf(due, 'posted', clock.now(), null), place: { channel, ts } });
    } catch (error) {
      const failure = classifySlackError(error);
      const isLate = clock.now() - due > LATE_MS;
      if (failure.kind !== 'retry' || isLate) {
        const reason = failure.kind === 'retry' ? failure.result.error : failure.code;
        logger.error({ error: reason }, 'the handover card could not be told');
        return await record(options, deliveryOf(due, 'failed', clock.now(), reason));
      }
      isUncertain ||= failure.result.sent === 'maybe';
      await clock.sleep(Math.max(pauseMs, failure.result.retryAfterMs ?? 0), signal);
    }
  }
  return before;
}

async function post(
  client: WebClient,
  channel: string,
  { due, card }: { readonly due: number; readonly card: Card },
): Promise<string> {
  const answer = await client.chat.postMessage({
    channel,
    text: card.text,
    blocks: [...card.blocks],
    metadata: { event_type: EVENT_TYPE, event_payload: { incident: SUBJECT, slot: String(due) } },
    parse: 'none',
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
  });
  return answer.ts ?? '';
}

const find = async ({ client, channel }: HandoverOptions, due: number): Promise<string | null> =>
  await findMessage(client, {
    channel,
    threadTs: null,
    sinceMs: due,
    eventType: EVENT_TYPE,
    incident: SUBJECT,
    slot: String(due),
  });

function deliveryOf(due: number, state: Delivery['state'], at: number, error: string | null): Delivery {
  return { output: 'slack', subject: SUBJECT, slot: 'card', state, version: due, at, place: null, error, tries: 1 };
}

async function record({ log }: HandoverOptions, delivery: Delivery): Promise<Delivery> {
  const value = encode('deliveries', delivery);
  await log.append('deliveries', [{ key: deliveryId(delivery), value, timeMs: delivery.at }]);
  return delivery;
}

async function newestReceipt(log: EventLog): Promise<Delivery | null> {
  let newest: Delivery | null = null;
  for await (const delivery of readDeliveries(log))
    if (delivery.output === 'slack' && delivery.subject === SUBJECT) newest = delivery;
  return newest;
}
