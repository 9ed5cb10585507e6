// The one timer loop: appends a `timer` command when the least deadline is due. The reducer has no clock; this is it.
import type { Logger } from 'pino';
import { encode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Command } from '../model/commands.ts';
import { messageOf } from '../model/errors.ts';
import { MANAGER } from './reducer.ts';

export type TimerOptions = {
  readonly log: Pick<EventLog, 'append'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds: the least deadline; null: none. */
  readonly deadline: () => number | null;
};

export type Timers = {
  /** The state has changed: look at the deadline again. */
  rearm(): void;
  stop(): Promise<void>;
};

/** A timer that was appended is waited for; if it has not been decided by then, another does no harm. */
const AGAIN_MS = 10_000;
const LONGEST_SLEEP_MS = 60_000;

export function startTimers({ log, clock, logger, deadline }: TimerOptions): Timers {
  const stopping = new AbortController();
  let bell = new AbortController();
  const appendTimer = async (due: number): Promise<boolean> => {
    const command: Command = { id: `timer-${due}`, at: clock.now(), actor: MANAGER, body: { type: 'timer' } };
    try {
      await log.append('commands', [{ key: null, value: encode('commands', command), timeMs: command.at }]);
      return true;
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'a timer cannot be recorded yet');
      return false;
    }
  };
  const running = (async () => {
    let appendedFor: number | null = null;
    while (!stopping.signal.aborted) {
      const woken = AbortSignal.any([bell.signal, stopping.signal]);
      const due = deadline();
      const now = clock.now();
      if (due === null || due > now) {
        appendedFor = null;
        await clock.sleep(Math.min(LONGEST_SLEEP_MS, due === null ? LONGEST_SLEEP_MS : due - now), woken);
        continue;
      }
      if (appendedFor !== due) appendedFor = (await appendTimer(due)) ? due : null;
      else appendedFor = null;
      await clock.sleep(AGAIN_MS, woken);
    }
  })();
  return {
    rearm: () => {
      bell.abort();
      bell = new AbortController();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
