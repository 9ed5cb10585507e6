// What every build must hold (facts §9), one by one: from an event as it arrives to the attempts and signals that detectors
// count. What comes after (incidents, Slack, the sheet) has its own tests; each invariant is named where it begins.
import { describe, expect, it } from 'vitest';
import {
  attemptOf,
  type MergedAttempt,
  type MergedSignal,
  mergeSignal,
  mergeView,
} from '../../../src/attempts/merge.ts';
import { decodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { createAcceptor } from '../../../src/ingest/accept.ts';
import { unwrapEnvelope } from '../../../src/ingest/envelope.ts';
import { normalise } from '../../../src/ingest/normalise.ts';
import { recordsOf } from '../../../src/ingest/records.ts';
import { type Attempt, OUTCOMES } from '../../../src/model/attempt.ts';
import { formatMoney } from '../../../src/model/money.ts';
import { scopeId } from '../../../src/model/scope.ts';
import { SAMPLE_CONTEXT, SAMPLES, sample } from '../../support/stripe-samples.ts';

const RECEIVED = 1_790_000_005_000;

/** Through the very records that ingest writes, in the order given. */
function read(events: readonly unknown[]) {
  const attempts = new Map<string, MergedAttempt>();
  const signals = new Map<string, MergedSignal>();
  for (const event of events) {
    const options = { receivedAt: RECEIVED, context: SAMPLE_CONTEXT, latenessMs: 259_200_000 };
    const record = recordsOf(unwrapEnvelope(event), options).attempts;
    if (record === null) continue;
    const fact = decodeAttemptsRecord(record.value);
    if (fact.record === 'view') {
      const id = `${scopeId(fact)}/${fact.attempt}`;
      attempts.set(id, mergeView(attempts.get(id), fact));
    } else if (fact.record === 'signal') {
      const id = `${scopeId(fact)}/${fact.signal}/${fact.id}`;
      signals.set(id, mergeSignal(signals.get(id), fact));
    }
  }
  const list: Attempt[] = [...attempts.values()].map(attemptOf);
  const declines = list.filter(({ fields }) => fields.result?.outcome === 'declined');
  return { attempts: list, declines, signals: [...signals.values()], keys: [...attempts.keys()] };
}

function orders<T>(items: readonly T[]): readonly T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

const again = (name: string, id: string) => ({ ...sample(name), id });
const inVersion = (name: string, version: string) => ({ ...sample(name), api_version: version });

describe('invariant 1: one decline is one decline', () => {
  const charge = 'endive-charge-failed';
  const intent = 'endive-intent-failed';

  it.each([
    ['both views', [sample(charge), sample(intent)]],
    ['redelivered', [sample(charge), sample(intent), sample(charge), sample(intent)]],
    ['as a second event', [sample(charge), again(charge, 'evt_other'), sample(intent), again(intent, 'evt_another')]],
    ['in another API version', [sample(charge), inVersion(charge, '2019-05-16'), inVersion(intent, '2022-11-15')]],
    ['in an EventBridge envelope', [sample('eventbridge-charge-failed'), sample('eventbridge-charge-failed').detail]],
    ['in an Event Grid envelope', [sample('eventgrid-charge-failed'), sample('eventgrid-charge-failed').data]],
    [
      'with the invoice of the same payment',
      ['charge', 'intent']
        .map((view) => sample(`2023-10-16-${view}-failed-invoice`))
        .concat(sample('2023-10-16-invoice-payment-failed')),
    ],
  ])('%s, in every order', (_, events) => {
    const seen = orders(events.slice(0, 4)).map((order) => read(order));
    for (const { declines } of seen) {
      expect(declines).toHaveLength(1);
      expect(declines).toEqual(seen[0]?.declines);
    }
  });

  it('a second try on the same intent is a second attempt', () => {
    const { declines } = read([sample(intent), sample('endive-intent-failed-second-try'), sample(charge)]);
    expect(declines.map(({ id }) => id).toSorted()).toEqual(['ch_e01', 'ch_e03']);
    expect(new Set(declines.map(({ fields }) => fields.intent))).toEqual(new Set(['pi_e01']));
  });

  it('without a charge id only the event id tells attempts apart', () => {
    const name = 'endive-intent-failed-three-d-secure';
    expect(read([sample(name), sample(name), again(name, 'evt_other')]).attempts).toHaveLength(2);
  });
});

it('invariant 2: an intent view is re-labelled as blocked when the charge view comes', () => {
  const [charge, intent] = [sample('endive-charge-failed-blocked'), sample('endive-intent-failed-blocked')];
  expect(read([intent]).attempts[0]?.fields.result).toMatchObject({ outcome: 'declined', code: 'generic_decline' });
  for (const order of orders([charge, intent])) {
    const { attempts, declines } = read(order);
    expect(attempts).toHaveLength(1);
    expect(declines).toHaveLength(0);
    expect(attempts[0]?.fields.result).toEqual({ outcome: 'blocked', code: 'highest_risk_level', class: 'F' });
  }
});

it('invariant 3: a failed save counts without an amount, a failed authentication is no decline', () => {
  const [save] = read([sample('endive-setup-failed')]).attempts;
  expect(save).toMatchObject({ kind: 'setup', fields: { result: { outcome: 'declined' } } });
  expect(save?.fields).not.toHaveProperty('amount');
  for (const name of ['endive-intent-failed-three-d-secure', '2022-11-15-setup-failed-three-d-secure'])
    expect(read([sample(name)]).attempts[0]?.fields.result?.outcome).toBe('authentication_failed');
});

it('invariant 4: an invoice that failed makes no attempt', () => {
  expect(
    read([sample('2023-10-16-invoice-payment-failed'), sample('2025-03-31-basil-invoice-payment-failed')]).attempts,
  ).toEqual([]);
});

it('invariant 5: everything else is no decline, and nothing is refused', () => {
  const noDecline = SAMPLES.filter(({ expect: { kind, view } }) => {
    const outcome = (view as { fields?: { result?: { outcome?: string } } } | undefined)?.fields?.result?.outcome;
    return kind === 'ignored' || kind === 'signal' || outcome === 'succeeded';
  }).map(({ file }) => sample(file.replace(/\.json$/, '')));
  expect(noDecline.length).toBeGreaterThan(20);
  expect(read(noDecline).declines).toEqual([]);
  for (const event of noDecline) expect(normalise(event, SAMPLE_CONTEXT).kind).not.toBe('bad');
});

it('invariant 6: live and test, and connected accounts, never meet', () => {
  const event = sample('endive-charge-failed');
  const scopes = [
    event,
    { ...event, livemode: false },
    { ...event, account: 'acct_1' },
    { ...event, account: 'acct_1', livemode: false },
  ];
  const { keys, attempts } = read(scopes);
  expect(keys.toSorted()).toEqual(['acct_1/live/ch_e01', 'acct_1/test/ch_e01', 'self/live/ch_e01', 'self/test/ch_e01']);
  expect(new Set(attempts.map(({ fields }) => fields.card))).toEqual(new Set(['fpVisa4242']));
});

describe('invariant 7: the later event of a signal is the same signal', () => {
  it.each([
    ['endive-early-fraud-warning-created', { ...sample('endive-early-fraud-warning-updated'), created: 1_790_000_001 }],
    ['endive-review-opened', { ...sample('endive-review-closed'), created: 1_790_000_001 }],
  ])('%s', (name, later) => {
    for (const order of orders([sample(name), later])) {
      const { signals } = read(order);
      expect(signals).toHaveLength(1);
      expect(signals[0]).toMatchObject({ time: 1_790_000_000, charge: 'ch_e07' });
    }
    expect(
      read([sample('endive-review-opened'), { ...sample('endive-review-closed'), created: 1_790_000_001 }]).signals[0]
        ?.reason,
    ).toBe('refunded_as_fraud');
  });
});

describe('invariant 8: keys', () => {
  it('the e-mail is trimmed and lower-cased, whichever view tells it', () => {
    const mails = [sample('endive-charge-failed'), sample('endive-intent-failed'), sample('endive-setup-failed')];
    expect(mails.map((event) => read([event]).attempts[0]?.fields.email)).toEqual([
      'jenny@example.com',
      'jenny@example.com',
      'tester@example.com',
    ]);
  });

  it('without a fingerprint there is no card, and null is never a key', () => {
    for (const name of [
      'endive-charge-succeeded-link',
      'endive-charge-failed-no-fingerprint',
      'endive-charge-failed-sepa-late',
    ])
      expect(read([sample(name)]).attempts[0]?.fields).not.toHaveProperty('card');
  });

  it('yen have no decimals', () => {
    const { amount = 0, currency = '' } = read([sample('endive-charge-succeeded-apple-pay')]).attempts[0]?.fields ?? {};
    expect(formatMoney(amount, currency)).toMatch(/5,000(?!\.)/);
  });

  it('hostile strings stay data: no control character, bounded', () => {
    const values = Object.values(read([sample('hostile-strings')]).attempts[0]?.fields ?? {}).filter(
      (value) => typeof value === 'string',
    );
    expect(values.length).toBeGreaterThan(5);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
    for (const value of values) expect(value).not.toMatch(/[\u0000-\u001f]/);
    expect(read([sample('hostile-strings')]).attempts[0]?.fields.result?.code.length).toBe(512);
  });
});

it('invariant 9: a thin notification is put aside, an empty intent failure invents nothing', () => {
  expect(normalise(sample('thin-notification'), SAMPLE_CONTEXT)).toMatchObject({
    kind: 'bad',
    reason: 'thin_notification',
  });
  expect(read([sample('thin-notification'), sample('endive-intent-failed-empty')]).attempts).toEqual([]);
});

it("invariant 10: what comes again, in the account's own version and a month later, changes nothing", () => {
  const events = [
    'endive-charge-failed',
    'endive-intent-failed',
    'endive-charge-failed-blocked',
    'endive-setup-failed',
    'endive-review-opened',
  ];
  const webhooks = events.map((name) => sample(name));
  const first = read(webhooks);
  const backfilled = read([
    ...webhooks,
    ...webhooks.toReversed(),
    ...events.map((name) => inVersion(name, '2019-05-16')),
  ]);
  expect(backfilled.attempts).toEqual(first.attempts);
  expect(backfilled.signals.map(({ layers: _, ...facts }) => facts)).toEqual(
    first.signals.map(({ layers: _, ...facts }) => facts),
  );
});

it('invariant 11, of the webhook: a log that cannot be written is an error that may be tried again, never an empty answer', async () => {
  const append = async (): Promise<never> => await Promise.reject(new Error('ENOSPC'));
  const acceptor = createAcceptor({ log: { append }, context: () => SAMPLE_CONTEXT, latenessMs: () => 1 });
  const call = acceptor.accept([sample('endive-charge-failed')], { receivedAt: RECEIVED });
  await expect(call).rejects.toMatchObject({
    code: 'log_unavailable',
    retriable: true,
    message: expect.stringContaining('ENOSPC'),
  });
});

it('invariant 12: no client secret reaches any record', () => {
  const events = SAMPLES.map(({ file }) => sample(file.replace(/\.json$/, '')));
  expect(events.filter((event) => JSON.stringify(event).includes('_secret_')).length).toBeGreaterThan(10);
  for (const event of events) {
    const { stored, attempts } = recordsOf(event, { receivedAt: RECEIVED, context: SAMPLE_CONTEXT, latenessMs: 1 });
    expect(`${stored.value}${attempts?.value}`).not.toMatch(/client_secret|_secret_/);
  }
});

it('knows every outcome by name', () => {
  const seen = new Set(
    read(SAMPLES.map(({ file }) => sample(file.replace(/\.json$/, '')))).attempts.map(
      ({ fields }) => fields.result?.outcome,
    ),
  );
  expect([...seen].toSorted()).toEqual(OUTCOMES.toSorted());
});
