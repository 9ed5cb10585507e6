// Reading stretches of the log again: what is folded, what is left out, and that it can be stopped.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { episodesOf, fold } from '../../../src/detectors/fold.ts';
import { keysWithEpisodes, longestOf, recordsIn, replay, usableRules } from '../../../src/detectors/replay.ts';
import { createState } from '../../../src/detectors/state.ts';
import type { EventLog } from '../../../src/log/event-log.ts';
import { accept, append, rule, START_S, view } from '../../support/detect.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

let temp: TempLog;
let log: EventLog;
beforeEach(async () => {
  temp = await openTempLog();
  log = temp.log;
});
afterEach(async () => await temp.close());

const views = (count: number) => Array.from({ length: count }, (_, i) => view(`ch_${i}`, START_S + i));

describe('a replay', () => {
  it('reads stretches in the order given, in slices, and tells how far it is', async () => {
    await append(log, ...views(2_500));
    const offsets: number[] = [];
    const told: number[] = [];
    const slices: number[] = [];
    const ranges = [
      { from: 2_000, to: 2_500 },
      { from: 7, to: 7 },
      { from: 0, to: 1_500 },
    ];
    const onProgress = (records: number): void => void told.push(records);
    for await (const slice of recordsIn({ log, partition: 0, ranges, onProgress })) {
      slices.push(slice.length);
      offsets.push(...slice.map(({ offset }) => offset));
    }
    expect(offsets).toEqual([...range(2_000, 2_500), ...range(0, 1_500)]);
    expect(Math.max(...slices)).toBeLessThanOrEqual(1_000);
    expect(told.reduce((sum, records) => sum + records, 0)).toBe(2_000);
  });

  it('folds what is wanted, and says which keys that touched', async () => {
    await append(log, rule(), ...views(4), view('ch_other', START_S, { fields: { card: 'other' } }));
    const state = createState({ lane: 'all' });
    const input = { log, partition: 0, ranges: [{ from: 0, to: 6 }] };
    const touched = await replay(state, {
      ...input,
      wants: (record, offset) => record.record === 'rule' || (offset !== 2 && offset !== 5),
    });
    expect([...touched.values()].map(({ entity }) => entity.value)).toEqual(['c']);
    const keys = [...(await keysWithEpisodes(state)).values()];
    expect(keys.flatMap((key) => episodesOf(state, key))).toMatchObject([{ attemptCount: 3 }]);
    await replay(state, input);
    expect(keys.flatMap((key) => episodesOf(state, key))).toMatchObject([{ attemptCount: 4 }]);
  });

  it('leaves out what cannot be read, and rules whose filter does not compile', async () => {
    await append(log, rule(), rule({ name: 'broken', where: 'no such thing (' }), view('ch_0', START_S));
    await log.append('attempts', [{ key: null, value: 'nonsense', timeMs: START_S * 1000 }]);
    await append(log, ...views(3).slice(1));
    const found = [];
    for await (const slice of recordsIn({ log, partition: 0, ranges: [{ from: 0, to: 6 }] })) found.push(...slice);
    expect(found.map(({ offset }) => offset)).toEqual([0, 2, 4, 5]);
    await log.append('attempts', [{ key: null, value: '[99,0]', timeMs: START_S * 1000 }]);
    const all = replay(createState({ lane: 'all' }), { log, partition: 0, ranges: [{ from: 0, to: 7 }] });
    await expect(all).rejects.toMatchObject({ code: 'newer_schema' });
  });

  it('stops when it is told to', async () => {
    await append(log, ...views(3_000));
    const stop = new AbortController();
    let read = 0;
    const running = replay(createState({ lane: 'all' }), {
      log,
      partition: 0,
      ranges: [{ from: 0, to: 3_000 }],
      signal: stop.signal,
      onProgress: (records) => {
        read += records;
        stop.abort(new Error('enough'));
      },
    });
    await expect(running).rejects.toThrow('enough');
    expect(read).toBeLessThan(3_000);
  });

  it('knows the rules that were accepted, and how far the longest of them looks', async () => {
    await accept(log, rule({ windowS: 600, quietForS: 3_600 }));
    await accept(log, rule({ name: 'wide', windowS: 86_400, quietForS: 86_400 }));
    await accept(log, rule({ name: 'broken', where: 'no such thing (' }));
    const rules = await usableRules(log);
    expect(rules.map(({ detector }) => detector)).toEqual(['card-declines', 'wide']);
    const state = createState({ lane: 'all' });
    fold(state, rules);
    expect(longestOf(state)).toEqual({ windowS: 86_400, quietForS: 86_400 });
  });
});

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
