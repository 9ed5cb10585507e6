// A record as this program decodes it is the one that kafkajs decodes, and it is this program that does.
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  type BatchContext,
  type DecodeRecord,
  decoderBeside,
  type RecordBytes,
} from '../../../src/log/kafka-decoder.ts';
import { Kafka } from '../../../src/log/kafkajs.ts';

const load = createRequire(import.meta.url);
const AT = 'kafkajs/src/protocol/recordBatch/record/v0';

type Encoder = { readonly buffer: Buffer };
type Bytes = new (buffer: Buffer) => RecordBytes & { readVarIntBytes(): Buffer };
const Decoder = load('kafkajs/src/protocol/decoder') as Bytes;
const encode = load(AT) as (record: object) => Encoder;

/** kafkajs's own, loaded anew. */
function original(): DecodeRecord {
  const path = load.resolve(`${AT}/decoder`);
  const inUse = load.cache[path];
  delete load.cache[path];
  const decode = load(path) as DecodeRecord;
  load.cache[path] = inUse;
  return decode;
}

const bodyOf = (record: object): RecordBytes => new Decoder(new Decoder(encode(record).buffer).readVarIntBytes());

const context = (changes: Partial<BatchContext> = {}): BatchContext => ({
  firstOffset: '7',
  firstTimestamp: '1790000000000',
  magicByte: 2,
  isControlBatch: false,
  timestampType: 0,
  ...changes,
});

const bytesArb = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
const recordArb = fc.record({
  offsetDelta: fc.oneof(fc.nat(200), fc.nat(2 ** 30)),
  timestampDelta: fc.oneof(fc.integer({ min: -200, max: 200 }), fc.integer({ min: -1e14, max: 1e14 })),
  key: bytesArb,
  value: bytesArb,
  headers: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.dictionary(
      fc.string(),
      bytesArb.map((bytes) => bytes ?? Buffer.alloc(0)),
      { maxKeys: 3 },
    ),
  ),
});

const NAMES = ['magicByte', 'attributes', 'timestamp', 'offset', 'key', 'value', 'isControlRecord', 'batchContext'];
const read = (record: object): unknown[] => NAMES.map((name) => (record as Record<string, unknown>)[name]);

describe('a record of Kafka', () => {
  it('is decoded as kafkajs decodes it, and what follows it stays to be read', () => {
    const theirs = original();
    const ours = decoderBeside(theirs);
    const contexts = [context(), context({ firstOffset: '9007199254740', firstTimestamp: '-1' })];
    fc.assert(
      fc.property(recordArb, fc.constantFrom(...contexts), (record, of) => {
        const [mine, other] = [bodyOf(record), bodyOf(record)];
        const [found, wanted] = [ours(mine, of), theirs(other, of)];
        expect(read(found)).toEqual(read(wanted));
        expect({ ...found.headers }).toEqual({ ...wanted.headers });
        expect(mine.offset).toBe(other.offset);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['a broker’s time', context({ timestampType: 1 }), {}],
    ['a control batch', context({ isControlBatch: true }), {}],
    ['headers', context(), { by: Buffer.from('x') }],
  ])('is left to kafkajs with %s', (_, of, headers) => {
    const theirs = vi.fn(original());
    const record = { offsetDelta: 3, timestampDelta: 5, key: null, value: Buffer.from('x'), headers };
    expect(read(decoderBeside(theirs)(bodyOf(record), of))).toEqual(read(original()(bodyOf(record), of)));
    expect(theirs).toHaveBeenCalledOnce();
  });

  it('is decoded here by every client', () => {
    expect(Kafka).toBe((load('kafkajs') as { Kafka: unknown }).Kafka);
    const plain = { offsetDelta: 1, timestampDelta: 1, key: null, value: null };
    const inUse = load(`${AT}/decoder`) as DecodeRecord;
    expect(inUse(bodyOf(plain), context()).constructor.name).toBe('PlainRecord');
  });
});
