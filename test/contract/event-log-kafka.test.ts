import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { openKafkaLog } from '../../src/log/kafka.ts';
import { createClient } from '../../src/log/kafka-client.ts';
import { sharedKafka } from '../support/services.ts';
import { eventLogContract, type LogUnderTest } from './event-log.ts';

async function openLog(): Promise<LogUnderTest> {
  const { brokers } = await sharedKafka();
  const topicPrefix = `t${randomUUID().slice(0, 8)}.`;
  const open = async () => {
    const log = await openKafkaLog({ brokers, topicPrefix, clientId: 'test', logger: pino({ level: 'silent' }) });
    await log.ensureTopics();
    return log;
  };
  let now = await open();
  const admin = createClient({ brokers, clientId: 'test', logger: pino({ level: 'silent' }) }, 10_000).admin();
  await admin.connect();
  return {
    log: now,
    reopen: async () => {
      await now.close();
      now = await open();
      return now;
    },
    expire: async (name, partition, offset) => {
      const topic = `${topicPrefix}${name}`;
      // Deleting needs to know the topic's leaders, and does not ask for them itself.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    },
    childArgs: ['kafka', brokers.join(','), topicPrefix],
    remove: async () => {
      await now.close();
      const mine = (await admin.listTopics()).filter((topic) => topic.startsWith(topicPrefix));
      await admin.deleteTopics({ topics: mine });
      await admin.disconnect();
    },
  };
}

eventLogContract('kafka', openLog);
