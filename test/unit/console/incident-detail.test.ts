import { describe, expect, it } from 'vitest';
import { incidentDetailJson, latencyOf, MAX_ATTEMPTS } from '../../../src/console/incident-detail.ts';
import type { Delivery } from '../../../src/model/delivery.ts';
import { sampleIncident } from '../../support/sample-incident.ts';

const incident = sampleIncident();
const message = (overrides: Partial<Delivery> = {}): Delivery => ({
  output: 'slack',
  subject: 'INC-1',
  slot: 'message',
  state: 'posted',
  version: 1,
  at: incident.openedAt + 90_000,
  place: { channel: 'C1', ts: `${(incident.openedAt + 2_500) / 1000}` },
  error: null,
  tries: 1,
  ...overrides,
});

describe('latency', () => {
  it('is from Stripe to received, to opened, to told', () => {
    expect(latencyOf({ ...incident, openingBreachS: incident.openedAt / 1000 - 3 }, [message()])).toEqual({
      stripeToReceivedMs: 2_000,
      receivedToOpenedMs: 1_000,
      openedToSlackMs: 2_500,
    });
  });

  it('is the first posting, however often the message was edited; of the preview too', () => {
    expect(latencyOf(incident, [message({ version: 9, at: incident.openedAt + 999_000 })]).openedToSlackMs).toBe(2_500);
    const preview = message({
      output: 'preview-slack',
      place: { channel: 'preview', ts: String(incident.openedAt + 2_100) },
    });
    expect(latencyOf(incident, [preview]).openedToSlackMs).toBe(2_100);
  });

  it('is null where it is not known', () => {
    expect(latencyOf({ ...incident, receivedAt: null }, [])).toEqual({
      stripeToReceivedMs: null,
      receivedToOpenedMs: null,
      openedToSlackMs: null,
    });
    const others = [
      message({ state: 'posting', place: null }),
      message({ slot: 'thread:1.0' }),
      message({ output: 'sheets', slot: 'row' }),
    ];
    expect(latencyOf(incident, others).openedToSlackMs).toBeNull();
    expect(latencyOf({ ...incident, kind: 'storm' }, []).stripeToReceivedMs).toBeNull();
  });

  it('is never negative: clocks differ', () => {
    const early = latencyOf({ ...incident, receivedAt: incident.openingBreachS * 1000 - 400 }, []);
    expect(early.stripeToReceivedMs).toBe(0);
  });
});

describe('one incident in full', () => {
  it('has no more attempts than are shown', () => {
    const [newest] = incident.evidence.newest;
    const attempts = Array.from({ length: 500 }, () => newest).filter((one) => one !== undefined);
    const detail = incidentDetailJson(incident, {
      timeline: [],
      attempts,
      deliveries: [],
      consoleUrl: 'http://localhost',
    });
    expect(detail.attempts).toHaveLength(MAX_ATTEMPTS);
    expect(detail.attempts[0]).toMatchObject({
      id: 'ch_3Newest',
      url: 'https://dashboard.stripe.com/payments/ch_3Newest',
    });
    expect(detail.attemptCount).toBe(14);
  });
});
