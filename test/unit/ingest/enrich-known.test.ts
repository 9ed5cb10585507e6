import { describe, expect, it } from 'vitest';
import { createKnownCharges } from '../../../src/ingest/enrich-known.ts';

const HOUR = 3_600_000;
const NOW = 1_800_000_000_000;

describe('known charges', () => {
  it('are those given within a day', () => {
    const known = createKnownCharges();
    known.add('ch_1', { receivedAt: NOW, isLive: true });
    expect(known.has('ch_1', { receivedAt: NOW + 24 * HOUR, isLive: true })).toBe(true);
    expect(known.has('ch_1', { receivedAt: NOW + 25 * HOUR, isLive: true })).toBe(false);
    expect(known.has('ch_2', { receivedAt: NOW, isLive: true })).toBe(false);
  });

  it('of history are known to history alone', () => {
    const known = createKnownCharges();
    known.add('ch_1', { receivedAt: NOW, isLive: false });
    expect(known.has('ch_1', { receivedAt: NOW, isLive: true })).toBe(false);
    expect(known.has('ch_1', { receivedAt: NOW, isLive: false })).toBe(true);
    known.add('ch_1', { receivedAt: NOW + 1, isLive: true });
    known.add('ch_1', { receivedAt: NOW + 2, isLive: false });
    expect(known.has('ch_1', { receivedAt: NOW + 2, isLive: true })).toBe(true);
  });

  it('are bounded: the youngest stay', () => {
    const known = createKnownCharges();
    const view = { receivedAt: NOW, isLive: true };
    for (let n = 0; n < 50_001; n += 1) known.add(`ch_${n}`, view);
    expect(known.has('ch_0', view)).toBe(false);
    expect(known.has('ch_1', view)).toBe(true);
    expect(known.has('ch_50000', view)).toBe(true);
  });
});
