// kafkajs, but for how it decodes a record (kafka-decoder.ts), which has to be put in its place before the rest of it is loaded:
// whoever needs more of kafkajs than its types has it from here.
import { createRequire } from 'node:module';
import { type DecodeRecord, decoderBeside } from './kafka-decoder.ts';

const load = createRequire(import.meta.url);
const RECORD_DECODER = load.resolve('kafkajs/src/protocol/recordBatch/record/v0/decoder');
const original = load(RECORD_DECODER) as DecodeRecord;
(load.cache[RECORD_DECODER] as NodeJS.Module).exports = decoderBeside(original);

export const { AssignerProtocol, Kafka, logLevel, Partitioners } = load('kafkajs') as typeof import('kafkajs');
