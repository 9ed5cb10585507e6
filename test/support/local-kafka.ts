// One Kafka in KRaft mode from its jars: formats a folder, and says how to start it.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Tests start it for a minute on two cores: what makes Java fast in the long run only takes them from the tests. */
const QUICK_START = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

export type LocalKafka = {
  readonly jars: string;
  readonly folder: string;
  readonly port: number;
  readonly controllerPort: number;
  /** Properties in place of those of a plain listener, and arguments of the format, for users. */
  readonly secure?: { readonly properties: Readonly<Record<string, string>>; readonly format: readonly string[] };
};

export async function formatKafka({ jars, folder, port, controllerPort, secure }: LocalKafka): Promise<void> {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    // A broker that was killed may register again only when its old session has ended.
    'broker.session.timeout.ms': '1500',
    'broker.heartbeat.interval.ms': '300',
    // Retention is looked at often enough for a test to see it.
    'log.retention.check.interval.ms': '500',
    'log.segment.delete.delay.ms': '100',
    ...secure?.properties,
  };
  const file = join(folder, 'server.properties');
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  writeFileSync(
    join(folder, 'log4j2.properties'),
    'rootLogger.level=warn\nrootLogger.appenderRef.out.ref=out\nappender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\n',
  );
  // One that begins with a dash is an option to the tool: any letter in its place is as good.
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A');
  const tool = [
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    file,
    '--standalone',
    ...(secure?.format ?? []),
  ];
  await run('java', [...QUICK_START, '-Xmx128m', '-cp', join(jars, '*'), ...tool]);
}

export const kafkaArgs = (jars: string, folder: string): string[] => [
  ...QUICK_START,
  '-Xmx512m',
  '-cp',
  join(jars, '*'),
  `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`,
  'kafka.Kafka',
  join(folder, 'server.properties'),
];
