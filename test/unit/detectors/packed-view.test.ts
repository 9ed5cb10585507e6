// A view packed straight from its record is, byte for byte, the one that is decoded and packed; and is read like it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptOfView, mergeView } from '../../../src/attempts/merge.ts';
import { encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { packAttempt } from '../../../src/detectors/attempt-pack.ts';
import {
  type AttemptTable,
  addAttempt,
  attemptAt,
  createAttemptTable,
  scopeNumber,
} from '../../../src/detectors/attempt-table.ts';
import type { Cursor } from '../../../src/detectors/bytes.ts';
import { factsOf } from '../../../src/detectors/members.ts';
import { isPackedKind, PackedSubject, packedSubject } from '../../../src/detectors/packed-subject.ts';
import { packView } from '../../../src/detectors/packed-view.ts';
import { attemptSubject, entityOf, hashEntity, isOn, type Subject } from '../../../src/detectors/subjects.ts';
import { amountsIn, changeTally, codesIn, createTally, distinctIn, outcomesIn } from '../../../src/detectors/tally.ts';
import type { TextHash } from '../../../src/detectors/text-hash.ts';
import { decodeAll, decodeFor } from '../../../src/detectors/worker-decode.ts';
import type { View } from '../../../src/model/attempt.ts';
import { fieldsArbOf } from '../../support/attempt-fields.ts';
import { rule, START_S, view } from '../../support/detect.ts';

/** Of characters that need no escape, and others now and then. */
const textArb = fc.oneof(
  { weight: 100, arbitrary: fc.string({ unit: fc.constantFrom(...'ab_1 ~'), maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom('é', '"', '\\', '\u0001', '\u007f', '\ud800') },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(47), 'x'.repeat(48), 'x'.repeat(65)) },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(254), 'x'.repeat(255)) },
);
const idArb = fc.oneof(fc.constantFrom('ch_3Mmabc', 'ch_', '_', 'longprefix_abc', 'evt_3Mmabd'), textArb);

const fieldsArb = fieldsArbOf(textArb);

const viewArb = fc
  .record({
    attempt: idArb,
    event: idArb,
    account: fc.constantFrom(null, null, 'acct_1', ''),
    livemode: fc.boolean(),
    lane: fc.constantFrom('live', 'history'),
    source: fc.constantFrom('charge', 'intent', 'setup'),
    kind: fc.constantFrom('payment', 'setup'),
    apiVersion: textArb,
    age: fc.integer({ min: -400, max: 400 }),
    received: fc.integer({ min: -1, max: 1e9 }),
    invoice: fc.boolean(),
    firstPayment: fc.boolean(),
    fields: fieldsArb,
  })
  .map(({ age, received, fields, ...facts }): View => {
    const times = { created: START_S, time: START_S + age, receivedAt: START_S * 1_000 + received };
    return { ...view('x', START_S), ...facts, ...times, fields } as View;
  });

const cursor = (): Cursor => ({ bytes: Buffer.alloc(4), at: 0 });
const NO_LETTERS = { nowMs: 0, poisoned: new Set<number>(), deadLettered: () => undefined };
const storedAs = (value: string) => ({ partition: 0, offset: 0, key: null, value, timeMs: 0 });

/** What the record is, decoded; null: it is none that can be folded. */
function decoded(value: string): View | null {
  const [record] = decodeAll([storedAs(value)], NO_LETTERS).records;
  return record === undefined ? null : (record as View);
}

/** Packs the record; the bytes are compared with those of the decoded view. False: it was left to be decoded. */
function checkPacked(value: string, table: AttemptTable, other: AttemptTable): boolean {
  const bytes = Buffer.from(value);
  const packed = packView(table, cursor(), bytes, bytes.length);
  if (packed === null) return false;
  const one = decoded(value);
  if (one === null) throw new Error(`packed what is no view: ${value}`);
  const to = cursor();
  packAttempt(to, other.dictionary, attemptOfView(one));
  expect(packed.bytes.subarray(packed.start, packed.end)).toEqual(to.bytes.subarray(0, to.at));
  const { lane, receivedAt, time } = one;
  expect(packed).toMatchObject({ record: 'packed', lane, receivedAt, time });
  expect(table.scopes.list[packed.scope]).toEqual({ account: one.account, livemode: one.livemode });
  return true;
}

describe('a packed view', () => {
  it('has the bytes of the decoded one', () => {
    const [table, other] = [createAttemptTable(), createAttemptTable()];
    let packed = 0;
    fc.assert(
      fc.property(viewArb, (one) => {
        if (checkPacked(encodeAttemptsRecord(one), table, other)) packed += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(packed).toBeGreaterThan(1_000);
  });

  it('is made of whatever is plain', () => {
    const [table, other] = [createAttemptTable(), createAttemptTable()];
    const metadata = { plan: 'pro', '1': 'x' };
    const fields = { amount: -5, card: 'fp', email: 'a@example.com', metadata, wallet: 'apple_pay' };
    for (const plain of [view('ch_1', START_S), view('ch_2', START_S, { fields, account: 'acct_1', lane: 'history' })])
      expect(checkPacked(encodeAttemptsRecord(plain), table, other)).toBe(true);
    expect(checkPacked(encodeAttemptsRecord({ ...view('ch_3', START_S), fields: {} }), table, other)).toBe(true);
  });

  it('is made of nothing that decoding refuses, or takes for something else', () => {
    const [table, other] = [createAttemptTable(), createAttemptTable()];
    const one = encodeAttemptsRecord(
      view('ch_1abc', START_S, { event: 'evt_1abc', fields: { card: 'fp', metadata: { a: 'b' } } }),
    );
    const text = fc.constantFrom(...'"[]{},:\\0123456789-.eEnul tf\u007fé', 'null', 'true', '[1]', '""', '01', '1e3');
    fc.assert(
      fc.property(fc.nat(one.length), fc.nat(3), text, (at, cut, put) => {
        checkPacked(one.slice(0, at) + put + one.slice(at + cut), table, other);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ['a newer schema', (text: string) => text.replace('[1,', '[2,')],
    ['a signal', (text: string) => text.replace('[1,0', '[1,1')],
    ['what lacks its end', (text: string) => text.slice(0, -1)],
    ['nothing', () => ''],
    ['an empty list', () => '[]'],
    ['two in one', (text: string) => text + text],
    ['a rule', () => encodeAttemptsRecord(rule())],
  ])('is not made of %s', (_, change) => {
    const bytes = Buffer.from(change(encodeAttemptsRecord(view('ch_1', START_S))));
    expect(packView(createAttemptTable(), cursor(), bytes, bytes.length)).toBeNull();
  });

  it('is the same from a text and from bytes, and what cannot be read is a dead letter either way', () => {
    const table = createAttemptTable();
    const values = [view('ch_1', START_S), view('ch_é', START_S), rule()].map((one) => encodeAttemptsRecord(one));
    const stored = [...values, '[1,0,7]', 'x'.repeat(5_000)].map(storedAs);
    const kinds = (withBytes: boolean) => {
      const records = stored.map((one) => (withBytes ? { ...one, bytes: Buffer.from(one.value) } : one));
      const { records: found, deadLetters } = decodeFor({ attempts: table }, records, NO_LETTERS);
      return [found.map(({ record }) => record), deadLetters.length];
    };
    expect(kinds(false)).toEqual([['packed', 'view', 'rule'], 2]);
    expect(kinds(true)).toEqual(kinds(false));
  });
});

const KINDS = ['card', 'customer', 'email', 'ip', 'account', 'metadata.ab'] as const;
const WORDS = [
  'outcome',
  'code',
  'class',
  'benign',
  'currency',
  'card',
  'brand',
  'funding',
  'country',
  'wallet',
] as const;
const MORE = ['customer', 'email', 'ip', 'method', 'amount', 'kind', 'dunning', 'livemode', 'metadata'] as const;

/** All that filters and counters may ask of it. */
function allOf(subject: Subject): object {
  const { id, time, fields, amount, currency, reason, receivedAt, variables } = subject;
  const asked = [...WORDS, ...MORE].map((name) => [name, variables[name]]);
  const entities = KINDS.map((kind) => {
    const hash: TextHash = [0, 0, 0];
    if (isOn(kind, subject)) hashEntity(hash, kind, 3, subject);
    return [kind, isOn(kind, subject), entityOf(kind, subject.fields), hash];
  });
  return { id, time, fields, amount, currency, reason, receivedAt, asked, entities };
}

/** All that evidence may ask of it as a member, what is added up first. */
function factsIn(subject: Subject): object {
  const facts = factsOf('attempt', subject);
  const tally = createTally();
  changeTally(tally, facts, 1);
  const told = [outcomesIn(tally), codesIn(tally, 3), amountsIn(tally, 3), distinctIn(tally), tally.values.rows];
  const { id, at, outcome, code, fields } = facts;
  return { told, id, at, outcome, code, fields };
}

describe('a packed subject', () => {
  it('is, to filters and counters, the attempt it is read from', () => {
    let read = 0;
    fc.assert(
      fc.property(viewArb, viewArb, (one, other) => {
        const table = createAttemptTable();
        const { amount, ...others } = one.fields;
        const money = amount === undefined ? {} : { amount: Math.trunc(amount) };
        const whole = { ...one, fields: { card: 'x', ...others, ...money } };
        const merged = mergeView(undefined, whole);
        const handle = addAttempt(table, scopeNumber(table, merged), merged);
        const subject = packedSubject(table, handle);
        expect(subject).toBeInstanceOf(PackedSubject);
        const unpacked = attemptSubject(attemptAt(table, handle));
        expect(allOf(subject as PackedSubject)).toEqual(allOf(unpacked));
        expect(factsIn(packedSubject(table, handle) as PackedSubject)).toEqual(factsIn(unpacked));
        read += 1;
        // Of several views, or none that says anything, it is not.
        const twice = { ...other, event: `${other.event}x`, fields: { ...other.fields, ip: 'z' } };
        const both = mergeView(mergeView(undefined, { ...whole, fields: { card: 'y' } }), twice);
        if (both.layers.length === 2) expect(packedSubject(table, addAttempt(table, 0, both))).toBeNull();
        const empty = mergeView(undefined, { ...one, fields: {} });
        expect(packedSubject(table, addAttempt(table, 0, empty))).toBeNull();
      }),
      { numRuns: 500 },
    );
    expect(read).toBe(500);
    expect(KINDS.filter(isPackedKind)).toEqual(['card', 'customer', 'email', 'ip']);
  });
});
