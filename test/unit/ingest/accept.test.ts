// The acceptor over a log that a test holds in its hand: what goes together, in which order, and what a failure leaves.
import { describe, expect, it } from 'vitest';
import { createAcceptor } from '../../../src/ingest/accept.ts';
import type { NewRecord, Position } from '../../../src/log/event-log.ts';
import { AppError } from '../../../src/model/errors.ts';
import type { TopicName } from '../../../src/model/topics.ts';
import { SAMPLE_CONTEXT, sample } from '../../support/stripe-samples.ts';

type Append = { readonly topic: TopicName; readonly records: readonly NewRecord[]; done(): void; fail(): void };

/** Each append waits until the test lets it go. */
function handLog() {
  const appends: Append[] = [];
  const next = new Map<TopicName, number>();
  const heard: (() => void)[] = [];
  return {
    appends,
    /** Resolves when that many appends have been asked for. */
    asked: async (count: number) => {
      while (appends.length < count) await new Promise<void>((resolve) => heard.push(resolve));
    },
    log: {
      append: async (topic: TopicName, records: readonly NewRecord[]): Promise<readonly Position[]> => {
        await new Promise<void>((resolve, reject) => {
          const fail = (): void => reject(new AppError('log_unavailable', 'Away.', { retriable: true }));
          appends.push({ topic, records, done: resolve, fail });
          for (const tell of heard.splice(0)) tell();
        });
        const first = next.get(topic) ?? 0;
        next.set(topic, first + records.length);
        return records.map((_, index) => ({ partition: 0, offset: first + index }));
      },
    },
  };
}

const RECEIVED = 1_790_000_005_000;
const charge = (n: number) => {
  const event = sample('endive-charge-failed');
  return { ...event, id: `evt_${n}`, data: { object: { ...event.data.object, id: `ch_${n}` } } };
};

function start() {
  const hand = handLog();
  const acceptor = createAcceptor({ log: hand.log, context: () => SAMPLE_CONTEXT, latenessMs: () => 259_200_000 });
  const accept = async (...events: unknown[]) => await acceptor.accept(events, { receivedAt: RECEIVED });
  const letGo = async (index: number): Promise<Append> => {
    await hand.asked(index + 1);
    const append = hand.appends[index];
    if (append === undefined) throw new Error('No such append.');
    append.done();
    return append;
  };
  return { ...hand, acceptor, accept, letGo };
}

describe('what is accepted', () => {
  it('is in the log before the answer: attempts first, then the event, then its dead letter', async () => {
    const { accept, letGo, appends } = start();
    let answered = false;
    const accepted = accept(charge(1), sample('thin-notification')).finally(() => {
      answered = true;
    });
    const topics: string[] = [];
    for (let index = 0; index < 3; index++) {
      expect(answered).toBe(false);
      topics.push((await letGo(index)).topic);
    }
    expect((await accepted).map(({ kind }) => kind)).toEqual(['view', 'dead_letter']);
    expect(topics).toEqual(['attempts', 'stripe-events', 'dead-letters']);
    const [letter] = appends[2]?.records ?? [];
    expect(letter?.key).toBe('stripe-events/0/1');
    expect(JSON.parse(letter?.value ?? '')).toMatchObject({
      v: 1,
      source: 'stripe-events',
      partition: 0,
      offset: 1,
      reason: 'thin_notification',
      tries: 1,
      at: RECEIVED,
      subject: 'evt_k01',
    });
  });

  it('goes together if it arrives while an append is on its way', async () => {
    const { accept, letGo, appends } = start();
    const first = accept(charge(0));
    const others = [1, 2, 3, 4].map((n) => accept(charge(n)));
    await letGo(0);
    await letGo(1);
    expect(await first).toEqual([{ kind: 'view', reason: '' }]);
    expect((await letGo(2)).records).toHaveLength(4);
    await letGo(3);
    await Promise.all(others);
    expect(appends).toHaveLength(4);
  });

  it('goes in batches of at most 500 events', async () => {
    const { accept, letGo } = start();
    const calls = Array.from({ length: 1_101 }, (_, n) => accept(sample('unknown-type'), charge(n)));
    const sizes: number[] = [];
    for (let index = 0; sizes.reduce((sum, size) => sum + size, 0) < 2_202; index++) {
      const { topic, records } = await letGo(index);
      if (topic === 'stripe-events') sizes.push(records.length);
    }
    await Promise.all(calls);
    expect(sizes).toEqual([2, 500, 500, 500, 500, 200]);
  });

  it('of no events is nothing', async () => {
    const { accept, appends } = start();
    expect(await accept()).toEqual([]);
    expect(appends).toEqual([]);
  });
});

describe('when the log is away', () => {
  it('those of the failed append are refused, the next are tried', async () => {
    const { accept, letGo, appends, asked } = start();
    const first = accept(charge(0));
    const second = accept(charge(1));
    await asked(1);
    appends[0]?.fail();
    await expect(first).rejects.toMatchObject({ code: 'log_unavailable', retriable: true });
    await letGo(1);
    await letGo(2);
    expect(await second).toEqual([{ kind: 'view', reason: '' }]);
  });

  it('an event whose second append fails is refused, though its attempt is there', async () => {
    const { accept, letGo, appends, asked } = start();
    const call = accept(charge(0));
    await letGo(0);
    await asked(2);
    appends[1]?.fail();
    await expect(call).rejects.toMatchObject({ code: 'log_unavailable' });
  });

  it('no more than 5,000 events wait', async () => {
    const { accept, acceptor, letGo } = start();
    const calls = Array.from({ length: 50 }, () =>
      accept(...Array.from({ length: 100 }, () => sample('unknown-type'))),
    );
    expect(acceptor.status().waiting).toBe(5_000);
    await expect(accept(charge(1))).rejects.toMatchObject({ code: 'log_unavailable', retriable: true });
    for (let index = 0; index < 11; index++) await letGo(index);
    await Promise.all(calls);
    expect(acceptor.status().waiting).toBe(0);
  });

  it('who comes again as soon as it is answered is taken', async () => {
    for (const microtasks of [0, 1, 2, 3, 4, 5]) {
      let next = 0;
      const append = async (_topic: TopicName, records: readonly NewRecord[]): Promise<readonly Position[]> =>
        records.map(() => ({ partition: 0, offset: next++ }));
      const acceptor = createAcceptor({
        log: { append },
        context: () => SAMPLE_CONTEXT,
        latenessMs: () => 259_200_000,
      });
      for (let n = 0; n < 3; n += 1) {
        await acceptor.accept([charge(n)], { receivedAt: RECEIVED });
        for (let i = 0; i < microtasks; i += 1) await null;
      }
      expect(acceptor.status().waiting).toBe(0);
    }
  }, 5_000);

  it('what nobody waits for any more is let go, unless it is on its way', async () => {
    const { acceptor, accept, letGo, appends } = start();
    const first = accept(charge(0));
    const patience = new AbortController();
    const given = acceptor.accept([charge(1)], { receivedAt: RECEIVED, signal: patience.signal });
    patience.abort();
    await expect(given).rejects.toMatchObject({ code: 'log_unavailable' });
    await letGo(0);
    await letGo(1);
    await first;
    await acceptor.close();
    expect(appends).toHaveLength(2);
    expect(acceptor.status().waiting).toBe(0);
  });
});

describe('closing', () => {
  it('waits for what was accepted and refuses the rest', async () => {
    const { acceptor, accept, letGo } = start();
    const calls = [accept(charge(0)), accept(charge(1))];
    let closed = false;
    const closing = acceptor.close().then(() => {
      closed = true;
    });
    await expect(accept(charge(2))).rejects.toMatchObject({ code: 'log_unavailable' });
    for (let index = 0; index < 4; index++) {
      expect(closed).toBe(false);
      await letGo(index);
    }
    await Promise.all([...calls, closing]);
  });
});
