// What every WindowStore promises (src/detectors/window-store.ts). Run over memory, SQLite and Redis.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SEGMENT_OFFSETS } from '../../src/detectors/stores/rows.ts';
import type { AttemptsRow, KeptRow, Row, WindowStore } from '../../src/detectors/window-store.ts';

export type StoreUnderTest = {
  readonly store: WindowStore;
  /** A second owner of the same data. */
  second(): Promise<WindowStore>;
  /** Closes everything and removes the data. */
  remove(): Promise<void>;
};

export async function loaded(store: WindowStore, partition = 0): Promise<{ next: number | null; rows: Row[] }> {
  const { next, pages } = await store.load(partition);
  const rows: Row[] = [];
  for await (const page of pages) rows.push(...page.flatMap(apart));
  return { next, rows };
}

/** Attempts of one append may come back joined: here each ends with a new line. */
function apart(row: Row): Row[] {
  if (row.kind !== 'attempts') return [row];
  const lines = Buffer.from(row.bytes).toString().split('\n').slice(0, -1);
  return lines.map((line) => ({ kind: 'attempts', bytes: Buffer.from(`${line}\n`) }));
}

export const attempt = (id: string, value = 'as it was'): AttemptsRow => ({
  kind: 'attempts',
  bytes: Buffer.from(`${JSON.stringify([id, value])}\n`),
});
export const rule = (id: string, value: string | null = `rule ${id}`): KeptRow => ({ kind: 'rule', id, value });
export const mark = (id: string, value: string | null = `mark ${id}`): KeptRow => ({ kind: 'mark', id, value });

const attemptsOf = (rows: readonly Row[]): AttemptsRow[] => rows.filter((row) => row.kind === 'attempts');
const idsOf = (rows: readonly Row[]): string[] =>
  attemptsOf(rows).map(({ bytes }) => (JSON.parse(String(bytes)) as [string, string])[0]);
const keptOf = (rows: readonly Row[]): KeptRow[] =>
  rows.filter((row) => row.kind !== 'attempts').sort((a, b) => (`${a.kind}${a.id}` < `${b.kind}${b.id}` ? -1 : 1));

export function windowStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`window store: ${name}`, () => {
    let under: StoreUnderTest;
    let store: WindowStore;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(async () => await under.remove());

    it('knows nothing of a partition that was never written', async () => {
      expect(await loaded(store)).toEqual({ next: null, rows: [] });
      await store.ping();
    });

    it('gives back rows in the order of appending, and the next offset', async () => {
      expect(
        await store.append(0, { expectedNext: null, next: 2, rows: [attempt('a'), attempt('b'), rule('d/1')] }),
      ).toBe('appended');
      expect(await store.append(0, { expectedNext: 2, next: 5, rows: [attempt('a', 'later'), mark('k')] })).toBe(
        'appended',
      );
      const { next, rows } = await loaded(store);
      expect(next).toBe(5);
      expect(attemptsOf(rows)).toEqual([attempt('a'), attempt('b'), attempt('a', 'later')]);
      expect(keptOf(rows)).toEqual([mark('k'), rule('d/1')]);
    });

    it('gives what is kept by id before any attempt: those refer to it', async () => {
      await store.append(0, { expectedNext: null, next: 2, rows: [attempt('a'), mark('first')] });
      await store.append(0, { expectedNext: 2, next: 3, rows: [attempt('b'), mark('second'), rule('third')] });
      const kinds = (await loaded(store)).rows.map(({ kind }) => kind === 'attempts');
      expect(kinds).toEqual([false, false, false, true, true]);
    });

    it('moves the offset of a batch that changed nothing', async () => {
      await store.append(0, { expectedNext: null, next: 7, rows: [] });
      expect(await loaded(store)).toEqual({ next: 7, rows: [] });
    });

    it('writes marks without moving the offset', async () => {
      await store.append(0, { expectedNext: null, next: 7, rows: [] });
      expect(await store.append(0, { expectedNext: 7, next: 7, rows: [mark('k')] })).toBe('appended');
      expect(await loaded(store)).toEqual({ next: 7, rows: [mark('k')] });
    });

    it('keeps one rule and one mark of an id, the last, and forgets what is deleted', async () => {
      await store.append(0, { expectedNext: null, next: 1, rows: [mark('x'), rule('x'), mark('gone'), rule('gone')] });
      await store.append(0, {
        expectedNext: 1,
        next: 2,
        rows: [mark('x', 'new'), mark('gone', null), rule('gone', null)],
      });
      await store.append(0, {
        expectedNext: 2,
        next: 3,
        rows: [mark('y'), mark('y', null), mark('z', null), mark('z')],
      });
      expect(keptOf((await loaded(store)).rows)).toEqual([mark('x', 'new'), mark('z'), rule('x')]);
    });

    it('refuses whoever does not stand at the stored offset, and changes nothing', async () => {
      const former = await under.second();
      await store.append(0, { expectedNext: null, next: 3, rows: [attempt('a')] });
      expect(await former.append(0, { expectedNext: null, next: 2, rows: [attempt('wrong')] })).toBe('refused');
      expect(await former.append(0, { expectedNext: 2, next: 4, rows: [attempt('wrong'), mark('wrong')] })).toBe(
        'refused',
      );
      expect(await former.append(0, { expectedNext: 4, next: 5, rows: [] })).toBe('refused');
      expect(await loaded(store)).toEqual({ next: 3, rows: [attempt('a')] });
      expect(await former.append(0, { expectedNext: 3, next: 4, rows: [attempt('b')] })).toBe('appended');
      expect(await store.append(0, { expectedNext: 3, next: 5, rows: [attempt('late')] })).toBe('refused');
    });

    it('lets exactly one of two owners at the same offset through', async () => {
      await store.append(0, { expectedNext: null, next: 10, rows: [] });
      const other = await under.second();
      const results = await Promise.all([
        store.append(0, { expectedNext: 10, next: 11, rows: [attempt('mine')] }),
        other.append(0, { expectedNext: 10, next: 12, rows: [attempt('theirs')] }),
      ]);
      expect(results.toSorted()).toEqual(['appended', 'refused']);
      const { next, rows } = await loaded(store);
      expect([next, idsOf(rows)]).toEqual(results[0] === 'appended' ? [11, ['mine']] : [12, ['theirs']]);
    });

    it('refuses an append against a store that lost everything', async () => {
      await store.append(0, { expectedNext: null, next: 3, rows: [attempt('a')] });
      await store.clear(0);
      expect(await store.append(0, { expectedNext: 3, next: 4, rows: [attempt('b'), mark('b')] })).toBe('refused');
      expect(await loaded(store)).toEqual({ next: null, rows: [] });
      expect(await store.append(0, { expectedNext: null, next: 2, rows: [] })).toBe('appended');
    });

    it('answers a repeated call as the first, and keeps its rows once', async () => {
      const first = { expectedNext: null, next: 3, rows: [attempt('a'), mark('k')] };
      const second = { expectedNext: 3, next: 4, rows: [attempt('b')] };
      expect(await store.append(0, first)).toBe('appended');
      expect(await store.append(0, first)).toBe('appended');
      expect(attemptsOf((await loaded(store)).rows)).toEqual([attempt('a')]);
      expect(await store.append(0, second)).toBe('appended');
      expect(await (await under.second()).append(0, second)).toBe('appended');
      expect(attemptsOf((await loaded(store)).rows)).toEqual([attempt('a'), attempt('b')]);
      expect(await store.append(0, first)).toBe('refused');
    });

    it('tells a repeated call from another of the same offsets', async () => {
      await store.append(0, { expectedNext: null, next: 3, rows: [attempt('a')] });
      expect(await store.append(0, { expectedNext: null, next: 3, rows: [attempt('b')] })).toBe('refused');
      expect(await store.append(0, { expectedNext: null, next: 3, rows: [] })).toBe('refused');
    });

    it('drops old attempt rows by whole segments, never rules and marks', async () => {
      const S = SEGMENT_OFFSETS;
      await store.append(0, { expectedNext: null, next: S, rows: [attempt('first'), rule('r'), mark('m')] });
      await store.append(0, { expectedNext: S, next: S + 1, rows: [attempt('second')] });
      await store.append(0, { expectedNext: S + 1, next: 3 * S, rows: [attempt('third')] });
      await store.expire(0, S - 1);
      expect(attemptsOf((await loaded(store)).rows)).toHaveLength(3);
      await store.expire(0, S);
      expect(attemptsOf((await loaded(store)).rows)).toEqual([attempt('second'), attempt('third')]);
      await store.expire(0, 3 * S);
      const { next, rows } = await loaded(store);
      expect(next).toBe(3 * S);
      expect(keptOf(rows)).toEqual([mark('m'), rule('r')]);
      expect(attemptsOf(rows)).toEqual([]);
      await store.expire(5, 100);
    });

    it('keeps the order across segments, long jumps of the offset included', async () => {
      const offsets = [1, SEGMENT_OFFSETS, SEGMENT_OFFSETS + 1, SEGMENT_OFFSETS * 40, SEGMENT_OFFSETS * 40 + 9];
      let expectedNext: number | null = null;
      for (const next of offsets) {
        expect(await store.append(0, { expectedNext, next, rows: [attempt(`to ${next}`)] })).toBe('appended');
        expectedNext = next;
      }
      expect(idsOf((await loaded(store)).rows)).toEqual(offsets.map((next) => `to ${next}`));
    });

    it('takes ids and values of any character', async () => {
      const rows = ['', ':', '1:2:', 'ü€😀\u0000\n', "'; DROP TABLE x; --", '{"a":"b"}'].flatMap((text, i) => [
        attempt(`${i}${text}`, text),
        mark(`${i}${text}`, text),
        rule(`${i}${text}`, text),
      ]);
      await store.append(0, { expectedNext: null, next: 1, rows });
      const back = (await loaded(store)).rows;
      expect(attemptsOf(back)).toEqual(attemptsOf(rows));
      expect(keptOf(back)).toEqual(keptOf(rows));
    });

    it('takes 10,000 rows at once and gives them back in bounded pages', async () => {
      const rows = Array.from({ length: 10_000 }, (_, i) => (i % 10 === 0 ? mark(`k${i}`) : attempt(`ch_${i}`)));
      await store.append(0, { expectedNext: null, next: 10_000, rows });
      const { pages } = await store.load(0);
      const back: Row[] = [];
      for await (const page of pages) {
        expect(page.length).toBeLessThanOrEqual(10_000);
        back.push(...page.flatMap(apart));
      }
      expect(attemptsOf(back)).toEqual(attemptsOf(rows));
      expect(keptOf(back)).toEqual(keptOf(rows));
    });

    it('keeps partitions apart', async () => {
      await store.append(0, { expectedNext: null, next: 1, rows: [attempt('a'), mark('m')] });
      await store.append(1, { expectedNext: null, next: 9, rows: [attempt('b')] });
      await store.clear(0);
      expect(await loaded(store, 0)).toEqual({ next: null, rows: [] });
      expect(await loaded(store, 1)).toEqual({ next: 9, rows: [attempt('b')] });
    });
  });
}

/** Of the adapters that outlive the process. */
export function durableStoreContract(
  name: string,
  open: () => Promise<
    StoreUnderTest & {
      /** Puts back what was stored when `snapshot` was called. */
      snapshot(): Promise<() => Promise<void>>;
      /** Makes the stored data that of another program. */
      makeSchema(version: number): Promise<void>;
    }
  >,
): void {
  describe(`durable window store: ${name}`, () => {
    it('is there again after it was closed', async () => {
      const under = await open();
      try {
        await under.store.append(0, { expectedNext: null, next: 3, rows: [attempt('a'), rule('r'), mark('m')] });
        await under.store.close();
        const again = await under.second();
        const { next, rows } = await loaded(again);
        expect(next).toBe(3);
        expect(rows).toHaveLength(3);
        expect(await again.append(0, { expectedNext: 3, next: 4, rows: [] })).toBe('appended');
      } finally {
        await under.remove();
      }
    });

    it('sends the owner back when it went back to an older copy', async () => {
      const under = await open();
      try {
        const { store } = under;
        await store.append(0, { expectedNext: null, next: 3, rows: [attempt('a'), mark('m')] });
        const restore = await under.snapshot();
        await store.append(0, { expectedNext: 3, next: 6, rows: [attempt('b'), mark('m', null)] });
        await restore();
        expect(await store.append(0, { expectedNext: 6, next: 8, rows: [attempt('c')] })).toBe('refused');
        const { next, rows } = await loaded(store);
        expect(next).toBe(3);
        expect(attemptsOf(rows)).toEqual([attempt('a')]);
        expect(keptOf(rows)).toEqual([mark('m')]);
      } finally {
        await under.remove();
      }
    });

    it('takes data of an earlier program for nothing: the windows are rebuilt from the log', async () => {
      const under = await open();
      try {
        await under.store.append(0, { expectedNext: null, next: 3, rows: [attempt('a'), mark('m')] });
        await under.makeSchema(2);
        expect(await loaded(under.store)).toEqual({ next: null, rows: [] });
        expect(await under.store.append(0, { expectedNext: null, next: 2, rows: [attempt('b')] })).toBe('appended');
        expect(await loaded(under.store)).toEqual({ next: 2, rows: [attempt('b')] });
      } finally {
        await under.remove();
      }
    });

    it('refuses data of a later program, and leaves it as it is', async () => {
      const under = await open();
      try {
        await under.store.append(0, { expectedNext: null, next: 3, rows: [attempt('a')] });
        await under.makeSchema(99);
        const refused = expect.objectContaining({ code: 'newer_store', retriable: false });
        await expect(under.store.load(0)).rejects.toEqual(refused);
        await expect(under.store.append(0, { expectedNext: 3, next: 4, rows: [] })).rejects.toEqual(refused);
      } finally {
        await under.remove();
      }
    });
  });
}
