// Keeps the embedded log small: drops what is older than a topic's retention, keeps the last record of a key where a
// topic is compacted, and gives free pages back. In small transactions, so that appends go on in between.
import { TOPICS, type TopicName } from '../model/topics.ts';
import type { Database } from './database.ts';
import { commitOffset, committedOffset, endsOf, once, TOPIC_NAMES, tableOf } from './sqlite-tables.ts';

const STEP_RECORDS = 1_000;
/** Bounds one run: what is left is done by the next. */
const MAX_STEPS = 200;
const FREED_PAGES = 2_000;
/** How far a topic is compacted is kept as the offset of a group that nobody reads as. */
const COMPACTION = ':compaction';

export async function maintain(database: Database, now: number): Promise<void> {
  for (const topic of TOPIC_NAMES) {
    const { retentionMs, cleanup } = TOPICS[topic];
    if (retentionMs !== null) await dropOlder(database, topic, now - retentionMs);
    if (cleanup === 'compact') await compact(database, topic);
  }
  await database.run([once(`PRAGMA incremental_vacuum(${FREED_PAGES})`)]);
}

/** From the head up to the first record that is young enough: what is kept has no holes, whatever clocks did. */
async function dropOlder(database: Database, topic: TopicName, oldestMs: number): Promise<void> {
  const table = tableOf(topic);
  const sql = `
    WITH head AS (SELECT id, time FROM ${table} ORDER BY id LIMIT ${STEP_RECORDS})
    DELETE FROM ${table} WHERE id < coalesce((SELECT min(id) FROM head WHERE time >= ?), (SELECT max(id) + 1 FROM head))
    RETURNING id`;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const [dropped] = await database.run([{ sql, params: [[oldestMs]] }]);
    if ((dropped?.length ?? 0) < STEP_RECORDS) return;
  }
}

/** Each step takes the next records and deletes what they replace. The newest record of a key always stays. */
async function compact(database: Database, topic: TopicName): Promise<void> {
  const table = tableOf(topic);
  const { next } = await endsOf(database, topic);
  const sql = `
    DELETE FROM ${table} WHERE id IN (SELECT older.id FROM ${table} AS newer JOIN ${table} AS older
      ON older.key = newer.key AND older.id < newer.id WHERE newer.id > ?1 AND newer.id <= ?2)`;
  let from = (await committedOffset(database, COMPACTION, topic)) ?? 0;
  for (let step = 0; step < MAX_STEPS && from < next; step += 1) {
    const to = Math.min(from + STEP_RECORDS, next);
    await database.run([{ sql, params: [[from, to]] }]);
    await commitOffset(database, COMPACTION, topic, to);
    from = to;
  }
}
