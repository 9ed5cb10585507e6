// The streams of the benchmarks: the same for the same seed, and of the shape that the README promises, or figures of two
// runs, or of two engines, would not be of the same job.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventStream } from '../../../bench/events.ts';
import { attemptStream, recordStream, STREAM, type StreamOptions, writeLines } from '../../../bench/streams.ts';
import { decodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { normalise } from '../../../src/ingest/normalise.ts';

const COUNT = 5_000;
const streamOf = (options: Partial<StreamOptions> = {}) => [...attemptStream({ ...STREAM, count: COUNT, ...options })];
const distinct = (values: readonly (string | undefined)[]): number => new Set(values).size;

let folder: string | null = null;
afterEach(() => {
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
  folder = null;
});

describe('attemptStream', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(streamOf()).toEqual(streamOf());
    expect(streamOf({ seed: 2 })).not.toEqual(streamOf());
  });

  it('has as many records as asked for, some of them a second time', () => {
    const views = streamOf();
    expect(views).toHaveLength(COUNT);
    const firstAt = new Map<string, number>();
    let repeated = 0;
    for (const [index, view] of views.entries()) {
      const before = firstAt.get(view.event);
      if (before === undefined) {
        firstAt.set(view.event, index);
        continue;
      }
      repeated += 1;
      const { receivedAt: _first, ...facts } = views[before] as (typeof views)[number];
      expect(view).toMatchObject(facts);
    }
    expect(repeated / COUNT).toBeGreaterThan(0.01);
    expect(repeated / COUNT).toBeLessThan(0.03);
    expect(distinct(views.map(({ attempt }) => attempt))).toBe(COUNT - repeated);
  });

  it('is received in order at the rate asked for, and a tenth of it happened up to 30 s before', () => {
    const views = streamOf({ ratePerS: 50 });
    const received = views.map(({ receivedAt }) => receivedAt);
    expect(received).toEqual([...received].sort((a, b) => a - b));
    expect(received.at(-1)).toBe(STREAM.startMs + Math.floor(((COUNT - 1) * 1_000) / 50));
    const events = new Set<string>();
    const fresh = views.filter(({ event }) => !events.has(event) && events.add(event));
    const lateS = fresh.map(({ receivedAt, time }) => Math.floor(receivedAt / 1_000) - time);
    expect(Math.min(...lateS)).toBe(0);
    expect(Math.max(...lateS)).toBe(30);
    const late = lateS.filter((seconds) => seconds > 0).length / fresh.length;
    expect(late).toBeGreaterThan(0.08);
    expect(late).toBeLessThan(0.12);
  });

  it('declines the share asked for', () => {
    const declined = (share: number): number =>
      streamOf({ declined: share }).filter(({ fields }) => fields.result?.outcome === 'declined').length / COUNT;
    expect(declined(1)).toBe(1);
    expect(declined(0)).toBe(0);
    expect(declined(0.1)).toBeGreaterThan(0.08);
    expect(declined(0.1)).toBeLessThan(0.12);
  });

  it('spreads its keys, or puts all on one customer and one e-mail', () => {
    const spread = streamOf();
    const hot = streamOf({ hot: true });
    for (const views of [spread, hot])
      expect(distinct(views.map(({ fields }) => fields.card))).toBeGreaterThan(COUNT * 0.4);
    expect(distinct(spread.map(({ fields }) => fields.customer))).toBeGreaterThan(COUNT * 0.4);
    expect(distinct(spread.map(({ fields }) => fields.email))).toBeGreaterThan(COUNT * 0.4);
    expect(distinct(hot.map(({ fields }) => fields.customer))).toBe(1);
    expect(distinct(hot.map(({ fields }) => fields.email))).toBe(1);
  });
});

describe('recordStream', () => {
  it('holds what the log of attempts holds, about 200 bytes each', () => {
    const options = { ...STREAM, count: COUNT };
    const records = [...recordStream(options)];
    expect(records.map(decodeAttemptsRecord)).toEqual([...attemptStream(options)]);
    const bytes = records.reduce((sum, text) => sum + text.length, 0) / COUNT;
    expect(bytes).toBeGreaterThan(150);
    expect(bytes).toBeLessThan(260);
  });

  it('is written to a file line by line', async () => {
    folder = mkdtempSync(join(tmpdir(), 'declinewatch-streams-'));
    const file = join(folder, 'stream.jsonl');
    const options = { ...STREAM, count: 100 };
    const bytes = await writeLines(file, recordStream(options));
    const text = readFileSync(file, 'utf8');
    expect(text).toBe(`${[...recordStream(options)].join('\n')}\n`);
    expect(bytes).toBe(text.length);
  });
});

describe('eventStream', () => {
  it('says the same as the compact attempts, as raw Stripe events', () => {
    const options = { ...STREAM, count: 200, declined: 0.5 };
    const compact = [...attemptStream(options)];
    const raw = [...eventStream(options)].map((text) =>
      normalise(JSON.parse(text), { metadata: { ip: null, keys: [] } }),
    );
    raw.forEach((normalised, index) => {
      const { attempt, event, time, fields } = compact[index] as (typeof compact)[number];
      const { amount, card, customer, email } = fields;
      expect(normalised).toMatchObject({
        kind: 'view',
        view: {
          attempt,
          event,
          time,
          fields: { amount, card, customer, email, result: { outcome: fields.result?.outcome } },
        },
      });
    });
  });
});
