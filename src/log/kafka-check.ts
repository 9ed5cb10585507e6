// What `doctor` asks Kafka: does each broker answer and is its certificate good, is the log-in accepted, can the brokers that
// the cluster names be reached from here, is each topic as it must be. It changes nothing.
import type { Admin, ITopicMetadata } from 'kafkajs';

import { TOPICS, type Topic, type TopicName } from '../model/topics.ts';
import { createClient, type KafkaConnection, kafkaError, withDeadline } from './kafka-client.ts';
import { marksOfReaders, STRANGERS_HELP } from './kafka-readers.ts';
import { type Probe, probePort } from './port-probe.ts';

export type KafkaCheck = {
  /** A broker's address, `KAFKA_BROKERS`, a topic's name. */
  readonly name: string;
  /** What is wrong and the cure; null: fine. */
  readonly problem: string | null;
  /** What was found; '' if nothing. */
  readonly found: string;
};

export type KafkaCheckOptions = {
  readonly connection: KafkaConnection;
  readonly topicPrefix: string;
  /** Of this installation; null: it has none yet. */
  readonly mark: string | null;
};

const ASK_MS = 10_000;
const TOPIC_CONFIG = 2;

/** Never rejects. Brokers that cannot be reached, or a refused log-in, end it early. */
export async function checkKafka({ connection, topicPrefix, mark }: KafkaCheckOptions): Promise<readonly KafkaCheck[]> {
  const { tls = null } = connection;
  const probes = await Promise.all(connection.brokers.map(async (broker) => await probePort(broker, tls)));
  const lines = probes.map((probe) => brokerLine(probe, tls !== null));
  if (probes.every(({ problem }) => problem !== null)) return lines;
  const admin = createClient(connection, ASK_MS).admin();
  try {
    const cluster = await withDeadline('Kafka cannot be asked', ASK_MS, async () => {
      await admin.connect();
      return await admin.describeCluster();
    });
    const named = cluster.brokers.map(({ host, port }) =>
      host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    );
    const others = named.filter((address) => !connection.brokers.includes(address));
    const reached = await Promise.all(others.map(async (address) => await probePort(address, tls)));
    lines.push(clusterLine(connection, named, reached));
    lines.push(...(await topicLines(admin, topicPrefix, named.length)));
    lines.push(await readersLine(admin, topicPrefix, mark));
  } catch (error) {
    lines.push(accessLine(connection, error));
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
  return lines;
}

const fine = (name: string, found: string): KafkaCheck => ({ name, problem: null, found });
const wrong = (name: string, problem: string): KafkaCheck => ({ name, problem, found: '' });

const brokerLine = ({ address, problem, found }: Probe, isTls: boolean): KafkaCheck =>
  problem === null
    ? fine(address, found)
    : wrong(
        address,
        isTls && problem.kind === 'no_tls'
          ? `${problem.message} Set KAFKA_TLS=false, or name the listener that speaks TLS.`
          : `${problem.message} ${problem.cure ?? CURES[problem.kind]}`,
      );

const CURES: Readonly<Record<NonNullable<Probe['problem']>['kind'], string>> = {
  no_host: 'Correct the host in KAFKA_BROKERS.',
  refused: 'Start that broker, or correct the port in KAFKA_BROKERS.',
  no_answer: 'Open the way to it (firewall, network), or correct KAFKA_BROKERS.',
  untrusted: 'Set KAFKA_TLS_CA_FILE to the certificate of the authority that signed it.',
  wrong_name: 'Use the host name that stands in its certificate in KAFKA_BROKERS.',
  expired: 'Renew the certificate of the broker.',
  no_tls: 'Set KAFKA_TLS=false, or name the listener that speaks TLS.',
  failed: 'Check that a Kafka broker listens there.',
};

function clusterLine({ brokers, sasl = null }: KafkaConnection, named: readonly string[], others: readonly Probe[]) {
  const name = 'KAFKA_BROKERS';
  const lost = others.filter(({ problem }) => problem !== null).map(({ address }) => address);
  if (lost.length > 0)
    return wrong(
      name,
      `The cluster says that its brokers are at ${lost.join(', ')}, which cannot be reached from here. Correct advertised.listeners of Kafka.`,
    );
  const login = sasl === null ? 'no log-in' : `log-in ${sasl.mechanism} accepted`;
  const away = brokers.filter(
    (address) => !named.includes(address) && others.length === 0 && named.length < brokers.length,
  );
  const rest = away.length === 0 ? '' : `; not in the cluster now: ${away.join(', ')}`;
  return fine(name, `${named.length} broker(s) in the cluster, ${login}${rest}`);
}

function accessLine({ tls = null, sasl = null }: KafkaConnection, error: unknown): KafkaCheck {
  const { message, help } = kafkaError('Kafka cannot be asked', error);
  const isRefused = message.includes('refuses access');
  if (isRefused || sasl !== null) return wrong('KAFKA_SASL_MECHANISM', `${message} ${help}`.trim());
  const hint =
    tls === null
      ? 'The port is open and does not speak plain Kafka: if that listener speaks TLS, set KAFKA_TLS=true; if it asks for a log-in, set KAFKA_SASL_MECHANISM.'
      : 'If that listener asks for a log-in, set KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.';
  return wrong('KAFKA_BROKERS', `${message} ${hint}`);
}

async function topicLines(admin: Admin, prefix: string, brokers: number): Promise<readonly KafkaCheck[]> {
  const ask = async <T>(question: () => Promise<T>): Promise<T> =>
    await withDeadline('Topics cannot be looked at', ASK_MS, question);
  try {
    const there = new Set(await ask(async () => await admin.listTopics()));
    const all = Object.values(TOPICS);
    const names = all.map(({ name }) => `${prefix}${name}`).filter((name) => there.has(name));
    if (names.length === 0) return [fine('topics', `none begins with "${prefix}" yet; start makes them`)];
    const { topics } = await ask(async () => await admin.fetchTopicMetadata({ topics: names }));
    const settings = await ask(async () => await settingsOf(admin, names));
    return all.map((topic) => {
      const name = `${prefix}${topic.name}`;
      const metadata = topics.find((one) => one.name === name);
      if (metadata === undefined) return fine(name, 'not there yet; start makes it');
      return topicLine(name, { topic, metadata, settings: settings.get(name) ?? null, brokers });
    });
  } catch (error) {
    const { message, help } = kafkaError('Topics cannot be looked at', error);
    return [wrong('topics', `${message} ${help}`.trim())];
  }
}

async function readersLine(admin: Admin, prefix: string, own: string | null): Promise<KafkaCheck> {
  const name = 'replicas';
  let marks: readonly string[];
  try {
    const ask = async (): Promise<readonly string[]> => await marksOfReaders(admin, prefix);
    marks = await withDeadline('Groups cannot be looked at', ASK_MS, ask);
  } catch (error) {
    const { message, help } = kafkaError('Groups cannot be looked at', error);
    // A user that may read a group need not be allowed to list all.
    return message.includes('refuses access')
      ? fine(name, 'not looked at: this user may not list the groups')
      : wrong(name, `${message} ${help}`.trim());
  }
  if (marks.length === 0) return fine(name, `none reads "${prefix}" now`);
  const strangers = marks.filter((mark) => mark !== (own ?? marks[0]));
  return strangers.length === 0
    ? fine(name, 'all that read now are of this installation')
    : wrong(
        name,
        `Processes with another key of the masks read "${prefix}" (${[own, ...strangers].filter(Boolean).join(', ')}). ${STRANGERS_HELP}`,
      );
}

type Settings = ReadonlyMap<string, string>;

/** Empty for a user that may not ask for settings. */
async function settingsOf(admin: Admin, names: readonly string[]): Promise<ReadonlyMap<string, Settings>> {
  const resources = names.map((name) => ({ type: TOPIC_CONFIG, name, configNames: [...SETTINGS] }));
  try {
    const { resources: found } = await admin.describeConfigs({ includeSynonyms: false, resources });
    return new Map(
      found.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    );
  } catch (error) {
    if (kafkaError('', error).message.includes('refuses access')) return new Map();
    throw error;
  }
}

const SETTINGS = ['retention.ms', 'cleanup.policy', 'min.insync.replicas'] as const;

type Found = {
  readonly topic: Topic;
  readonly metadata: ITopicMetadata;
  /** null: this user may not ask. */
  readonly settings: Settings | null;
  readonly brokers: number;
};

function topicLine(name: string, { topic, metadata, settings, brokers }: Found): KafkaCheck {
  const { partitions } = metadata;
  if (partitions.length !== topic.partitions)
    return wrong(
      name,
      `It has ${partitions.length} partitions, not ${topic.partitions}. Set TOPIC_PREFIX to begin with new topics, or make it anew.`,
    );
  const leaderless = partitions.filter(({ leader }) => leader < 0);
  if (leaderless.length > 0)
    return wrong(
      name,
      `${leaderless.length} of ${partitions.length} partitions have no leader. Start the broker that has them.`,
    );
  const setting = settings === null ? null : settingProblem(topic, settings);
  if (setting !== null) return wrong(name, setting);
  const behind = partitions.filter(({ isr, replicas }) => isr.length < replicas.length);
  if (behind.length > 0)
    return wrong(
      name,
      `${behind.length} of ${partitions.length} partitions lack a replica. Look at the brokers: one is away or behind.`,
    );
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
  const kept = topic.retentionMs === null ? 'kept for ever' : `kept ${topic.retentionMs / DAY_MS} days`;
  const copies =
    replicas < 3 && brokers >= 3
      ? `${replicas} replica(s) though there are ${brokers} brokers`
      : `${replicas} replica(s)`;
  return fine(name, `${partitions.length} partition(s), ${copies}${settings === null ? '' : `, ${kept}`}`);
}

const DAY_MS = 86_400_000;

/** Shorter loses what is still needed, longer keeps personal data beyond what was promised. */
function settingProblem({ name, retentionMs, cleanup }: Topic, settings: Settings): string | null {
  const policy = settings.get('cleanup.policy');
  if (policy !== undefined && policy !== cleanup)
    return `Its cleanup.policy is ${policy}, not ${cleanup}. ${alter(name, `cleanup.policy=${cleanup}`)}`;
  const kept = Number(settings.get('retention.ms') ?? Number.NaN);
  const wanted = retentionMs ?? -1;
  if (cleanup === 'compact' || Number.isNaN(kept) || kept === wanted) return null;
  const days = kept === -1 ? 'for ever' : `${Math.round((kept / DAY_MS) * 10) / 10} days`;
  const must = retentionMs === null ? 'for ever' : `${retentionMs / DAY_MS} days`;
  return `It keeps records ${days}, not ${must}. ${alter(name, `retention.ms=${wanted}`)}`;
}

const alter = (name: TopicName, setting: string): string =>
  `Set it with kafka-configs.sh --alter --topic …${name} --add-config ${setting}.`;
