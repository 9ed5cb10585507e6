// Episodes, read off the cells (design §4.2): maximal chains of breach instants in which neighbours are at most quietFor
// apart. Which rule judges an instant, and which attempts between instants are members, is decided by the rule of their time.
import { compareSeverity, type DetectorSettings, type Severity } from '../model/detector.ts';
import type { Episode } from '../model/episode.ts';
import { type Cells, HERE, MORE_WINDOW, seek, valueAt, WINDOW } from './cells.ts';
import type { OpenEpisode, Settled } from './open-episode.ts';
import type { Revision } from './revision.ts';
import { type DetectorRules, ladderOf, ruleAt } from './rules.ts';

/** Where reading begins: what lies before is told by the episode that was open then. */
export type Base = { readonly fromS: number; readonly open: Readonly<OpenEpisode> | null };

/** The cells of one entity under one revision. */
export type KeyCells = { readonly revision: Revision; readonly cells: Cells };

/** All episodes of a key, in time order. */
export function episodesOfKey(rules: DetectorRules, parts: readonly KeyCells[], base: Base): Episode[] {
  const [only] = parts;
  const cache = parts.length === 1 && only !== undefined ? only : null;
  const settled = cache?.cells.settled?.stamp === rules.stamp ? cache.cells.settled : null;
  const ended: Episode[] = settled === null ? [] : [...settled.ended];
  const reading = createReading(settled?.open ?? base.open, ended);
  const settleAtS = cache === null ? Number.POSITIVE_INFINITY : settleTimeOf(cache, settled);
  let isSettled = settleAtS === Number.POSITIVE_INFINITY;
  read(rules, parts, settled?.beforeS ?? base.fromS, (second) => {
    if (!isSettled && cache !== null && second.time >= settleAtS) {
      isSettled = true;
      cache.cells.settled = { beforeS: settleAtS, stamp: rules.stamp, ended: [...ended], open: copyOf(reading.open) };
    }
    reading.take(second);
  });
  return reading.open === null ? ended : [...ended, episodeOf(reading.open)];
}

/** The episode that is open before `beforeS`; null if there is none. */
export function openBefore(
  rules: DetectorRules,
  parts: readonly KeyCells[],
  { base, beforeS }: { readonly base: Base; readonly beforeS: number },
): OpenEpisode | null {
  const reading = createReading(base.open, []);
  read(rules, parts, base.fromS, (second) => {
    if (second.time < beforeS) reading.take(second);
  });
  return reading.open;
}

/** Cells. A list that has grown by so many is settled up to some before its end: few changes come later than those. */
const SETTLE_EVERY = 512;
const SETTLE_BEHIND = 128;

function settleTimeOf({ revision, cells }: KeyCells, settled: Settled | null): number {
  const { list } = cells;
  const { stride } = revision.layout;
  const from = settled === null ? 0 : seek(list, stride, settled.beforeS);
  if (list.length - from < SETTLE_EVERY * stride) return Number.POSITIVE_INFINITY;
  return list[list.length - SETTLE_BEHIND * stride] ?? Number.POSITIVE_INFINITY;
}

/** One second of a key, with the rule of its time. */
type Second = {
  readonly time: number;
  readonly settings: DetectorSettings;
  readonly version: number;
  readonly part: KeyCells;
  /** Index of its cell. */
  readonly at: number;
};

function read(rules: DetectorRules, parts: readonly KeyCells[], fromS: number, take: (second: Second) => void): void {
  const single = rules.versions.length === 1 ? rules.versions[0] : undefined;
  const seconds: Second[] | null = parts.length > 1 ? [] : null;
  for (const part of parts) {
    const { list } = part.cells;
    const { stride } = part.revision.layout;
    for (let at = seek(list, stride, fromS); at < list.length; at += stride) {
      const time = list[at] ?? 0;
      const rule = single === undefined || single.sinceS > time ? ruleAt(rules, time) : single;
      if (rule?.settings == null || rule.revision !== part.revision.number) continue;
      const second = { time, settings: rule.settings, version: rule.version, part, at };
      if (seconds === null) take(second);
      else seconds.push(second);
    }
  }
  if (seconds !== null) for (const second of seconds.sort((a, b) => a.time - b.time)) take(second);
}

export type Breach = { readonly value: number; readonly severity: Severity; readonly threshold: number };

/** Null: no breach instant. */
function judge({ settings, part, at }: Second): Breach | null {
  const { list } = part.cells;
  const { count, eligible } = part.revision.layout;
  if ((list[at + WINDOW] ?? 0) === 0 || (list[at + eligible] ?? 0) === 0) return null;
  if (count === 'ratio' && (list[at + MORE_WINDOW] ?? 0) < (settings.minimum ?? 0)) return null;
  const value = valueAt(list, at, count);
  const step = ladderOf(settings).findLast((candidate) => value >= candidate.value);
  return step === undefined ? null : { value, severity: step.severity, threshold: step.value };
}

function createReading(begun: Readonly<OpenEpisode> | null, ended: Episode[]) {
  const reading = {
    open: copyOf(begun),
    take: (second: Second): void => {
      const breach = judge(second);
      const { open } = reading;
      if (breach === null) {
        if (open !== null) wait(open, second);
      } else if (open !== null && second.time - open.lastBreachAt <= second.settings.quietForS) {
        goOn(open, second, breach);
      } else {
        if (open !== null) ended.push(episodeOf(open));
        reading.open = begin(second, breach);
      }
    },
  };
  return reading;
}

const copyOf = (open: Readonly<OpenEpisode> | null): OpenEpisode | null => (open === null ? null : { ...open });

/** A gap is judged by the later instant's quietFor; what came between becomes members now. */
function goOn(open: OpenEpisode, second: Second, { value, severity, threshold }: Breach): void {
  const here = hereOf(second);
  open.attemptCount += open.sinceCount + here;
  if (open.sinceCount > 0) open.lastAttemptAt = open.sinceLastAt;
  if (here > 0) open.lastAttemptAt = second.time;
  open.sinceCount = 0;
  open.lastBreachAt = second.time;
  open.settingsVersion = second.version;
  if (value > open.peak) open.peak = value;
  if (compareSeverity(severity, open.severity) > 0) Object.assign(open, { severity, threshold });
}

function wait(open: OpenEpisode, second: Second): void {
  const here = hereOf(second);
  if (here === 0) return;
  open.sinceCount += here;
  open.sinceLastAt = second.time;
}

/** The members so far are those of the window. */
function begin({ time, version, part, at }: Second, { value, severity, threshold }: Breach): OpenEpisode {
  const { list } = part.cells;
  const { stride, windowS } = part.revision.layout;
  let first = seek(list, stride, time - windowS + 1);
  while (first < at && list[first + HERE] === 0) first += stride;
  let last = at;
  while (last > first && list[last + HERE] === 0) last -= stride;
  return {
    firstAttemptAt: list[first] ?? time,
    lastAttemptAt: list[last] ?? time,
    firstBreachAt: time,
    lastBreachAt: time,
    peak: value,
    severity,
    threshold,
    attemptCount: list[at + WINDOW] ?? 0,
    settingsVersion: version,
    sinceCount: 0,
    sinceLastAt: 0,
  };
}

const hereOf = ({ part, at }: Second): number => part.cells.list[at + HERE] ?? 0;

function episodeOf({ sinceCount: _count, sinceLastAt: _at, ...open }: OpenEpisode): Episode {
  return { ...open, exact: true };
}

/** The breach instants of an episode that are still held, in time order; as two lists, for there may be one a second for days. */
export type Instants = {
  /** Seconds. */
  readonly times: number[];
  readonly values: number[];
  /** Of the first. */
  opening: Revision | null;
  /** The newest of a revision with `at:`. */
  selected: { readonly time: number; readonly revision: Revision } | null;
};

type InstantsIn = {
  /** Seconds. */
  readonly fromS: number;
  readonly episode: Pick<Episode, 'firstBreachAt' | 'lastBreachAt'>;
};

export function instantsOf(rules: DetectorRules, parts: readonly KeyCells[], { fromS, episode }: InstantsIn): Instants {
  const instants: Instants = { times: [], values: [], opening: null, selected: null };
  addInstants(instants, rules, parts, {
    ...{ fromS, episode },
    seen: (time, revision) => {
      instants.opening ??= revision;
      if (revision.at !== null) instants.selected = { time, revision };
    },
  });
  return instants;
}

/** Those that come after what the lists end with. */
export function addInstants(
  { times, values }: Pick<Instants, 'times' | 'values'>,
  rules: DetectorRules,
  parts: readonly KeyCells[],
  { fromS, episode, seen }: InstantsIn & { readonly seen?: (time: number, revision: Revision) => void },
): void {
  read(rules, parts, Math.max(fromS, episode.firstBreachAt), (second) => {
    const breach = second.time <= episode.lastBreachAt ? judge(second) : null;
    if (breach === null) return;
    const { time, part } = second;
    times.push(time);
    values.push(breach.value);
    seen?.(time, part.revision);
  });
}
