// What became of commands: for those who wait, and for a while for those who ask afterwards.
import type { Change } from '../model/commands.ts';

export type Answers = {
  take(change: Change): void;
  /** The first change of the command, at once if it is known; null after `timeoutMs`, or at close. */
  wait(commandId: string, timeoutMs: number): Promise<Change | null>;
  close(): void;
};

const MAX_KNOWN = 2_000;
const MAX_WAITING = 2_000;

export function createAnswers(): Answers {
  const known = new Map<string, Change>();
  const waiting = new Set<{ readonly commandId: string; readonly tell: (change: Change | null) => void }>();
  const remember = (change: Change): void => {
    // Of a command that was asked twice the first answer stands.
    if (known.has(change.command)) return;
    known.set(change.command, change);
    const [eldest] = known.keys();
    if (known.size > MAX_KNOWN && eldest !== undefined) known.delete(eldest);
  };
  return {
    take: (change) => {
      const { asked, position, command } = change;
      if (position.index !== 0 || asked === 'report' || asked === 'operator' || asked === 'timer') return;
      remember(change);
      for (const waiter of [...waiting]) if (waiter.commandId === command) waiter.tell(known.get(command) ?? change);
    },
    wait: async (commandId, timeoutMs) => {
      const change = known.get(commandId);
      if (change !== undefined) return change;
      if (waiting.size >= MAX_WAITING) return null;
      return await new Promise((resolve) => {
        const tell = (answer: Change | null): void => {
          clearTimeout(timer);
          waiting.delete(waiter);
          resolve(answer);
        };
        const waiter = { commandId, tell };
        const timer = setTimeout(() => tell(null), timeoutMs);
        waiting.add(waiter);
      });
    },
    close: () => {
      for (const { tell } of [...waiting]) tell(null);
    },
  };
}
