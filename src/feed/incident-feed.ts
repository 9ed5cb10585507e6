// Follows `incidents` and `detector-settings` in this process: every process sees all, so it shares no group with another.
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { decode } from '../log/codec.ts';
import type { Batch, Consumer, EventLog } from '../log/event-log.ts';
import { type AcceptedSettings, type Change, comparePositions } from '../model/commands.ts';
import { AppError, messageOf } from '../model/errors.ts';
import type { TopicName } from '../model/topics.ts';
import { createAnswers } from './answers.ts';
import type { FeedStatus, IncidentFeed } from './feed.ts';
import { createIncidentIndex } from './incident-index.ts';
import { createProposalIndex } from './proposal-index.ts';
import { createSettingsIndex } from './settings-index.ts';

export type FeedOptions = {
  readonly log: EventLog;
  readonly logger: Logger;
  /** Of the consumer; must be this process's own. Default: a random one. Embedded, where it is kept, name it. */
  readonly group?: string;
};

type FollowedTopic = Extract<TopicName, 'incidents' | 'detector-settings'>;
const FOLLOWED: readonly FollowedTopic[] = ['detector-settings', 'incidents'];

/** Resolves once everything that the log held at the call is shown. Rejects with the log's errors (`newer_schema`, …). */
export async function openIncidentFeed({
  log,
  logger,
  group = `feed-${randomUUID()}`,
}: FeedOptions): Promise<IncidentFeed> {
  const incidents = createIncidentIndex();
  const settings = createSettingsIndex();
  const proposals = createProposalIndex();
  const answers = createAnswers();
  const listeners = new Set<(change: Change) => void>();
  const closing = new AbortController();
  let last: Change['position'] = { offset: -1, index: -1 };
  let behind = 0;
  let stopped: FeedStatus['stopped'] = null;

  const takeChange = (change: Change): void => {
    // What a restarted or frozen manager wrote again.
    if (comparePositions(change.position, last) <= 0) return;
    last = change.position;
    incidents.take(change);
    if (change.accepted !== undefined) settings.take(change.accepted);
    proposals.take(change);
    answers.take(change);
    for (const listener of listeners) {
      try {
        listener(change);
      } catch (error) {
        logger.error({ error: messageOf(error) }, 'a listener of the incident feed failed');
      }
    }
  };
  const handle = (topic: FollowedTopic, value: string): void => {
    if (topic === 'incidents') takeChange(decode<Change>(topic, value));
    else settings.take(decode<AcceptedSettings>(topic, value));
  };
  const progress = await readAll(log, handle);
  const shown = createProgress(progress);
  const batch = async (topic: FollowedTopic, { records, next, signal }: Batch): Promise<null> => {
    for (const { offset, value } of records) {
      if (offset < shown.next(topic)) continue;
      try {
        handle(topic, value);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'newer_schema') throw error;
        stopped = { code: error.code, message: error.message };
        logger.fatal({ help: error.help, error: error.message }, 'the incident feed has stopped');
        await aborted(AbortSignal.any([signal, closing.signal]));
        throw error;
      }
      shown.set(topic, offset + 1);
    }
    if (topic === 'incidents') behind = Math.max(0, next - shown.next(topic));
    return null;
  };
  const consumers: Consumer[] = [];
  try {
    for (const topic of FOLLOWED)
      consumers.push(
        await log.consume({
          topic,
          group: `${group}-${topic}`,
          assigned: async () => shown.next(topic),
          batch: async (each) => await batch(topic, each),
        }),
      );
  } catch (error) {
    await Promise.all(consumers.map((consumer) => consumer.close()));
    throw error;
  }
  return {
    ...incidents.queries,
    ...settings.queries,
    ...proposals.queries,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    waitForCommand: answers.wait,
    caughtUp: async () => {
      for (const topic of FOLLOWED) await shown.reached(topic, (await log.ends(topic))[0]?.next ?? 0);
    },
    status: () => ({ ...incidents.counts(), behind, stopped }),
    close: async () => {
      closing.abort();
      answers.close();
      shown.close();
      await Promise.all(consumers.map((consumer) => consumer.close()));
    },
  };
}

/** Reads both topics to their ends; answers where each ended. */
async function readAll(
  log: EventLog,
  handle: (topic: FollowedTopic, value: string) => void,
): Promise<Map<FollowedTopic, number>> {
  const progress = new Map<FollowedTopic, number>();
  for (const topic of FOLLOWED) {
    const [{ partition, first, next } = { partition: 0, first: 0, next: 0 }] = await log.ends(topic);
    for await (const page of log.read(topic, partition, first, next))
      for (const { value } of page) handle(topic, value);
    progress.set(topic, next);
  }
  return progress;
}

type Progress = {
  next(topic: FollowedTopic): number;
  set(topic: FollowedTopic, next: number): void;
  /** Resolves once that offset is the next, or at close. */
  reached(topic: FollowedTopic, next: number): Promise<void>;
  close(): void;
};

function createProgress(at: Map<FollowedTopic, number>): Progress {
  const waiting = new Set<{ readonly topic: FollowedTopic; readonly next: number; readonly wake: () => void }>();
  let isClosed = false;
  const next = (topic: FollowedTopic): number => at.get(topic) ?? 0;
  return {
    next,
    set: (topic, value) => {
      at.set(topic, value);
      for (const waiter of waiting) if (waiter.topic === topic && waiter.next <= value) waiter.wake();
    },
    reached: async (topic, wanted) => {
      if (isClosed || next(topic) >= wanted) return;
      await new Promise<void>((resolve) => {
        const waiter = { topic, next: wanted, wake: () => done() };
        const done = (): void => {
          waiting.delete(waiter);
          resolve();
        };
        waiting.add(waiter);
      });
    },
    close: () => {
      isClosed = true;
      for (const { wake } of [...waiting]) wake();
    },
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
