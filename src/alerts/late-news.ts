// Tells in one message what was found late after an outage, and nothing of what a backfill brought.
import type { Logger } from 'pino';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';
import { erasedCard, lateCard } from './blocks-late.ts';
import { erasedGroups, LATE_NEWS_FOR_MS, type LateOrigin, lateGroups } from './late-groups.ts';
import { cameByBackfill } from './late-origin.ts';
import type { Notice, NoticesTold } from './notice.ts';

export type LateNewsOptions = {
  readonly feed: Pick<IncidentFeed, 'all'>;
  readonly log: Pick<EventLog, 'offsetsAt' | 'read'>;
  readonly channel: string;
  /** For test mode; null: the same channel. */
  readonly testChannel: string | null;
  readonly consoleUrl: string;
  /** Something may have become due. */
  readonly onDue: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
};

export type LateNews = {
  due(told: NoticesTold): readonly Notice[];
  close(): Promise<void>;
};

/** What one page of a backfill brought was received in one millisecond: most incidents share theirs. */
const MOST_KNOWN = 5_000;

export function createLateNews(options: LateNewsOptions): LateNews {
  const { feed, channel, testChannel, consoleUrl, clock } = options;
  const origins = createOrigins(options);
  const dueOf = (told: NoticesTold, livemode: boolean): readonly Notice[] => {
    const now = clock.now();
    const common = { isLiving: true, channel: livemode ? channel : (testChannel ?? channel) };
    const found = lateGroups(feed.all(), { told, livemode, now, originOf: origins.of }).map((group) => ({
      ...common,
      subject: group.subject,
      version: group.version,
      card: () => lateCard(group, { consoleUrl, now: clock.now() }),
      untilMs: (group.incidents[0]?.openedAt ?? 0) + LATE_NEWS_FOR_MS,
    }));
    const erased = erasedGroups(feed.all(), { told, livemode }).map((group) => ({
      ...common,
      subject: group.subject,
      version: group.version,
      card: () => erasedCard(group, { consoleUrl }),
      untilMs: now + LATE_NEWS_FOR_MS,
    }));
    return [...found, ...erased];
  };
  return {
    due: (told) => {
      const due = [...dueOf(told, true), ...dueOf(told, false)];
      origins.read();
      return due;
    },
    close: origins.close,
  };
}

/** Asked at once, read behind. */
function createOrigins({ log, onDue, logger }: LateNewsOptions) {
  const known = new Map<number, LateOrigin>();
  const wanted = new Set<number>();
  let reading: Promise<void> | null = null;
  let isClosed = false;
  const readAll = async (): Promise<void> => {
    for (const receivedAt of wanted) {
      if (isClosed) return;
      try {
        known.set(receivedAt, (await cameByBackfill(log, receivedAt)) ? 'backfill' : 'late');
      } catch (error) {
        logger.warn({ error: messageOf(error) }, 'where late incidents came from cannot be read yet');
        return;
      } finally {
        wanted.delete(receivedAt);
      }
    }
    onDue();
  };
  return {
    of: ({ receivedAt }: Incident): LateOrigin => {
      if (receivedAt === null) return 'late';
      const origin = known.get(receivedAt) ?? null;
      if (origin === null) wanted.add(receivedAt);
      return origin;
    },
    /** Begins to read what was asked for and is not known. */
    read: (): void => {
      if (wanted.size === 0 || reading !== null) return;
      if (known.size > MOST_KNOWN) known.clear();
      reading = readAll().finally(() => {
        reading = null;
      });
    },
    close: async (): Promise<void> => {
      isClosed = true;
      await reading;
    },
  };
}
