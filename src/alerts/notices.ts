// Tells notices, each once: by the replica that delivers, recorded like every delivery, so that a restart neither repeats
// nor forgets one. They keep to the pace of the channel, behind the alerts.
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import { createBell } from '../deliveries/bell.ts';
import type { DeliveryMetrics } from '../deliveries/status.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Delivery } from '../model/delivery.ts';
import { messageOf } from '../model/errors.ts';
import { isTold, type Notice, type NoticeSource, type NoticesTold } from './notice.ts';
import { openNoticeReceipts } from './notice-receipts.ts';
import { type NoticeSender, tryNotice } from './notice-send.ts';
import type { Channels } from './slack-channels.ts';

export type NoticesOptions = {
  readonly sources: readonly NoticeSource[];
  readonly client: WebClient;
  readonly channels: Channels;
  readonly log: EventLog;
  /** This process delivers: another replica does otherwise. */
  readonly isActive: () => boolean;
  /** Asked right before a call that nobody may make twice. */
  readonly isOurs: (signal: AbortSignal) => Promise<boolean>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: DeliveryMetrics;
};

export type NoticesStatus = {
  /** Due and not told yet. */
  readonly waiting: number;
  /** Why they wait; null: nothing is wrong. */
  readonly lastError: { readonly at: number; readonly message: string } | null;
  /** Given up within the last day, newest first, at most 20. */
  readonly failed: readonly Delivery[];
};

export type Notices = {
  readonly told: NoticesTold;
  /** Something may be due now. */
  ring(): void;
  status(): NoticesStatus;
  close(): Promise<void>;
};

/** How often the sources are asked without a ring. */
const LOOK_MS = 5_000;
/** What other replicas have told is read at least so often. */
const REFRESH_MS = 60_000;
/** Of one source at one look; what is more is named at the next one. */
const MOST_A_LOOK = 20;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;
const FAILED_FOR_MS = 86_400_000;
const SHOWN_FAILED = 20;
const NO_METRICS: DeliveryMetrics = { count: () => undefined };

/** Resolves once it is known what was told before. Rejects with the log's errors. */
export async function startNotices(options: NoticesOptions): Promise<Notices> {
  const { clock, logger, isActive, metrics = NO_METRICS } = options;
  const receipts = await openNoticeReceipts(options);
  const sender: NoticeSender = { ...options, receipts, metrics, unsent: new Set() };
  const stop = new AbortController();
  const bell = createBell();
  const mind: Mind = { waiting: 0, tries: 0, pausedUntil: 0, refreshedAt: clock.now(), lastError: null };
  const running = (async () => {
    while (!stop.signal.aborted) {
      const now = clock.now();
      if (now >= mind.pausedUntil) {
        try {
          await look(sender, { mind, sources: options.sources, signal: stop.signal });
        } catch (error) {
          if (!stop.signal.aborted) pause(sender, mind, { error: messageOf(error), retryAfterMs: 0 });
        }
      }
      const pausedMs = mind.pausedUntil - clock.now();
      await bell.wait(pausedMs > 0 ? Math.min(pausedMs, LOOK_MS) : LOOK_MS, clock, stop.signal);
    }
  })();
  return {
    told: receipts,
    ring: bell.ring,
    status: () => ({
      waiting: isActive() ? mind.waiting : 0,
      lastError: mind.lastError,
      failed: failedOf(receipts, clock.now()),
    }),
    close: async () => {
      stop.abort();
      await running.catch((error: unknown) => logger.error({ error: messageOf(error) }, 'the notices have stopped'));
    },
  };
}

type Mind = {
  waiting: number;
  /** Failures in a row. */
  tries: number;
  pausedUntil: number;
  refreshedAt: number;
  lastError: NoticesStatus['lastError'];
};

type Look = { readonly mind: Mind; readonly sources: readonly NoticeSource[]; readonly signal: AbortSignal };

async function look(sender: NoticeSender, { mind, sources, signal }: Look): Promise<void> {
  const { receipts, clock, isActive } = sender;
  const known = dueOf(sender, sources);
  if (known.length > 0 || clock.now() - mind.refreshedAt >= REFRESH_MS) {
    // Another replica may have told it since.
    await receipts.refresh();
    mind.refreshedAt = clock.now();
  }
  const due = dueOf(sender, sources);
  mind.waiting = due.length;
  for (const notice of due) {
    if (signal.aborted || !isActive()) return;
    const tried = await tryNotice(sender, notice, signal);
    if (signal.aborted || !isActive()) return;
    if (tried.kind === 'retry') return pause(sender, mind, tried);
    mind.waiting -= 1;
    mind.tries = 0;
    mind.lastError = tried.kind === 'told' ? null : { at: clock.now(), message: tried.error };
  }
}

function dueOf({ receipts, clock, isActive, logger }: NoticeSender, sources: Look['sources']): readonly Notice[] {
  if (!isActive()) return [];
  return sources.flatMap((source) => {
    try {
      return source(receipts)
        .filter((notice) => isDue(notice, receipts.of(notice.subject), clock.now()))
        .slice(0, MOST_A_LOOK);
    } catch (error) {
      logger.error({ error: messageOf(error) }, 'what is to be told cannot be made out');
      return [];
    }
  });
}

/** What is too late is left alone, unless it was begun: then it ends as failed. */
function isDue(notice: Notice, receipt: Delivery | null, now: number): boolean {
  if (isTold(notice, receipt)) return false;
  return now <= notice.untilMs || receipt?.version === notice.version;
}

function pause(
  { clock, logger }: NoticeSender,
  mind: Mind,
  { error, retryAfterMs }: { readonly error: string; readonly retryAfterMs: number },
): void {
  const now = clock.now();
  const pauseMs = Math.max(retryAfterMs, Math.min(FIRST_PAUSE_MS * 2 ** Math.min(mind.tries, 10), LONGEST_PAUSE_MS));
  mind.tries += 1;
  mind.pausedUntil = now + pauseMs;
  mind.lastError = { at: now, message: error };
  logger.warn({ error, pauseMs }, 'notices cannot be told yet');
}

function failedOf({ all }: NoticesTold, now: number): readonly Delivery[] {
  return [...all()]
    .filter(({ state, at }) => state === 'failed' && now - at < FAILED_FOR_MS)
    .sort((a, b) => b.at - a.at)
    .slice(0, SHOWN_FAILED);
}
