// What is dropped, what is kept of it, and what comes back from the rows.
import { beforeEach, describe, expect, it } from 'vitest';
import { episodesOf, type FoldRecord, fold, keysOf } from '../../../src/detectors/fold.ts';
import { finishRestore, restoreRows } from '../../../src/detectors/restore.ts';
import { expire, horizonMs, liveFromS } from '../../../src/detectors/retain.ts';
import { createState, type FoldState, findAttempt, statsOf } from '../../../src/detectors/state.ts';
import type { KeptRow, Row } from '../../../src/detectors/window-store.ts';
import type { SignalView } from '../../../src/model/attempt.ts';
import { rule, START_S, view } from '../../support/detect.ts';

const HOUR_S = 3_600;
const RULE = rule({}, { latenessMs: 2 * HOUR_S * 1_000 });
const SCOPE = { account: null, livemode: true } as const;
const KEY = { detector: 'card-declines', scope: SCOPE, entity: { kind: 'card', value: 'c' } } as const;

let state: FoldState;
let rows: Row[];

beforeEach(() => {
  state = createState({ lane: 'live' });
  rows = [];
  take(RULE);
});

function take(...records: FoldRecord[]): void {
  rows.push(...fold(state, records).rows, ...expire(state));
}

function restored(): FoldState {
  const again = createState({ lane: 'live' });
  restoreRows(again, rows);
  finishRestore(again);
  return again;
}

const kept = (): KeptRow[] => rows.filter((row) => row.kind !== 'attempts');

const signal = (id: string, timeS: number, charge: string | null): SignalView => ({
  ...{ record: 'signal', ...SCOPE, signal: 'dispute', id, charge, reason: 'fraudulent', event: `evt_${id}` },
  ...{ created: timeS, time: timeS, receivedAt: timeS * 1_000, lane: 'live' },
});

describe('the live lane', () => {
  it('reaches back by lateness from the newest receipt, never from the newest event', () => {
    take(view('ch_1', START_S + 250, { receivedAt: START_S * 1_000 }));
    expect(liveFromS(state)).toBe(START_S - 2 * HOUR_S);
    expect(horizonMs(state)).toBe((2 * HOUR_S + 600 + HOUR_S + HOUR_S) * 1_000);
  });

  it('counts nothing of history, whose receipt moves the boundary between the lanes', () => {
    take(view('ch_1', START_S));
    const { greatestReceivedAt } = state;
    const receivedAt = greatestReceivedAt + 5 * HOUR_S * 1_000;
    take(view('ch_old', START_S - 9 * HOUR_S, { receivedAt, lane: 'history' }));
    expect(statsOf(state)).toMatchObject({ attempts: 1, keys: 1 });
    expect(findAttempt(state, SCOPE, 'ch_old')).toBeNull();
    expect(liveFromS(state)).toBe(Math.floor(receivedAt / 1_000) - 2 * HOUR_S);
    take(view('ch_older', START_S - 9 * HOUR_S, { receivedAt: greatestReceivedAt, lane: 'history' }));
    expect(state.greatestReceivedAt).toBe(receivedAt);
  });

  it('has the same boundary after a restart, although nothing of history is stored', () => {
    take(view('ch_1', START_S));
    take(view('ch_old', START_S - 99 * HOUR_S, { receivedAt: (START_S + 60) * 1_000, lane: 'history' }));
    expect(statsOf(restored())).toMatchObject({ attempts: 1 });
    expect(findAttempt(restored(), SCOPE, 'ch_old')).toBeNull();
    expect(liveFromS(restored())).toBe(START_S + 60 - 2 * HOUR_S);
    expect(restored().greatestReceivedAt).toBe(state.greatestReceivedAt);
  });
});

describe('dropping', () => {
  it('forgets attempts that no window can need, an hour at a time', () => {
    for (let i = 0; i < 48; i++) take(view(`ch_${i}`, START_S + i * HOUR_S));
    expect(state.cutS % HOUR_S).toBe(0);
    expect(statsOf(state).attempts).toBeLessThan(8);
    expect(findAttempt(state, SCOPE, 'ch_1')).toBeNull();
    expect(findAttempt(state, SCOPE, 'ch_47')?.time).toBe(START_S + 47 * HOUR_S);
  });

  it('keeps the head of an attack that goes on, in the rows too', () => {
    for (let i = 0; i < 200; i++) take(view(`ch_${i}`, START_S + i * 290));
    const expected = { firstAttemptAt: START_S, firstBreachAt: START_S + 580, attemptCount: 200, peak: 3 };
    expect(statsOf(state).attempts).toBeLessThan(120);
    expect(episodesOf(state, KEY)).toMatchObject([expected]);
    expect(episodesOf(restored(), KEY)).toEqual(episodesOf(state, KEY));
  });

  it('lets go of the head once nothing can join it, and says so to the store', () => {
    for (let i = 0; i < 100; i++) take(view(`ch_${i}`, START_S + i * 290));
    expect(state.heads.size).toBe(1);
    take(...[20, 30].map((hours) => view(`other_${hours}`, START_S + hours * HOUR_S, { fields: { card: 'd' } })));
    expect(state.heads.size).toBe(0);
    expect([...keysOf(state)]).toEqual([]);
    const heads = new Map(kept().flatMap(({ id, value }) => (id.startsWith('head/') ? [[id, value]] : [])));
    expect([...heads.values()]).toEqual([null]);
  });

  it('keeps a charge as long as a signal follows it, and stores it anew', () => {
    const counting = rule(
      { name: 'disputes', on: 'signal', where: 'true', thresholds: { warning: 1 } },
      { latenessMs: RULE.latenessMs },
    );
    take(counting, view('ch_1', START_S));
    // What the store lets go of with its segment.
    rows = kept();
    take(signal('dp_1', START_S + 5 * HOUR_S, 'ch_1'));
    take(view('ch_2', START_S + 8 * HOUR_S));
    const key = { ...KEY, detector: 'disputes' };
    expect(episodesOf(state, key)).toMatchObject([{ attemptCount: 1, firstBreachAt: START_S + 5 * HOUR_S }]);
    expect(episodesOf(restored(), key)).toEqual(episodesOf(state, key));
    take(view('ch_3', START_S + 40 * HOUR_S));
    expect(statsOf(state)).toMatchObject({ attempts: 1, signals: 0 });
    expect(state.signalsOfCharge.size).toBe(0);
  });

  it('does nothing to a state that sees everything', () => {
    state = createState({ lane: 'all' });
    rows = [];
    take(RULE, view('ch_1', START_S), view('ch_2', START_S + 900 * HOUR_S));
    expect(rows).toEqual([]);
    expect(statsOf(state).attempts).toBe(2);
  });
});

describe('coming back', () => {
  it('takes the last row of an id, in any pages', () => {
    take(
      view('ch_1', START_S),
      view('ch_1', START_S, { event: 'evt_later', created: START_S + 5, fields: { card: 'd' } }),
    );
    take(view('ch_1', START_S, { event: 'evt_latest', created: START_S + 9, fields: { card: 'e' } }));
    const again = createState({ lane: 'live' });
    for (const row of rows) restoreRows(again, [row]);
    finishRestore(again);
    expect(findAttempt(again, SCOPE, 'ch_1')).toEqual(findAttempt(state, SCOPE, 'ch_1'));
    expect(statsOf(again)).toMatchObject({ attempts: 1, keys: 1 });
    expect(again.greatestReceivedAt).toBe(state.greatestReceivedAt);
  });
});
