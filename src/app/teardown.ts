// What was started is stopped in the opposite order; one that fails does not keep the others from it.
import type { Logger } from 'pino';
import { messageOf } from '../model/errors.ts';

export type Teardown = {
  push(what: string, stop: () => Promise<void> | void): void;
  /** Safe to call twice. */
  run(): Promise<void>;
};

export function createTeardown(logger: Logger): Teardown {
  const stack: { readonly what: string; readonly stop: () => Promise<void> | void }[] = [];
  let running: Promise<void> | null = null;
  const run = async (): Promise<void> => {
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      try {
        logger.debug({ part: next.what }, 'stopping');
        await next.stop();
      } catch (error) {
        logger.error({ part: next.what, error: messageOf(error) }, 'did not stop cleanly');
      }
    }
  };
  return {
    push: (what, stop) => void stack.push({ what, stop }),
    run: () => {
      running ??= run();
      return running;
    },
  };
}
