// Decodes one record of a batch from Kafka. kafkajs makes six BigInts and two texts of each record's offset and time, and a
// buffer of its key: as much work, and more garbage, than all else of reading it. Here offset and time are numbers, and what
// nobody asks for is not made.

/** kafkajs's own: where it stands in the bytes of one record. */
export type RecordBytes = { readonly buffer: Buffer; offset: number };

/** What the records of a batch have in common; 64-bit numbers as texts. */
export type BatchContext = {
  readonly firstOffset: string;
  readonly firstTimestamp: string;
  readonly magicByte: number;
  readonly isControlBatch: boolean;
  readonly timestampType: number;
};

/** As kafkajs knows a record from here on. */
export type DecodedRecord = {
  readonly magicByte: number;
  readonly attributes: number;
  /** Milliseconds. */
  readonly timestamp: string;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: object;
  readonly isControlRecord: boolean;
  readonly batchContext: BatchContext;
};

export type DecodeRecord = (from: RecordBytes, context: BatchContext) => DecodedRecord;

/** The time of a record is its producer's, not its broker's. */
const CREATE_TIME = 0;

/** Beside kafkajs's own, which gets what is not plain: records with headers, of control batches, or with a broker's time. */
export function decoderBeside(original: DecodeRecord): DecodeRecord {
  // Of the batch that is being decoded.
  let context: BatchContext | null = null;
  let isPlain = false;
  let firstOffset = 0;
  let firstTimeMs = 0;
  return (from, of) => {
    if (of !== context) {
      context = of;
      isPlain = !of.isControlBatch && of.timestampType === CREATE_TIME;
      firstOffset = Number(of.firstOffset);
      firstTimeMs = Number(of.firstTimestamp);
    }
    return (isPlain ? plainRecord(from, of, { firstOffset, firstTimeMs }) : null) ?? original(from, of);
  };
}

type First = { readonly firstOffset: number; readonly firstTimeMs: number };

/** null: it has headers, and was not read. */
function plainRecord(from: RecordBytes, context: BatchContext, first: First): PlainRecord | null {
  const start = from.offset;
  const record = new PlainRecord(from, context, first);
  if (readVarint(from) <= 0) return record;
  from.offset = start;
  return null;
}

/** Zigzag, the least seven bits first; exact up to 2^52 either way. */
function readVarint(from: RecordBytes): number {
  const { buffer } = from;
  let byte = buffer[from.offset++] as number;
  let value = byte & 0x7f;
  for (let scale = 128; byte >= 0x80; scale *= 128) {
    byte = buffer[from.offset++] as number;
    value += (byte & 0x7f) * scale;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

const NO_HEADERS = Object.freeze({});

class PlainRecord implements DecodedRecord {
  readonly headers = NO_HEADERS;
  readonly isControlRecord = false;
  readonly attributes: number;
  readonly batchContext: BatchContext;
  readonly #offset: number;
  readonly #timeMs: number;
  readonly #bytes: Buffer;
  /** Where key and value begin, and how long they are; -1: there is none. */
  readonly #key: number;
  readonly #keyLength: number;
  readonly #value: number;
  readonly #valueLength: number;

  /** Reads up to the headers. */
  constructor(from: RecordBytes, context: BatchContext, { firstOffset, firstTimeMs }: First) {
    this.batchContext = context;
    this.#bytes = from.buffer;
    this.attributes = from.buffer.readInt8(from.offset);
    from.offset += 1;
    this.#timeMs = firstTimeMs + readVarint(from);
    this.#offset = firstOffset + readVarint(from);
    this.#keyLength = readVarint(from);
    this.#key = from.offset;
    from.offset += Math.max(0, this.#keyLength);
    this.#valueLength = readVarint(from);
    this.#value = from.offset;
    from.offset += Math.max(0, this.#valueLength);
  }

  get magicByte(): number {
    return this.batchContext.magicByte;
  }
  get timestamp(): string {
    return String(this.#timeMs);
  }
  get offset(): string {
    return String(this.#offset);
  }
  get key(): Buffer | null {
    return this.#keyLength < 0 ? null : this.#bytes.subarray(this.#key, this.#key + this.#keyLength);
  }
  get value(): Buffer | null {
    return this.#valueLength < 0 ? null : this.#bytes.subarray(this.#value, this.#value + this.#valueLength);
  }
}
