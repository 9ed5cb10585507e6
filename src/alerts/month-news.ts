// Tells the month of fraud once it is over: on the first of the next one, or within the days after if Slack was away.
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import type { Month, Months } from '../model/month.ts';
import { monthCard } from './blocks-month.ts';
import type { Notice, NoticesTold } from './notice.ts';

export type MonthNewsOptions = {
  readonly months: Pick<Months, 'over' | 'report'>;
  readonly channel: string;
  /** For what is of test mode only; null: the same channel. */
  readonly testChannel: string | null;
  readonly consoleUrl: string;
  /** Something has become due. */
  readonly onDue: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
};

export type MonthNews = {
  due(told: NoticesTold): readonly Notice[];
  close(): Promise<void>;
};

const SUBJECT = 'month';
const TELL_FOR_MS = 4 * 86_400_000;
const AGAIN_MS = 600_000;

export function createMonthNews(options: MonthNewsOptions): MonthNews {
  const { months, channel, testChannel, consoleUrl, onDue, clock, logger } = options;
  const stop = new AbortController();
  let read: { readonly month: string; readonly report: Month } | null = null;
  let reading: Promise<void> | null = null;
  let failedAt = Number.NEGATIVE_INFINITY;
  const begin = (month: string): void => {
    if (reading !== null || clock.now() - failedAt < AGAIN_MS) return;
    reading = (async () => {
      try {
        read = { month, report: await months.report(month, stop.signal) };
        onDue();
      } catch (error) {
        failedAt = clock.now();
        if (!stop.signal.aborted)
          logger.warn({ month, error: messageOf(error) }, 'the month of fraud cannot be read yet');
      } finally {
        reading = null;
      }
    })();
  };
  return {
    due: (told) => {
      const month = months.over();
      if (month === null) return [];
      const { version, untilMs } = termsOf(month);
      const receipt = told.of(SUBJECT);
      const isDone = receipt !== null && receipt.version >= version && receipt.state !== 'posting';
      if (isDone || clock.now() > untilMs) return [];
      if (read?.month !== month) {
        begin(month);
        return [];
      }
      const { report } = read;
      // Nothing is known of a month before this was installed.
      if (report.scopes.length === 0) return [];
      const isLive = report.scopes.some(({ scope }) => scope.livemode);
      return [
        {
          subject: SUBJECT,
          version,
          channel: isLive ? channel : (testChannel ?? channel),
          card: () => monthCard(report, { consoleUrl }),
          untilMs,
        },
      ];
    },
    close: async () => {
      stop.abort(new Error('the service stops'));
      await reading;
    },
  };
}

/** `2026-10`: version 202610, told until the 5th of November. */
function termsOf(month: string): { readonly version: number; readonly untilMs: number } {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return { version: year * 100 + number, untilMs: Date.UTC(year, number, 1) + TELL_FOR_MS };
}
