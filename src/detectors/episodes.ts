// Episodes, read off the cells (design §4.2): maximal chains of breach instants in which neighbours are at most quietFor
// apart. Which rule judges an instant is decided by the instant's own time.
import { compareSeverity, type Severity } from '../model/detector.ts';
import type { Episode } from '../model/episode.ts';
import { type Cell, type Cells, type Hit, indexFrom, refresh } from './cells.ts';
import { type DetectorRules, ladderOf, type Revision, ruleAt } from './rules.ts';

/** Seconds, [fromS, toS): of first breach instants. */
export type Range = { readonly fromS: number; readonly toS: number | null };

/** What is kept of an episode whose beginning has been dropped while it is still open. */
export type EpisodeHead = {
  readonly firstAttemptAt: number;
  readonly firstBreachAt: number;
  readonly lastBreachAt: number;
  readonly peak: number;
  readonly severity: Severity;
  readonly threshold: number;
  /** Members before the cut. */
  readonly attemptCount: number;
  readonly settingsVersion: number;
};

export type Instant = {
  readonly time: number;
  readonly value: number;
  readonly severity: Severity;
  readonly threshold: number;
  readonly quietForS: number;
  readonly version: number;
  readonly revision: Revision;
};

/** The cells of one entity under each revision that counts on it. */
export type KeyCells = readonly { readonly revision: Revision; readonly cells: Cells }[];

export function episodesOfKey(
  rules: DetectorRules,
  parts: KeyCells,
  head: EpisodeHead | null,
  range?: Range,
): Episode[] {
  const chains = chainsOf(instantsOf(rules, parts), head);
  const inRange = chains.filter(
    ({ firstBreachAt }) =>
      !range || (firstBreachAt >= range.fromS && (range.toS === null || firstBreachAt < range.toS)),
  );
  return inRange.map(({ head: begun, instants }) => episodeOf(parts, begun, instants));
}

export type Chain = { readonly head: EpisodeHead | null; readonly firstBreachAt: number; readonly instants: Instant[] };

/** Breach instants in time order. */
export function instantsOf(rules: DetectorRules, parts: KeyCells): Instant[] {
  const all = parts.map((part) => instantsOfPart(rules, part));
  const [only = []] = all;
  return all.length === 1 ? only : all.flat().sort((a, b) => a.time - b.time);
}

function instantsOfPart(rules: DetectorRules, { revision, cells }: KeyCells[number]): Instant[] {
  refresh(cells, revision.settings.count, revision.settings.windowS);
  const instants: Instant[] = [];
  const single = rules.versions.length === 1 ? ruleAt(rules, Number.MAX_SAFE_INTEGER) : undefined;
  for (let i = indexFrom(cells.list, cells.cutS); i < cells.list.length; i++) {
    const cell = cells.list[i];
    if (cell === undefined || cell.matching === 0) continue;
    const rule = single === undefined ? ruleAt(rules, cell.time) : single;
    if (rule?.settings == null || rule.revision !== revision.number || rule.sinceS > cell.time) continue;
    const { settings } = rule;
    if (settings.minimum !== null && cell.denominator < settings.minimum) continue;
    const step = ladderOf(settings).findLast(({ value }) => cell.value >= value);
    if (step === undefined || !cell.hits.some(({ eligible }) => eligible)) continue;
    instants.push({
      time: cell.time,
      value: cell.value,
      severity: step.severity,
      threshold: step.value,
      quietForS: settings.quietForS,
      version: rule.version,
      revision,
    });
  }
  return instants;
}

/** A gap is judged by the later instant's quietFor. */
function chainsOf(instants: readonly Instant[], head: EpisodeHead | null): Chain[] {
  const chains: Chain[] = head === null ? [] : [{ head, firstBreachAt: head.firstBreachAt, instants: [] }];
  let last = head?.lastBreachAt ?? Number.NEGATIVE_INFINITY;
  for (const instant of instants) {
    const open = chains.at(-1);
    if (open !== undefined && instant.time - last <= instant.quietForS) open.instants.push(instant);
    else chains.push({ head: null, firstBreachAt: instant.time, instants: [instant] });
    last = instant.time;
  }
  return chains;
}

function episodeOf(parts: KeyCells, head: EpisodeHead | null, instants: readonly Instant[]): Episode {
  const { severity, threshold, peak } = worst(head, instants);
  const first = head?.firstBreachAt ?? instants[0]?.time ?? 0;
  const last = instants.at(-1);
  const { count, firstAt, lastAt } = countMembers(parts, instants, head);
  return {
    severity,
    threshold,
    firstAttemptAt: head?.firstAttemptAt ?? firstAt,
    lastAttemptAt: Math.max(lastAt, head?.lastBreachAt ?? 0),
    firstBreachAt: first,
    lastBreachAt: last?.time ?? head?.lastBreachAt ?? first,
    peak,
    attemptCount: count + (head?.attemptCount ?? 0),
    exact: true,
    settingsVersion: last?.version ?? head?.settingsVersion ?? 0,
  };
}

/** The largest value, and the highest threshold that an instant reached under its own rule. */
function worst(head: EpisodeHead | null, instants: readonly Instant[]) {
  let severity: Severity | null = head?.severity ?? null;
  let threshold = head?.threshold ?? 0;
  let peak = head?.peak ?? Number.NEGATIVE_INFINITY;
  for (const instant of instants) {
    if (instant.value > peak) peak = instant.value;
    if (compareSeverity(instant.severity, severity) > 0) {
      severity = instant.severity;
      threshold = instant.threshold;
    }
  }
  return { severity: severity ?? 'warning', threshold, peak };
}

/** The cells, in time order, that hold the members of a chain: from its first instant's window to its last instant. */
export function* memberCells(parts: KeyCells, instants: readonly Instant[], cutS: number): Generator<Cell> {
  for (const { revision, cells } of parts) {
    const own = parts.length === 1 ? instants : instants.filter((instant) => instant.revision === revision);
    const first = own[0];
    const last = own.at(-1);
    if (first === undefined || last === undefined) continue;
    const from = Math.max(first.time - revision.settings.windowS + 1, cutS);
    for (let i = indexFrom(cells.list, from); i < cells.list.length; i++) {
      const cell = cells.list[i];
      if (cell === undefined || cell.time > last.time) break;
      yield cell;
    }
  }
}

function countMembers(parts: KeyCells, instants: readonly Instant[], head: EpisodeHead | null) {
  const several = parts.length > 1 ? new Set<string>() : null;
  let count = 0;
  let firstAt = Number.POSITIVE_INFINITY;
  let lastAt = Number.NEGATIVE_INFINITY;
  const cutS = head === null ? Number.NEGATIVE_INFINITY : (parts[0]?.cells.cutS ?? 0);
  for (const cell of memberCells(parts, instants, cutS)) {
    for (const hit of cell.hits) {
      if (!hit.matches || several?.has(hit.id)) continue;
      several?.add(hit.id);
      count += 1;
      if (hit.time < firstAt) firstAt = hit.time;
      if (hit.time > lastAt) lastAt = hit.time;
    }
  }
  return { count, firstAt, lastAt };
}

export type Details = {
  /** Members, by time then id. */
  readonly members: readonly Hit[];
  readonly values: readonly { readonly time: number; readonly value: number }[];
  /** The newest hit that `at:` selected at a breach instant; null without `at:`. */
  readonly trigger: Hit | null;
};

/** What makes up one episode; null if there is none that begins at that breach instant. */
export function detailsOfKey(
  rules: DetectorRules,
  parts: KeyCells,
  head: EpisodeHead | null,
  firstBreachAt: number,
): Details | null {
  const chain = chainsOf(instantsOf(rules, parts), head).find((candidate) => candidate.firstBreachAt === firstBreachAt);
  if (chain === undefined) return null;
  const { instants } = chain;
  const members = new Map<string, Hit>();
  for (const cell of memberCells(parts, instants, Number.NEGATIVE_INFINITY))
    for (const hit of cell.hits) if (hit.matches) members.set(hit.id, hit);
  return {
    members: [...members.values()].sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)),
    values: instants.map(({ time, value }) => ({ time, value })),
    trigger: triggerOf(parts, instants),
  };
}

function triggerOf(parts: KeyCells, instants: readonly Instant[]): Hit | null {
  for (let i = instants.length - 1; i >= 0; i--) {
    const instant = instants[i];
    if (instant?.revision.at == null) continue;
    const list = parts.find(({ revision }) => revision === instant.revision)?.cells.list ?? [];
    const found = list[indexFrom(list, instant.time)]?.hits.find(({ eligible }) => eligible);
    if (found !== undefined) return found;
  }
  return null;
}
