// Looks at keys that were touched or are due by the clock, and puts what is to be told of them into an output.
import { encode } from '../log/codec.ts';
import type { NewRecord } from '../log/event-log.ts';
import type { Command } from '../model/commands.ts';
import { type Key, keyId } from '../model/entity.ts';
import type { Report } from '../model/episode.ts';
import { membersId } from '../model/members.ts';
import { markAfter, reportDue } from './reports.ts';
import { liveFromS } from './retain.ts';
import type { Row } from './window-store.ts';
import { dueAt, type Live, setMark } from './worker-live.ts';
import type { RecalledKey } from './worker-recall.ts';
import { reportId, standingOf, type Told, tell } from './worker-report.ts';

/** What must reach the log, and then the store. */
export type Output = {
  readonly deadLetters: NewRecord[];
  readonly commands: NewRecord[];
  readonly members: NewRecord[];
  readonly rows: Row[];
};

export type Look = {
  readonly live: Live;
  readonly partition: number;
  readonly nowMs: number;
  readonly piiKey: string;
  /** No record but the clock asks: the report may be as of the same offset as the last. */
  readonly byClock: boolean;
  readonly reported: (why: string) => void;
};

export const emptyOutput = (): Output => ({ deadLetters: [], commands: [], members: [], rows: [] });

/** An episode of many members is looked at less often: a millisecond later for each so many. */
const RESTING_MEMBERS = 1_000;
const MEMBERS_PER_MS = 20;
const LONGEST_REST_MS = 1_000;

/** At once, unless the key has to rest; then when it has. */
export function lookOrRest(look: Look, key: Key, output: Output): void {
  const { live, nowMs } = look;
  const until = live.restUntil.get(keyId(key)) ?? 0;
  if (until <= nowMs) lookAt(look, key, output);
  else live.due.set(keyId(key), dueAt(key, until));
}

export function lookAtDue(look: Look, output: Output): void {
  const { live, nowMs } = look;
  const timeMs = timeOf(live, nowMs);
  for (const { key, atMs, endMs } of [...live.due.values()])
    if (atMs <= nowMs || endMs <= timeMs) lookAt(look, key, output);
}

/** When the clock makes a key due, milliseconds; what ends by the time that the attempts have come to waits for them. */
export function nextDueMs({ due }: Live, nowMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY;
  for (const { atMs, endMs } of due.values()) nextMs = Math.min(nextMs, atMs, endMs > nowMs ? endMs : nextMs);
  return nextMs;
}

export function lookAt(look: Look, key: Key, output: Output): void {
  const { live, nowMs, partition, piiKey } = look;
  const id = keyId(key);
  const before = live.marks.get(id)?.mark ?? null;
  const standing = standingOf(live.state, key, {
    mark: before,
    timeMs: timeOf(live, nowMs),
    exactFromS: exactFromOf(live),
  });
  const { episodes } = standing;
  let mark = standing.mark;
  let due = reportDue(mark, episodes, nowMs);
  if (due.due === 'now') {
    const asOf = { lane: 'live', topic: 'attempts', partition, offset: live.next } as const;
    const told = tell(live.state, key, {
      standing,
      asOf: look.byClock ? { ...asOf, atMs: nowMs } : asOf,
      piiKey,
      erased: live.erased,
    });
    output.commands.push(commandOf(told, nowMs));
    for (const ended of told.ended)
      output.members.push({ key: membersId(ended), value: encode('members', ended), timeMs: nowMs });
    look.reported(due.why);
    mark = markAfter(mark, episodes, nowMs);
    due = reportDue(mark, episodes, nowMs);
  }
  if (mark !== before) output.rows.push(setMark(live, key, mark));
  if (due.due === 'later') live.due.set(id, { key, atMs: due.atMs, endMs: due.endMs });
  else live.due.delete(id);
  rest(live, id, { nowMs, members: episodes.reduce((sum, { attemptCount }) => sum + attemptCount, 0) });
}

/** Seconds: attempts before it may lack, in the log or for the limit of what is held; null: none does. */
function exactFromOf({ origin, state }: Live): number | null {
  if (state.lostS === 0) return origin.exactFromS;
  return Math.max(state.lostS, origin.exactFromS ?? 0);
}

/** Behind the log, the clock is ahead of what is known: nothing is over before it has been read that it is. */
function timeOf(live: Live, nowMs: number): number {
  return live.next >= live.end ? nowMs : Math.min(nowMs, live.state.greatestReceivedAt);
}

function rest(live: Live, id: string, { nowMs, members }: { nowMs: number; members: number }): void {
  if (members < RESTING_MEMBERS) live.restUntil.delete(id);
  else live.restUntil.set(id, nowMs + Math.min(LONGEST_REST_MS, Math.floor(members / MEMBERS_PER_MS)));
}

/** A key that was told of and that the windows do not know any more: all its attempts have left what it counts. */
export function withdrawRecalled(look: Look, { detector, scope, entity, mark }: RecalledKey, output: Output): void {
  const { live, partition, nowMs } = look;
  const fromS = liveFromS(live.state);
  if (mark.episodes.every(({ firstBreachAt }) => firstBreachAt < fromS)) return;
  const asOf = { lane: 'live', topic: 'attempts', partition, offset: live.next, atMs: nowMs } as const;
  const range = { fromS, toS: null };
  const key = { detector, scope, entity };
  const known = live.erased === 0 ? {} : { erased: live.erased };
  const report: Report = { type: 'report', ...key, asOf, range, episodes: [], receivedAt: null, ...known };
  output.commands.push(commandOf({ id: reportId(key, asOf), report }, nowMs));
  look.reported('changed');
}

function commandOf({ id, report }: Pick<Told, 'id' | 'report'>, nowMs: number): NewRecord {
  const actor = { kind: 'engine', id: 'detect', name: 'declinewatch' } as const;
  const command: Command = { id, at: nowMs, actor, body: report };
  return { key: null, value: encode('commands', command), timeMs: nowMs };
}

/** Marks of episodes that have ended and left the live range: the history lane's from now on. */
export function forgetEnded(live: Live, output: Output): void {
  const fromS = liveFromS(live.state);
  for (const { key, mark } of [...live.marks.values()]) {
    if (mark.episodes.some(({ over, lastBreachAt }) => !over || lastBreachAt >= fromS)) continue;
    output.rows.push(setMark(live, key, null));
    live.due.delete(keyId(key));
    live.restUntil.delete(keyId(key));
  }
}
