// A record as Kafka's client gives it: its texts are made when they are asked for.
import type { KafkaMessage } from 'kafkajs';
import type { StoredRecord } from './event-log.ts';

const NOTHING = Buffer.alloc(0);

export class KafkaRecord implements StoredRecord {
  readonly partition: number;
  readonly offset: number;
  readonly bytes: Buffer;
  readonly #message: KafkaMessage;
  #value: string | null = null;

  constructor(partition: number, message: KafkaMessage) {
    this.partition = partition;
    this.offset = Number(message.offset);
    this.bytes = message.value ?? NOTHING;
    this.#message = message;
  }

  get key(): string | null {
    return this.#message.key?.toString() ?? null;
  }
  get value(): string {
    this.#value ??= this.bytes.toString();
    return this.#value;
  }
  get timeMs(): number {
    return Number(this.#message.timestamp);
  }
}
