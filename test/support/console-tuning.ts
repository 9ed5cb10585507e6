// The console's tuning and dead letters over a desk's own log: a month of attempts, disputes among them, and letters that wait.
import { pino } from 'pino';
import { createDeadLetterDesk } from '../../src/app/dead-letter-desk.ts';
import { encodeAttemptsRecord } from '../../src/attempts/wire.ts';
import type { ConsoleOptions } from '../../src/console/options.ts';
import { openDeadLetterIndex } from '../../src/feed/dead-letter-index.ts';
import type { IncidentFeed } from '../../src/feed/feed.ts';
import { createAcceptor } from '../../src/ingest/accept.ts';
import { encode } from '../../src/log/codec.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import type { Clock } from '../../src/model/clock.ts';
import { type DeadLetter, deadLetterId } from '../../src/model/dead-letter.ts';
import { createCurves } from '../../src/tuning/curves.ts';
import { monthReport } from '../../src/tuning/month-report.ts';
import { monthWords } from '../../src/tuning/month-words.ts';
import { promotionsOf } from '../../src/tuning/promote.ts';
import { createProposals } from '../../src/tuning/proposals.ts';
import { GENERAL, T0_S } from './decider.ts';
import { append, view } from './detect.ts';

const logger = pino({ level: 'silent' });
const DAY_S = 86_400;

type Parts = { readonly log: EventLog; readonly feed: IncidentFeed; readonly clock: Clock };
type Made = {
  readonly options: Required<Pick<ConsoleOptions, 'tuning' | 'deadLetters' | 'months'>>;
  readonly close: () => Promise<void>;
};

export async function consoleTuning({ log, feed, clock }: Parts): Promise<Made> {
  const parts = { log, feed, clock, piiKey: 'a key', logger };
  const [curves, proposals] = [createCurves(parts), createProposals(parts)];
  const deadLetters = await openDeadLetterIndex({ log });
  const acceptor = createAcceptor({ log, context: () => GENERAL, latenessMs: () => GENERAL.latenessMs });
  const general = () => GENERAL;
  return {
    options: {
      tuning: { curves, proposals, suggestions: { promotions: () => promotionsOf(feed, clock.now()) } },
      deadLetters: createDeadLetterDesk({ log, clock, acceptor, general, deadLetters }),
      months: async (month, signal) => ({ month, scopes: monthWords(await monthReport(parts, month, signal)) }),
    },
    close: async () => {
      await proposals.close();
      await curves.close();
      await acceptor.close();
      await deadLetters.close();
    },
  };
}

/** Bursts of declines on many cards in the four weeks before T0, small ones more often than large ones; some were disputed. */
export async function appendMonth(log: EventLog): Promise<void> {
  const views = Array.from({ length: 240 }, (_, n) => {
    const size = 1 + Math.floor(14 / (1 + (n % 9)));
    const fromS = T0_S - 28 * DAY_S + Math.floor((n * 28 * DAY_S) / 240);
    return Array.from({ length: size }, (_, i) =>
      view(`ch_${n}_${i}`, fromS + i * 45, { fields: { card: `fp_${n}`, customer: `cus_${n}` } }),
    );
  });
  await append(log, ...views.flat());
  const disputed = Array.from({ length: 24 }, (_, n) => n * 10 + 3).map((n) => {
    const at = T0_S - 28 * DAY_S + Math.floor((n * 28 * DAY_S) / 240);
    const value = encodeAttemptsRecord({
      ...{ record: 'signal', account: null, livemode: true, signal: 'dispute', id: `dp_${n}`, reason: 'fraudulent' },
      ...{ charge: `ch_${n}_0`, event: `evt_dp_${n}`, created: at + 600, time: at + 600 },
      ...{ receivedAt: (at + 600) * 1000, lane: 'live' },
    });
    return { key: 'self/live', value, timeMs: (at + 600) * 1000, partition: 0 };
  });
  await log.append('attempts', disputed);
}

/** Buries one; of a topic of which the log has no such record it can only be dropped. */
export async function bury(log: EventLog, letter: Partial<DeadLetter>, timeMs: number): Promise<string> {
  const whole: DeadLetter = {
    ...{ source: 'stripe-events', partition: 0, offset: 0, reason: 'not_an_event', message: 'It has no type.' },
    ...{ tries: 1, at: timeMs, subject: null, ...letter },
  };
  const key = deadLetterId(whole);
  await log.append('dead-letters', [{ key, value: encode('dead-letters', whole), timeMs }]);
  return key;
}
