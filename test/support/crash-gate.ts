// The instant at which a process ends, chosen by number: every effect on the outside (a write of the file, a call to Slack or
// Google) passes a gate that counts them and, at the one that was chosen, lets nothing more through in either direction.
import type { Database } from '../../src/log/database.ts';

export type CrashPoint = {
  /** Which effects are counted; null: all. */
  readonly of: string | null;
  /** Counted from 1. */
  readonly effect: number;
  /** `before`: it is not carried out; `after`: it is, and nobody hears of it. */
  readonly side: 'before' | 'after';
};

export type Gate = {
  /** Effects so far, by what they are, in order. */
  readonly seen: readonly string[];
  isClosed(): boolean;
  /** Resolves with what the process ended at. */
  readonly closed: Promise<string>;
  /** Ends it now. */
  close(what: string): void;
  effect<T>(what: string, carryOut: () => Promise<T>): Promise<T>;
  /** What changes nothing outside, and is not counted. */
  read<T>(carryOut: () => Promise<T>): Promise<T>;
};

/** Null: it never ends by itself. `end` is called in the very moment. */
export function createGate(point: CrashPoint | null, end: () => void = () => undefined): Gate {
  const seen: string[] = [];
  let isClosed = false;
  let counted = 0;
  let tell = (_: string): void => {};
  const closed = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const close = (what: string): void => {
    isClosed = true;
    end();
    tell(what);
  };
  const check = (): void => {
    if (isClosed) throw new Error('this process has ended');
  };
  const read: Gate['read'] = async (carryOut) => {
    check();
    const answer = await carryOut();
    check();
    return answer;
  };
  return {
    seen,
    isClosed: () => isClosed,
    closed,
    close,
    read,
    effect: async (what, carryOut) => {
      check();
      seen.push(what);
      const counts = point !== null && (point.of === null || point.of === what);
      if (counts) counted += 1;
      const isChosen = counts && counted === point.effect;
      if (isChosen && point?.side === 'before') close(`before ${what}`);
      check();
      return await read(async () => {
        const answer = await carryOut();
        if (isChosen) close(`after ${what}`);
        return answer;
      });
    },
  };
}

/** Every unit that is written counts: records, offsets of groups, windows, upkeep. */
export function gatedDatabase(database: Database, gate: Gate): Database {
  return {
    run: async (statements) => await gate.effect(nameOf(statements[0]?.sql ?? ''), () => database.run(statements)),
    all: async (sql, params) => await gate.read(() => database.all(sql, params)),
    readAside: async (sql, params) => await gate.read(() => database.readAside(sql, params)),
    close: async () => await database.close(),
  };
}

function nameOf(sql: string): string {
  return sql.trim().replace(/\s+/g, ' ').split(' ').slice(0, 4).join(' ');
}
