// What one event becomes in the log: topics, keys, lanes, dead letters.
import { describe, expect, it } from 'vitest';
import { decodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { recordsOf } from '../../../src/ingest/records.ts';
import type { SignalView, View } from '../../../src/model/attempt.ts';
import { SAMPLE_CONTEXT, SAMPLES, sample } from '../../support/stripe-samples.ts';

const HOUR = 3_600_000;
const LATENESS = 72 * HOUR;
/** The time of the view of `endive-charge-failed`, milliseconds. */
const TIME = 1_789_999_999_000;

const records = (event: unknown, receivedAt = TIME + 2_000) =>
  recordsOf(event, { receivedAt, context: SAMPLE_CONTEXT, latenessMs: LATENESS });
const decoded = (event: unknown, receivedAt?: number): View | SignalView =>
  decodeAttemptsRecord(records(event, receivedAt).attempts?.value ?? '') as View | SignalView;

describe('the records of an event', () => {
  it('are keyed by scope and by event, dated by receipt', () => {
    const { attempts, stored, accepted, subject } = records(sample('endive-connect-charge-failed'));
    expect(accepted).toEqual({ kind: 'view', reason: '' });
    expect(attempts).toMatchObject({ key: 'acct_Shop/live', timeMs: TIME + 2_000 });
    expect(stored).toMatchObject({ key: 'evt_h01', timeMs: TIME + 2_000 });
    expect(subject).toBe('evt_h01');
    expect(records(sample('endive-connect-charge-failed-test-mode')).attempts?.key).toBe('acct_Shop/test');
  });

  it('say of a backfill that they came of one, and of nothing else', () => {
    const of = (via: { readonly via?: 'backfill' }): unknown => {
      const options = { receivedAt: TIME, context: SAMPLE_CONTEXT, latenessMs: LATENESS, ...via };
      return (JSON.parse(recordsOf(sample('endive-charge-failed'), options).stored.value) as { via?: unknown }).via;
    };
    expect(of({ via: 'backfill' })).toBe('backfill');
    expect(of({})).toBeUndefined();
  });

  it.each([
    ['at once', 0, 'live'],
    ['at the end of the lateness', LATENESS, 'live'],
    ['a millisecond after', LATENESS + 1, 'history'],
    ['5 minutes before its time', -300_000, 'live'],
  ])('received %s: lane %s ms is %s', (_, ageMs, lane) => {
    expect(decoded(sample('endive-charge-failed'), TIME + ageMs)).toMatchObject({ lane, receivedAt: TIME + ageMs });
  });

  it('of a signal have a lane too', () => {
    const event = sample('endive-review-opened');
    expect(decoded(event, event.created * 1000 + LATENESS + 1)).toMatchObject({ record: 'signal', lane: 'history' });
  });

  it.each(['endive-charge-failed', 'endive-review-opened'])(
    'of %s dated more than 5 minutes ahead is a dead letter',
    (name) => {
      const { accepted, attempts, stored } = records(sample(name), 1_789_999_000_000);
      expect(accepted).toMatchObject({ kind: 'dead_letter', reason: 'dated_ahead' });
      expect(attempts).toBeNull();
      expect(stored.value).toContain(sample(name).id);
    },
  );

  it.each([
    ['thin-notification', 'thin_notification'],
    ['no-object', 'no_object'],
    ['no-charge-id', 'no_id'],
    ['not-an-event', 'not_an_event'],
  ])('of %s is a dead letter: %s', (name, reason) => {
    const { accepted, attempts } = records(sample(name));
    expect(accepted).toMatchObject({ kind: 'dead_letter', reason });
    expect(attempts).toBeNull();
  });

  it.each([null, 5, 'text', [], {}, [1, { id: 'evt_1' }], true])(
    'of %j, which is no event, is kept and is a dead letter',
    (value) => {
      const { accepted, stored, subject } = records(value);
      expect(accepted).toMatchObject({ kind: 'dead_letter', reason: 'not_an_event' });
      expect(JSON.parse(stored.value)).toEqual({ v: 1, event: value });
      expect(stored.key).toBe(subject);
    },
  );

  it('say that something was cut off', () => {
    const event = { ...sample('unknown-type'), long: 'x'.repeat(10_000) };
    expect(JSON.parse(records(event).stored.value)).toMatchObject({ v: 1, cut: true, event: { id: 'evt_j07' } });
  });

  it('hold no secret of any sample, in any topic', () => {
    for (const { file } of SAMPLES) {
      const { attempts, stored } = records(sample(file.replace(/\.json$/, '')));
      expect(`${attempts?.value} ${stored.value}`).not.toContain('secret');
    }
  });
});
