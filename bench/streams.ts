// Streams of attempts from a seed: the same records for this program and for any other engine it is compared with. A library,
// and a command that writes one to a file (JSON Lines) or to a topic of Kafka.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { encodeAttemptsRecord } from '../src/attempts/wire.ts';
import { Kafka, logLevel } from '../src/log/kafkajs.ts';
import type { View } from '../src/model/attempt.ts';
import { seededRandom } from '../src/simulate/random.ts';

export type StreamOptions = {
  readonly seed: number;
  /** Records, repeated ones included. */
  readonly count: number;
  /** Share of the attempts that are declined, 0 to 1. */
  readonly declined: number;
  /** All attempts on one customer and one e-mail; cards stay spread. */
  readonly hot: boolean;
  /** Records in a second of the stream's own time. */
  readonly ratePerS: number;
  /** Milliseconds: when the first one was received. */
  readonly startMs: number;
};

export const STREAM: StreamOptions = {
  seed: 1,
  count: 400_000,
  declined: 0.1,
  hot: false,
  ratePerS: 20,
  startMs: 1_800_000_000_000,
};

/** Seconds of a stream's own time, however long it is: so a stream of any length has as few keys that breach by chance. */
export const STREAM_SPAN_S = 20_000;

/** Every so many keys of each kind for an attempt, where keys are spread. */
const KEYS_PER_ATTEMPT = 0.6;
const SHARE_LATE = 0.1;
const LATEST_S = 30;
const SHARE_REPEATED = 0.02;
const REPEATED_WITHIN = 500;

/** Views as ingest makes them: one for an attempt, some late, some delivered again a little later. */
export function* attemptStream(options: StreamOptions): Generator<View> {
  const { seed, count, ratePerS, startMs } = options;
  const random = seededRandom(seed);
  const recent: View[] = [];
  for (let index = 0, made = 0; index < count; index++) {
    const receivedAt = startMs + Math.floor((index * 1_000) / ratePerS);
    const before = recent.length > 0 && random.next() < SHARE_REPEATED;
    if (before) {
      yield { ...random.pick(recent as [View, ...View[]]), receivedAt };
      continue;
    }
    const view = attempt({ ...options, index: made++, receivedAt }, random);
    if (recent.length < REPEATED_WITHIN) recent.push(view);
    else recent[made % REPEATED_WITHIN] = view;
    yield view;
  }
}

/** The same as the values of `attempts` in the log (src/attempts/wire.ts). */
export function* recordStream(options: StreamOptions): Generator<string> {
  for (const view of attemptStream(options)) yield encodeAttemptsRecord(view);
}

type Place = StreamOptions & { readonly index: number; readonly receivedAt: number };

function attempt(place: Place, random: ReturnType<typeof seededRandom>): View {
  const { count, declined, hot, index, receivedAt, seed } = place;
  const keys = Math.max(1, Math.floor(count * KEYS_PER_ATTEMPT));
  const lateS = random.next() < SHARE_LATE ? random.between(1, LATEST_S) : 0;
  const time = Math.floor(receivedAt / 1_000) - lateS;
  const isDeclined = random.next() < declined;
  const id = idOf(seed, index);
  return {
    record: 'view',
    account: null,
    livemode: true,
    attempt: `ch_${id}`,
    source: 'charge',
    created: time,
    apiVersion: '2026-10-28.endive',
    event: `evt_${id}`,
    kind: 'payment',
    time,
    invoice: false,
    firstPayment: false,
    receivedAt,
    lane: 'live',
    fields: {
      result: isDeclined
        ? { outcome: 'declined', code: 'insufficient_funds', class: 'G' }
        : { outcome: 'succeeded', code: '', class: '' },
      amount: random.between(100, 9_999),
      currency: 'usd',
      card: `fp${idOf(seed + 1, random.between(1, keys))}`,
      brand: 'visa',
      last4: '4242',
      funding: 'credit',
      country: 'US',
      customer: hot ? 'cus_hot' : `cus_${idOf(seed + 2, random.between(1, keys))}`,
      email: hot ? 'hot@example.com' : `payer${random.between(1, keys)}@example.com`,
    },
  };
}

/** Thirteen characters, different for every index of a seed, spread as Stripe's are. */
function idOf(seed: number, index: number): string {
  const high = mixed(index + Math.imul(seed, 0x9e3779b9));
  return (high.toString(36) + index.toString(36).padStart(6, '0')).padStart(13, '0');
}

function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Resolves with the bytes written. */
export async function writeLines(file: string, lines: Iterable<string>): Promise<number> {
  const out = createWriteStream(file);
  let bytes = 0;
  let waiting = '';
  const flush = async (): Promise<void> => {
    bytes += Buffer.byteLength(waiting);
    if (!out.write(waiting)) await once(out, 'drain');
    waiting = '';
  };
  for (const line of lines) {
    waiting += `${line}\n`;
    if (waiting.length > 1_000_000) await flush();
  }
  await flush();
  out.end();
  await once(out, 'close');
  return bytes;
}

export type TopicTarget = { readonly brokers: readonly string[]; readonly topic: string; readonly partition: number };

const PRODUCED_AT_ONCE = 2_000;

/** To one partition, in order. The topic must exist. Resolves with the number of records. */
export async function writeTopic({ brokers, topic, partition }: TopicTarget, lines: Iterable<string>): Promise<number> {
  const kafka = new Kafka({ clientId: 'declinewatch-bench', brokers: [...brokers], logLevel: logLevel.ERROR });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  let count = 0;
  let messages: { key: string; value: string; partition: number }[] = [];
  const flush = async (): Promise<void> => {
    if (messages.length > 0) await producer.send({ topic, messages, acks: -1 });
    count += messages.length;
    messages = [];
  };
  for (const value of lines)
    if (messages.push({ key: 'self/live', value, partition }) >= PRODUCED_AT_ONCE) await flush();
  await flush();
  await producer.disconnect();
  return count;
}

const HELP = `usage: node bench/streams.ts --file FILE | --brokers HOST:PORT,… --topic NAME [--partition 0]
       [--seed 1] [--count 400000] [--declined 0.1] [--hot] [--rate 100] [--start MS]
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      file: { type: 'string' },
      brokers: { type: 'string' },
      topic: { type: 'string' },
      partition: { type: 'string', default: '0' },
      seed: { type: 'string', default: String(STREAM.seed) },
      count: { type: 'string', default: String(STREAM.count) },
      declined: { type: 'string', default: String(STREAM.declined) },
      hot: { type: 'boolean', default: STREAM.hot },
      rate: { type: 'string', default: String(STREAM.ratePerS) },
      start: { type: 'string', default: String(STREAM.startMs) },
    },
  });
  const { file, brokers, topic, partition, hot } = values;
  const [seed = 0, count = 0, declined = 0, ratePerS = 0, startMs = 0] = [
    values.seed,
    values.count,
    values.declined,
    values.rate,
    values.start,
  ].map(Number);
  const lines = recordStream({ seed, count, declined, hot, ratePerS, startMs });
  if (file !== undefined) await writeLines(file, lines);
  else if (brokers !== undefined && topic !== undefined)
    await writeTopic({ brokers: brokers.split(','), topic, partition: Number(partition) }, lines);
  else {
    process.stderr.write(HELP);
    return 2;
  }
  return 0;
}

if (import.meta.main) process.exitCode = await main();
