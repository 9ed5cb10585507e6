// The curve of one detector for whoever looks at it in the console: read when it is first asked for, kept for a day or until
// the detector changes, one after the other.
import type { CurveReading, Curves, Surface } from '../model/curve.ts';
import { AppError, messageOf } from '../model/errors.ts';
import { surfaceOf } from './surface.ts';
import type { WhatIfParts } from './what-if.ts';

const DAY_MS = 86_400_000;
const LOOKED_BACK_MS = 30 * DAY_MS;
const KEPT_MS = DAY_MS;
/** What could not be read is not tried again with every look. */
const AGAIN_MS = 60_000;
/** About 130 kB each. */
const MOST_KEPT = 100;

type Entry = {
  surface: Surface | null;
  version: number;
  progress: number | null;
  problem: CurveReading['problem'];
  /** When the last reading ended. Milliseconds. */
  at: number;
};

export function createCurves(parts: WhatIfParts): Curves {
  const { feed, clock } = parts;
  const entries = new Map<string, Entry>();
  const stop = new AbortController();
  let reading: Promise<void> = Promise.resolve();
  const versionOf = (detector: string): number =>
    feed.settings().find(({ rule }) => rule.detector === detector)?.rule.version ?? 0;
  const read = async (detector: string, entry: Entry): Promise<void> => {
    if (stop.signal.aborted) return;
    const version = versionOf(detector);
    const onProgress = ({ done, total }: { readonly done: number; readonly total: number }): void => {
      entry.progress = total === 0 ? 1 : Math.min(1, done / total);
    };
    try {
      const sinceMs = clock.now() - LOOKED_BACK_MS;
      entry.surface = await surfaceOf(parts, { detector, sinceMs, signal: stop.signal, onProgress });
      entry.problem = null;
    } catch (error) {
      entry.problem = problemOf(error);
    }
    Object.assign(entry, { version, progress: null, at: clock.now() });
  };
  const start = (detector: string): Entry => {
    const known = entries.get(detector);
    if (known?.progress !== null && known !== undefined) return known;
    const entry = known ?? { surface: null, version: 0, progress: null, problem: null, at: 0 };
    entry.progress = 0;
    entries.delete(detector);
    entries.set(detector, entry);
    forgetOldest(entries);
    reading = reading.then(async () => await read(detector, entry));
    return entry;
  };
  return {
    of: (detector) => {
      const known = entries.get(detector);
      const isStale =
        known === undefined ||
        known.version !== versionOf(detector) ||
        clock.now() - known.at > (known.problem === null ? KEPT_MS : AGAIN_MS);
      const { surface, version, progress, problem } = isStale ? start(detector) : known;
      return { surface, version, progress, problem };
    },
    readNow: (detector) => void start(detector),
    close: async () => {
      stop.abort();
      await reading;
    },
  };
}

/** One that is being read is kept: somebody waits for it. */
function forgetOldest(entries: Map<string, Entry>): void {
  for (const [detector, { progress }] of entries) {
    if (entries.size <= MOST_KEPT) return;
    if (progress === null) entries.delete(detector);
  }
}

function problemOf(error: unknown): { readonly message: string; readonly help: string } {
  return { message: messageOf(error), help: error instanceof AppError ? error.help : '' };
}
