// Dead letters as the API and the console handle them: what waits by now, and what a person wants done about it.
import type { DeadLetterDesk } from '../console/options.ts';
import type { DeadLetterIndex } from '../feed/dead-letter-index.ts';
import type { LetterResult } from '../model/dead-letter.ts';
import { type DeadLetterParts, dropLetter, recordFacts, retryLetter } from './dead-letters.ts';

export type DeadLetterDeskParts = DeadLetterParts & { readonly deadLetters: DeadLetterIndex };

const CAUGHT_UP_MS = 2_000;

export function createDeadLetterDesk(parts: DeadLetterDeskParts): DeadLetterDesk {
  const { deadLetters, clock } = parts;
  const caughtUp = async (): Promise<void> => {
    const enough = new AbortController();
    await Promise.race([deadLetters.caughtUp(), clock.sleep(CAUGHT_UP_MS, enough.signal)]);
    enough.abort();
  };
  return {
    waiting: () => [...deadLetters.counts().values()].reduce((sum, count) => sum + count, 0),
    list: async ({ source, reason }) => {
      await caughtUp();
      return deadLetters
        .waiting()
        .filter((letter) => (source ?? letter.source) === letter.source && (reason ?? letter.reason) === letter.reason);
    },
    show: async (id) => {
      await caughtUp();
      const letter = deadLetters.get(id);
      return letter === null ? null : { letter, record: await recordFacts(parts, letter) };
    },
    handle: async ({ action, ids, by, signal }) => {
      await caughtUp();
      const results: LetterResult[] = [];
      for (const id of ids) {
        if (signal.aborted) break;
        const letter = deadLetters.get(id);
        if (letter !== null) results.push(await (action === 'retry' ? retryLetter : dropLetter)(parts, letter, by));
      }
      await caughtUp();
      return results;
    },
  };
}
