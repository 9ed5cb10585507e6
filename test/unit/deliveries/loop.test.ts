// The loop's promises, with a sink that fails as told, a clock by hand and a real log.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Deliveries, startDeliveries } from '../../../src/deliveries/loop.ts';
import { readDeliveries } from '../../../src/deliveries/receipts.ts';
import type { Result, Sink } from '../../../src/deliveries/sink.ts';
import type { DeliveryOutcome } from '../../../src/deliveries/status.ts';
import { encode } from '../../../src/log/codec.ts';
import type { ConsumerOptions, EventLog, Hold } from '../../../src/log/event-log.ts';
import { type Delivery, deliveryId } from '../../../src/model/delivery.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { fakeSink } from '../../support/fake-sink.ts';
import { handClock } from '../../support/hand-clock.ts';
import { changeTo, sampleIncident } from '../../support/sample-incident.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const logger = pino({ level: 'silent' });
const until = { timeout: 10_000, interval: 5 };
const later = (error: string): Result => ({ outcome: 'retry', scope: 'output', sent: 'no', error });

const HOLD: Hold = { certain: async () => true };

let temp: TempLog;
let clock: ReturnType<typeof handClock>;
let states: Map<string, Incident>;
let running: Deliveries[];
let counted: DeliveryOutcome[];

beforeEach(async () => {
  temp = await openTempLog();
  clock = handClock();
  states = new Map();
  running = [];
  counted = [];
});

afterEach(async () => {
  for (const deliveries of running) await deliveries.close();
  await temp.close();
});

async function start(sink: Sink, log: EventLog = temp.log): Promise<Deliveries> {
  const deliveries = await startDeliveries({
    output: 'sheets',
    log,
    incidents: async () => [...states.values()],
    sink,
    clock,
    logger,
    metrics: { count: (_, outcome) => counted.push(outcome) },
    recheckMs: 60_000,
  });
  running.push(deliveries);
  await expect.poll(() => deliveries.status().active, until).toBe(true);
  return deliveries;
}

/** The test gives and takes the partition. */
function consumedByHand() {
  let options: ConsumerOptions | null = null;
  const log: EventLog = {
    ...temp.log,
    consume: async (given) => {
      options = given;
      return { close: async () => undefined };
    },
  };
  return { log, asked: () => options as ConsumerOptions | null };
}

async function put(...incidents: readonly Incident[]): Promise<void> {
  for (const incident of incidents) states.set(incident.id, incident);
  const records = incidents.map((incident, index) => {
    const value = encode('incidents', changeTo(incident, index));
    return { key: incident.id, value, timeMs: incident.updatedAt };
  });
  await temp.log.append('incidents', records);
}

async function receipts(): Promise<readonly Delivery[]> {
  const all: Delivery[] = [];
  for await (const delivery of readDeliveries(temp.log)) all.push(delivery);
  return all;
}

/** Moves the clock, then looks: for what waits a while that the test does not care about. */
function moved<T>(ms: number, look: () => T): T {
  clock.advance(ms);
  return look();
}

const incident = (n: number, version = 1): Incident => sampleIncident({ id: `INC-${n}`, version });

describe('the delivery loop', () => {
  it('records posting before and posted after, with the place', async () => {
    const sink = fakeSink();
    let isPosting = false;
    await start({
      ...sink,
      deliver: async (items, turn) => {
        isPosting = (await receipts()).some(({ state }) => state === 'posting');
        return await sink.deliver(items, turn);
      },
    });
    await put(incident(1));
    await expect.poll(async () => (await receipts()).map(({ state }) => state), until).toEqual(['posting', 'posted']);
    expect(isPosting).toBe(true);
    expect((await receipts())[1]).toMatchObject({
      output: 'sheets',
      subject: 'INC-1',
      slot: 'row',
      version: 1,
      place: { row: 1 },
    });
  });

  it('delivers the newest state only, in order', async () => {
    const sink = fakeSink();
    let release = (): void => undefined;
    sink.hold = new Promise((resolve) => {
      release = resolve;
    });
    const deliveries = await start(sink);
    await put(incident(1, 1));
    await expect.poll(() => sink.calls.length, until).toBe(1);
    await put(incident(1, 2), incident(1, 3), incident(1, 4));
    await expect.poll(() => deliveries.status().pending, until).toBe(1);
    await put(incident(2));
    await expect.poll(() => sink.calls.length, until).toBe(2);
    sink.hold = null;
    release();
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
    expect(sink.delivered.filter((one) => one.startsWith('INC-1 '))).toEqual(['INC-1 v1 row', 'INC-1 v4 row']);
  });

  it('never goes back to an elder state', async () => {
    const sink = fakeSink();
    const deliveries = await start(sink);
    await put(incident(1, 5));
    await expect.poll(() => sink.delivered, until).toEqual(['INC-1 v5 row']);
    await put(incident(1, 4), incident(2));
    await expect.poll(() => sink.delivered, until).toHaveLength(2);
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
    expect(sink.delivered).toEqual(['INC-1 v5 row', 'INC-2 v1 row']);
  });

  it('skips what is recorded, after a restart too', async () => {
    const first = fakeSink();
    const one = await start(first);
    await put(incident(1), incident(2));
    await expect.poll(() => one.status().pending === 0 && first.delivered.length, until).toBe(2);
    await one.close();
    await put(incident(2, 2), incident(3));
    const second = fakeSink();
    await start(second);
    await expect.poll(() => second.delivered.toSorted(), until).toEqual(['INC-2 v2 row', 'INC-3 v1 row']);
    expect(second.lookedUp).toEqual([]);
    expect(second.calls.flat().find((item) => item.incident.id === 'INC-2')?.place).toEqual({
      row: expect.any(Number),
    });
  });

  it('looks up what was posting at a crash, and adopts it or sends it', async () => {
    const posting = (subject: string): Delivery => {
      const at = clock.now() - 5_000;
      return {
        output: 'sheets',
        subject,
        slot: 'row',
        state: 'posting',
        version: 1,
        at,
        place: null,
        error: null,
        tries: 0,
      };
    };
    for (const delivery of [posting('INC-1'), posting('INC-2')])
      await temp.log.append('deliveries', [
        { key: deliveryId(delivery), value: encode('deliveries', delivery), timeMs: delivery.at },
      ]);
    await put(incident(1), incident(2), incident(3));
    const sink = fakeSink();
    sink.standing.set('INC-1 row', { row: 7 });
    const deliveries = await start(sink);
    await expect
      .poll(() => deliveries.status().pending === 0 && sink.delivered.toSorted(), until)
      .toEqual(['INC-2 v1 row', 'INC-3 v1 row']);
    expect(sink.lookedUp.toSorted()).toEqual(['INC-1 row', 'INC-2 row']);
    expect((await receipts()).findLast(({ subject }) => subject === 'INC-1')).toMatchObject({
      state: 'posted',
      place: { row: 7 },
    });
    expect(counted.toSorted()).toEqual(['adopted', 'posted', 'posted']);
  });

  it('looks up before it sends again when the answer was lost', async () => {
    const sink = fakeSink();
    sink.answers.push('carried out, answer lost');
    const deliveries = await start(sink);
    await put(incident(1));
    await expect.poll(() => deliveries.status().pausedUntil, until).not.toBeNull();
    clock.advance(1_000);
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
    expect(sink.delivered).toEqual(['INC-1 v1 row']);
    expect(sink.lookedUp).toEqual(['INC-1 row']);
  });

  it('sends nothing while it cannot be looked up', async () => {
    let isLookUpAway = true;
    const sink = fakeSink();
    const lookUp: Sink['lookUp'] = async (items, signal) => {
      if (isLookUpAway) throw new Error('away');
      return await sink.lookUp(items, signal);
    };
    sink.answers.push('carried out, answer lost');
    const deliveries = await start({ ...sink, lookUp });
    await put(incident(1));
    for (let round = 0; round < 4; round += 1) {
      await expect.poll(() => deliveries.status().pausedUntil, until).not.toBeNull();
      clock.advance(60_000);
      await expect.poll(() => deliveries.status().lastError?.message, until).toBe('away');
    }
    expect(sink.calls).toHaveLength(1);
    isLookUpAway = false;
    await expect.poll(() => moved(60_000, () => deliveries.status().pending), until).toBe(0);
    expect(sink.delivered).toEqual(['INC-1 v1 row']);
  });

  it('counts a possible duplicate when nobody can tell whether it was sent', async () => {
    const sink = fakeSink();
    sink.answers.push('carried out, answer lost');
    const deliveries = await start({ ...sink, lookUp: async (items) => items.map(() => 'unknown' as const) });
    await put(incident(1));
    await expect.poll(() => deliveries.status().pausedUntil, until).not.toBeNull();
    clock.advance(1_000);
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
    expect(counted).toEqual(['retried', 'possibly_duplicate', 'posted']);
  });

  it('pauses longer and longer while the output is away, one call at a time, and heeds Retry-After', async () => {
    const sink = fakeSink();
    sink.answers.push(later('1'), later('2'), later('3'), { ...later('4'), retryAfterMs: 90_000 } as Result);
    const deliveries = await start(sink);
    await put(incident(1));
    for (const [tried, pauseMs] of [1_000, 2_000, 4_000, 90_000].entries()) {
      await expect.poll(() => (deliveries.status().pausedUntil ?? 0) - clock.now(), until).toBe(pauseMs);
      clock.advance(pauseMs - 1);
      await put(incident(2, tried + 1));
      expect(sink.calls).toHaveLength(tried + 1);
      expect(deliveries.status().pausedUntil).not.toBeNull();
      clock.advance(1);
    }
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
    expect(sink.lookedUp).toEqual([]);
    expect(deliveries.status().lastError).toBeNull();
  });

  it('keeps a refused delivery, writes one dead letter, lets the rest go on and tries again', async () => {
    const sink = fakeSink({ parallel: 1 });
    const refused: Result = { outcome: 'refused', error: 'no such tab' };
    sink.answers.push(refused, 'delivered', refused);
    const deliveries = await start(sink);
    await put(incident(1), incident(2));
    await expect.poll(() => sink.delivered, until).toEqual(['INC-2 v1 row']);
    await expect
      .poll(() => deliveries.status().failed, until)
      .toMatchObject([{ subject: 'INC-1', state: 'failed', error: 'no such tab' }]);
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
    clock.advance(60_000);
    await expect.poll(() => sink.calls.length, until).toBe(3);
    await expect.poll(() => moved(60_000, () => sink.delivered), until).toEqual(['INC-2 v1 row', 'INC-1 v1 row']);
    await expect.poll(() => deliveries.status().failedCount, until).toBe(0);
    expect((await temp.log.ends('dead-letters'))[0]?.next).toBe(1);
  });

  it('retries one item without holding up the others', async () => {
    const sink = fakeSink({ parallel: 1 });
    sink.answers.push({ outcome: 'retry', scope: 'item', sent: 'no', error: 'locked' });
    const deliveries = await start(sink);
    await put(incident(1), incident(2));
    await expect.poll(() => sink.delivered, until).toEqual(['INC-2 v1 row']);
    clock.advance(1_000);
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
    expect(sink.delivered).toEqual(['INC-2 v1 row', 'INC-1 v1 row']);
  });

  it('delivers in batches, at most one in the stated time', async () => {
    const sink = fakeSink({ parallel: 1, batch: { maxSize: 50, everyMs: 2_000 } });
    const deliveries = await start(sink);
    await put(incident(0));
    await expect.poll(() => sink.calls.length, until).toBe(1);
    await put(...Array.from({ length: 120 }, (_, n) => incident(n + 1)));
    await expect.poll(() => deliveries.status().pending, until).toBe(120);
    expect(sink.calls).toHaveLength(1);
    for (const [delivered, calls] of [
      [51, 2],
      [101, 3],
      [121, 4],
    ]) {
      clock.advance(1_999);
      expect(sink.calls).toHaveLength((calls ?? 0) - 1);
      clock.advance(1);
      await expect.poll(() => sink.delivered.length, until).toBe(delivered);
      await expect.poll(() => deliveries.status().pending, until).toBe(121 - (delivered ?? 0));
    }
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
    expect(sink.calls.map(({ length }) => length)).toEqual([1, 50, 50, 20]);
    expect(new Set(sink.delivered).size).toBe(121);
  });

  it('waits as the sink wishes, and does not deliver what changed its mind meanwhile', async () => {
    const at = clock.now() + 2_000;
    const asked: string[] = [];
    const sink = fakeSink({
      accepts: ({ id, status }, { now }) => {
        asked.push(`${id} ${status}`);
        return status === 'withdrawn' ? 'never' : now >= at ? 'now' : { at };
      },
    });
    const deliveries = await start(sink);
    await put(incident(1), incident(2));
    await expect.poll(() => asked, until).toEqual(['INC-1 open', 'INC-2 open']);
    await put({ ...incident(2, 2), status: 'withdrawn' });
    await expect.poll(() => asked.at(-1), until).toBe('INC-2 withdrawn');
    expect(deliveries.status().pending).toBe(0);
    clock.advance(1_999);
    expect(sink.calls).toEqual([]);
    clock.advance(1);
    await expect.poll(() => sink.delivered, until).toEqual(['INC-1 v1 row']);
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
  });

  it('tells each note once, before the main slot is updated', async () => {
    const sink = fakeSink({ notes: ({ version }) => (version >= 2 ? ['thread:1'] : []) });
    const deliveries = await start(sink);
    await put(incident(1));
    await expect.poll(() => sink.delivered, until).toEqual(['INC-1 v1 row']);
    await put(incident(1, 2));
    await expect.poll(() => sink.delivered, until).toEqual(['INC-1 v1 row', 'INC-1 v2 thread:1', 'INC-1 v2 row']);
    await put(incident(1, 3));
    await expect.poll(() => sink.delivered.at(-1), until).toBe('INC-1 v3 row');
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
    expect(sink.delivered.filter((one) => one.includes('thread'))).toHaveLength(1);
  });

  it('waits for a log that is away, and delivers nothing twice for it', async () => {
    let isAway = false;
    const log: EventLog = {
      ...temp.log,
      append: async (topic, records) => {
        if (isAway && topic === 'deliveries') throw new Error('log away');
        return await temp.log.append(topic, records);
      },
    };
    const inner = fakeSink();
    const sink: Sink = {
      ...inner,
      deliver: async (items, turn) => {
        isAway = true;
        return await inner.deliver(items, turn);
      },
    };
    const deliveries = await start(sink, log);
    await put(incident(1));
    await expect.poll(() => inner.delivered, until).toHaveLength(1);
    for (let n = 0; n < 5; n += 1) clock.advance(5_000);
    isAway = false;
    await expect.poll(() => moved(5_000, () => deliveries.status().pending), until).toBe(0);
    expect(inner.delivered).toEqual(['INC-1 v1 row']);
    expect((await receipts()).at(-1)).toMatchObject({ state: 'posted' });
  });

  it('delivers only while it holds the partition, and sees what changed meanwhile when it gets it back', async () => {
    const { log, asked } = consumedByHand();
    const sink = fakeSink();
    const deliveries = await startDeliveries({
      output: 'sheets',
      log,
      incidents: async () => [...states.values()],
      sink,
      clock,
      logger,
    });
    running.push(deliveries);
    const held = asked();
    expect(held).toMatchObject({ topic: 'incidents', group: 'deliver-sheets' });
    await put(incident(1));
    expect(deliveries.status().active).toBe(false);
    expect(await held?.assigned?.(0, HOLD)).toBe(1);
    await expect.poll(() => sink.delivered, until).toEqual(['INC-1 v1 row']);
    await held?.revoked?.(0);
    // The other replica delivers this, and this one hears of it only by the receipts.
    await put(incident(1, 2), incident(2));
    const posted = (await receipts()).at(-1);
    if (posted === undefined) throw new Error('no receipt');
    const theirs: Delivery = { ...posted, version: 2 };
    await temp.log.append('deliveries', [
      { key: deliveryId(theirs), value: encode('deliveries', theirs), timeMs: clock.now() },
    ]);
    expect(deliveries.status().active).toBe(false);
    await held?.assigned?.(0, HOLD);
    await expect.poll(() => sink.delivered, until).toEqual(['INC-1 v1 row', 'INC-2 v1 row']);
    await expect.poll(() => deliveries.status().pending, until).toBe(0);
    expect(sink.calls).toHaveLength(2);
  });

  it('asks whether it still holds the partition right before a call, and leaves it to the other if not', async () => {
    let isCertain = true;
    const { log, asked } = consumedByHand();
    const inner = fakeSink();
    const sink: Sink = {
      ...inner,
      deliver: async (items, turn) => {
        // As an output that has waited for its pace.
        if (await turn.isOurs()) return await inner.deliver(items, turn);
        return items.map(() => ({ outcome: 'retry', scope: 'item', sent: 'no', error: 'not ours' }));
      },
    };
    const incidents = async () => [...states.values()];
    const deliveries = await startDeliveries({ output: 'sheets', log, incidents, sink, clock, logger });
    running.push(deliveries);
    const held = asked();
    const signal = new AbortController().signal;
    expect(await deliveries.isOurs(signal)).toBe(false);
    await put(incident(1));
    await held?.assigned?.(0, { certain: async () => isCertain });
    await expect.poll(() => inner.delivered, until).toHaveLength(1);
    isCertain = false;
    expect(await deliveries.isOurs(signal)).toBe(false);
    await put(incident(2));
    await held?.assigned?.(0, { certain: async () => isCertain });
    await expect.poll(() => deliveries.status().lastError?.message, until).toBe('not ours');
    expect(inner.delivered).toHaveLength(1);
    isCertain = true;
    await expect.poll(() => moved(5_000, () => inner.delivered), until).toEqual(['INC-1 v1 row', 'INC-2 v1 row']);
  });

  it('tells again what stands when something beside the incident has changed, in its place, also after a restart', async () => {
    const sink = fakeSink();
    const first = await start(sink);
    await put(incident(1));
    await expect.poll(() => sink.calls.length, until).toBe(1);
    await expect.poll(() => first.status().pending, until).toBe(0);
    first.refresh(incident(1));
    await expect.poll(() => sink.calls.length, until).toBe(2);
    expect(sink.calls[1]?.[0]?.place).not.toBeNull();
    await expect.poll(() => first.status().pending, until).toBe(0);
    await first.close();
    const second = await start(sink);
    await expect.poll(() => second.status().active, until).toBe(true);
    await expect.poll(() => second.status().pending, until).toBe(0);
    expect(sink.calls).toHaveLength(2);
    second.refresh(incident(1));
    await expect.poll(() => sink.calls.length, until).toBe(3);
    await expect.poll(() => second.status().pending, until).toBe(0);
    expect((await receipts()).at(-1)).toMatchObject({ state: 'posted', version: 1 });
  });

  it('finishes the call under way when it is closed', async () => {
    const sink = fakeSink();
    let release = (): void => undefined;
    sink.hold = new Promise((resolve) => {
      release = resolve;
    });
    const deliveries = await start(sink);
    await put(incident(1));
    await expect.poll(() => sink.calls.length, until).toBe(1);
    const closing = deliveries.close();
    release();
    await closing;
    expect((await receipts()).at(-1)).toMatchObject({ state: 'posted', version: 1 });
    expect(deliveries.status().active).toBe(false);
  });
});
