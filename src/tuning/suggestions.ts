// Reads the whole curve of every detector once a day, and after a backfill: what the account's own past suggests.
import type { Logger } from 'pino';
import type { Surface } from '../model/curve.ts';
import { AppError, messageOf } from '../model/errors.ts';
import type { Suggestions } from '../model/suggestions.ts';
import { promotionsOf } from './promote.ts';
import { surfacesOf } from './surface.ts';
import type { WhatIfParts } from './what-if.ts';

export type SuggestionsOptions = WhatIfParts & {
  readonly logger: Logger;
  /** Default a day. */
  readonly everyMs?: number;
  /** From the start to the first reading: what is live comes first. Default 10 minutes. */
  readonly firstAfterMs?: number;
};

const DAY_MS = 86_400_000;
const LOOKED_BACK_MS = 30 * DAY_MS;
const FIRST_AFTER_MS = 600_000;

export function startSuggestions(options: SuggestionsOptions): Suggestions {
  const { clock, feed, logger, everyMs = DAY_MS, firstAfterMs = FIRST_AFTER_MS } = options;
  const surfaces = new Map<string, Surface>();
  const listeners = new Set<() => void>();
  const stop = new AbortController();
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const read = async (): Promise<void> => {
    try {
      await readAll(options, surfaces, stop.signal);
      for (const listener of listeners) listener();
    } catch (error) {
      if (!stop.signal.aborted) logger.warn({ error: messageOf(error) }, 'what the past suggests could not be read');
    }
  };
  const start = (): Promise<void> => {
    const own = read().finally(() => {
      if (running === own) running = null;
    });
    running = own;
    return own;
  };
  const runNow = async (): Promise<void> => {
    if (running === null) return await start();
    // What came since it began counts too.
    next ??= running.then(async () => {
      next = null;
      await start();
    });
    await next;
  };
  const daily = (async () => {
    await clock.sleep(firstAfterMs, stop.signal);
    while (!stop.signal.aborted) {
      await runNow();
      await clock.sleep(everyMs, stop.signal);
    }
  })();
  return {
    of: (detector) => surfaces.get(detector)?.suggestions ?? [],
    surfaces: () => [...surfaces.values()],
    promotions: () => promotionsOf(feed, clock.now()),
    runNow,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: async () => {
      stop.abort();
      await daily;
      await next;
      await running;
    },
  };
}

/** All in one pass; those that lack a field one by one, so that one of them does not keep the others from it. */
async function readAll(options: SuggestionsOptions, into: Map<string, Surface>, signal: AbortSignal): Promise<void> {
  const { feed, clock, logger } = options;
  const detectors = feed.settings().map(({ rule }) => rule.detector);
  const asked = { sinceMs: clock.now() - LOOKED_BACK_MS, signal };
  const all = await surfacesOf(options, { ...asked, detectors }).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'field_not_kept') return null;
    throw error;
  });
  into.clear();
  for (const surface of all ?? []) into.set(surface.detector, surface);
  if (all !== null) return;
  for (const detector of detectors) {
    const [surface] = await surfacesOf(options, { ...asked, detectors: [detector] }).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'field_not_kept') throw error;
      logger.info({ detector, error: error.message }, 'nothing can be suggested for it yet');
      return [];
    });
    if (surface !== undefined) into.set(detector, surface);
  }
}
