// Rebuilding the windows of a partition from the log, keeping them far enough back, and dropping what is too old.
import { AppError, messageOf } from '../model/errors.ts';
import { sizeOf } from './attempt-table.ts';
import { keysOf } from './fold.ts';
import { heldFromS, horizonMs } from './retain.ts';
import { type Live, originRow, rulesOf, setMark } from './worker-live.ts';
import { emptyOutput, lookAt, withdrawRecalled } from './worker-look.ts';
import { endsOf, needsEarlierOrigin, offsetAt } from './worker-origin.ts';
import { recalledMark } from './worker-recall.ts';
import { drop, erasedIn, lookOf, present, type Seat, storeOutput } from './worker-seat.ts';

/** Keys looked at before other work may go on. */
const SLICE_KEYS = 500;
const PROGRESS_RECORDS = 100_000;
const HOUR_S = 3_600;

/** A batch begins after what is next: read again from there; throws `log_gap` if the log does not have it. */
export async function goBack(seat: Seat, live: Live): Promise<number> {
  const { first } = await endsOf(seat.options.log, seat.partition);
  if (first <= live.next && seat.gapAt !== live.next) {
    seat.gapAt = live.next;
    return live.next;
  }
  throw new AppError('log_gap', `attempts lacks the records from offset ${live.next} on, which were not counted yet.`, {
    help: 'Restore the log from a backup; or clear the stored windows of this partition: they are rebuilt from what the log has, and episodes that may lack attempts say so.',
  });
}

export async function dropOldRows(seat: Seat, live: Live): Promise<void> {
  const { log, store, logger } = seat.options;
  try {
    // A live view is dated at most five minutes ahead; the rest of the hour is for record times out of order.
    const offset = await offsetAt(log, seat.partition, (heldFromS(live.state) - HOUR_S) * 1000);
    await store.expire(seat.partition, offset);
  } catch (error) {
    logger.warn(
      { partition: seat.partition, error: messageOf(error) },
      'old windows could not be dropped, in an hour again',
    );
  }
}

/**
 * A rule may look further back than the state does: then it is made anew from the log, with the rules it has. Null, or
 * the offset to go on at.
 */
export async function ensureReach(seat: Seat, live: Live): Promise<number | null> {
  const { log, store, clock } = seat.options;
  const neededMs = horizonMs(live.state);
  if (neededMs <= live.origin.horizonMs) return null;
  if (!(await needsEarlierOrigin({ log, partition: seat.partition, nowMs: clock.now() }, live.state, live.origin))) {
    live.origin = { ...live.origin, horizonMs: neededMs };
    live.unstored = [originRow(live.origin)];
    return null;
  }
  const rules = rulesOf(live.state);
  await store.clear(seat.partition);
  drop(seat);
  return (await present(seat, rules)).next;
}

/** Somebody was erased since the windows were read: they are dropped, to be made anew from the log. True if so. */
export async function forgetErased(seat: Seat): Promise<boolean> {
  const { live, options, partition } = seat;
  if (live === null || live.erased >= erasedIn(seat)) return false;
  options.logger.info({ partition, erased: erasedIn(seat) }, 'somebody was erased: windows are made anew');
  const rules = rulesOf(live.state);
  await options.store.clear(partition);
  drop(seat);
  await present(seat, rules);
  return true;
}

/** `count`: records since it was called last. Null, or the offset to go on at. */
export async function goOnRebuilding(seat: Seat, live: Live, count: number): Promise<number | null> {
  const { from, rebuildUntil } = live.origin;
  if (rebuildUntil === null) return null;
  const { logger } = seat.options;
  const { partition } = seat;
  const isMilestone =
    Math.floor((live.next - from) / PROGRESS_RECORDS) > Math.floor((live.next - count - from) / PROGRESS_RECORDS);
  if (isMilestone) logger.info({ partition, next: live.next, until: rebuildUntil }, 'rebuilding windows');
  if (live.next < rebuildUntil) return null;
  if (!(await lookAtAll(seat, live))) return (await present(seat)).next;
  logger.info({ partition, from, attempts: sizeOf(live.state.attempts) }, 'windows are rebuilt');
  return null;
}

/**
 * After a rebuild: what stands is told, as far as it differs from what the log says was told. In slices, so that a large
 * state does not hold up everything else. False: the store refused.
 */
export async function lookAtAll(seat: Seat, live: Live): Promise<boolean> {
  const { piiKey } = seat.options;
  let output = emptyOutput();
  let inSlice = 0;
  for (const key of [...keysOf(live.state)]) {
    const mark = recalledMark(live.recalled, key, piiKey);
    if (mark !== null) output.rows.push(setMark(live, key, mark));
    lookAt(lookOf(seat, live, true), key, output);
    if (++inSlice < SLICE_KEYS) continue;
    if (!(await storeOutput(seat, live, output))) return false;
    output = emptyOutput();
    inSlice = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const gone of live.recalled.values()) withdrawRecalled(lookOf(seat, live, true), gone, output);
  live.recalled.clear();
  live.origin = { ...live.origin, rebuildUntil: null };
  output.rows.push(originRow(live.origin));
  return await storeOutput(seat, live, output);
}
