// Announces each change of settings: gathers what was accepted together, has it read what it would have done, and is due
// when that is known or has taken too long.
import type { Logger } from 'pino';
import type { IncidentFeed } from '../feed/feed.ts';
import type { Clock } from '../model/clock.ts';
import type { DetectorSettings } from '../model/detector.ts';
import { messageOf } from '../model/errors.ts';
import { settingsCard, WOULD } from './blocks-settings.ts';
import type { Notice, NoticesTold } from './notice.ts';
import { NEWS_FOR_MS, type SettingsChanged, type SettingsGroup, settingsGroups } from './settings-groups.ts';

export type ChangeAsked = {
  readonly detector: string;
  /** null: it is new. */
  readonly before: DetectorSettings | null;
  readonly after: DetectorSettings;
};

/** What the change would have done over the last 30 days, a line. Rejects when that cannot be read. */
export type WouldHaveDone = (asked: ChangeAsked, signal: AbortSignal) => Promise<string>;

export type SettingsNewsOptions = {
  readonly feed: Pick<IncidentFeed, 'detectorNames' | 'settingsHistory'>;
  readonly channel: string;
  readonly consoleUrl: string;
  /** Absent: it cannot be asked here. */
  readonly wouldHaveDone?: WouldHaveDone;
  /** Something has become due. */
  readonly onDue: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
};

export type SettingsNews = {
  due(told: NoticesTold): readonly Notice[];
  close(): Promise<void>;
};

/** Of all that one announcement has to say; what is not read by then is said to be unknown. */
const READING_MS = 90_000;
const MOST_READ = 12;
const MOST_KEPT = 50;
const UNREAD = 'What it would have done could not be read: ask `declinewatch what-if`.';

/** Versions that differ in none of them count the same. */
const COUNTED = ['on', 'where', 'of', 'at', 'per', 'count', 'windowS', 'quietForS', 'currency', 'minimum'] as const;

type Reading = { would: ReadonlyMap<number, string> | null };

export function createSettingsNews(options: SettingsNewsOptions): SettingsNews {
  const { feed, channel, consoleUrl, onDue, clock } = options;
  const stop = new AbortController();
  const readings = new Map<string, Reading>();
  let running: Promise<void> = Promise.resolve();
  const readingOf = (group: SettingsGroup): Reading => {
    const id = `${group.subject}/${group.version}`;
    const known = readings.get(id);
    if (known !== undefined) return known;
    const reading: Reading = { would: null };
    readings.set(id, reading);
    const [eldest] = readings.keys();
    if (readings.size > MOST_KEPT && eldest !== undefined) readings.delete(eldest);
    running = running.then(async () => {
      reading.would = await readGroup(options, group, stop.signal);
      onDue();
    });
    return reading;
  };
  return {
    due: (told) => {
      const notices: Notice[] = [];
      for (const group of settingsGroups(feed, told, clock.now())) {
        const { would } = readingOf(group);
        // In their order: what is told up to here is known by the last one told.
        if (would === null) break;
        const { subject, version, changes } = group;
        notices.push({
          subject,
          version,
          channel,
          card: () => settingsCard(group, { would, consoleUrl, isRevertible: (change) => isRevertible(feed, change) }),
          untilMs: (changes[0]?.accepted.at ?? 0) + NEWS_FOR_MS,
        });
      }
      return notices;
    },
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

function isRevertible(feed: SettingsNewsOptions['feed'], { accepted, before }: SettingsChanged): boolean {
  const { detector, version } = accepted.rule;
  if (feed.settingsHistory(detector).at(-1)?.rule.version !== version) return false;
  const was = before?.rule.settings ?? null;
  return (
    was !== null && JSON.stringify(was) !== JSON.stringify(accepted.rule.settings) && /^[\w.-]{1,100}$/.test(detector)
  );
}

/** Never rejects. */
async function readGroup(
  options: SettingsNewsOptions,
  { changes }: SettingsGroup,
  stopped: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const over = new AbortController();
  const signal = AbortSignal.any([stopped, over.signal]);
  const done = new AbortController();
  const limit = options.clock
    .sleep(READING_MS, AbortSignal.any([stopped, done.signal]))
    .then(() => over.abort(new Error('it took too long')));
  const would = new Map<number, string>();
  for (const { accepted, before } of changes.slice(0, MOST_READ)) {
    const { settings: after, detector } = accepted.rule;
    if (after === null) continue;
    const words = await wordsOf(options, { detector, before: before?.rule.settings ?? null, after }, signal);
    would.set(accepted.position.offset, words);
  }
  done.abort();
  await limit;
  return would;
}

async function wordsOf(
  { wouldHaveDone, logger }: SettingsNewsOptions,
  asked: ChangeAsked,
  signal: AbortSignal,
): Promise<string> {
  if (asked.before !== null && countsTheSame(asked.before, asked.after)) return 'What is counted stays the same.';
  if (wouldHaveDone === undefined || signal.aborted) return UNREAD;
  try {
    return `${WOULD}${await untilAborted(wouldHaveDone(asked, signal), signal)}`;
  } catch (error) {
    logger.warn({ detector: asked.detector, error: messageOf(error) }, 'what a change would have done cannot be read');
    return UNREAD;
  }
}

function countsTheSame(before: DetectorSettings, after: DetectorSettings): boolean {
  const isSame =
    JSON.stringify(Object.entries(before.thresholds).sort()) ===
    JSON.stringify(Object.entries(after.thresholds).sort());
  return isSame && COUNTED.every((field) => before[field] === after[field]);
}

/** Rejects when the signal is aborted, whether or not the work heeds it. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: done.signal });
  });
  return await Promise.race([work, aborted]).finally(() => done.abort());
}
