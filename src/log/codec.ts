// Records as JSON text with the topic's schema version in front. One place knows that; attempts have a compact form of
// their own (src/attempts/wire.ts).
import { AppError } from '../model/errors.ts';
import { TOPICS, type TopicName } from '../model/topics.ts';

export function encode(topic: TopicName, value: object): string {
  return JSON.stringify({ v: TOPICS[topic].schema, ...value });
}

/** Throws `newer_schema` for a record of a later program, `bad_record` for one that is no JSON object. */
export function decode<T>(topic: TopicName, text: string): T {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new AppError('bad_record', `A record of ${topic} is not JSON.`, { cause });
  }
  if (parsed === null || typeof parsed !== 'object')
    throw new AppError('bad_record', `A record of ${topic} is no object.`);
  const { v, ...value } = parsed as { v?: unknown };
  checkSchema(topic, v);
  return value as T;
}

function checkSchema(topic: TopicName, version: unknown): void {
  const known = TOPICS[topic].schema;
  if (typeof version === 'number' && version >= 1 && version <= known) return;
  if (typeof version === 'number' && version > known) {
    throw new AppError('newer_schema', `${topic} holds a record of schema ${version}; this program knows ${known}.`, {
      help: 'A newer declinewatch has written to this log: run that version or a later one.',
    });
  }
  throw new AppError('bad_record', `A record of ${topic} has no schema version.`);
}
