// A Kafka that asks for TLS and a log-in, and a Redis that asks for TLS and a user with the least rights, with certificates
// of an authority made for the test. Needs openssl, Java 17 and Maven (Redis: redis-server or Maven).
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatKafka, kafkaArgs } from './local-kafka.ts';
import { type Service, startProcess } from './local-process.ts';
import { kafkaJars, redisProgram } from './local-programs.ts';
import { freePort, freePorts } from './ports.ts';

const run = promisify(execFile);
const START_TIMEOUT_MS = 90_000;

export type Authority = {
  /** PEM, to be trusted. */
  readonly certificate: string;
  /** Key and certificate files of 127.0.0.1 and localhost. `days` below 0: it has expired. */
  issue(name: string, options?: { readonly host?: string; readonly days?: number }): Promise<Issued>;
  remove(): void;
};

export type Issued = { readonly keyFile: string; readonly certificateFile: string; readonly authorityFile: string };

export async function createAuthority(): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-authority-'));
  const openssl = async (...args: string[]): Promise<void> => {
    try {
      await run('openssl', args, { cwd: folder });
    } catch (cause) {
      throw new Error('These tests need openssl.', { cause });
    }
  };
  const newKey = ['-newkey', 'rsa:2048', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '30',
    '-subj',
    '/CN=test authority',
  );
  return {
    certificate: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    issue: async (name, { host = '127.0.0.1', days = 30 } = {}) => {
      const names = host === '127.0.0.1' ? 'IP:127.0.0.1,DNS:localhost' : `DNS:${host}`;
      writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${names}\n`);
      await openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${host}`);
      if (days < 0) await expired(openssl, { folder, name });
      else
        await openssl(
          ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
          ...['-days', String(days), '-extfile', `${name}.ext`, '-out', `${name}.pem`],
        );
      return {
        keyFile: join(folder, `${name}.key`),
        certificateFile: join(folder, `${name}.pem`),
        authorityFile: join(folder, 'ca.pem'),
      };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** `openssl x509` cannot date back in every version; `openssl ca` can. */
async function expired(
  openssl: (...args: string[]) => Promise<void>,
  { folder, name }: { readonly folder: string; readonly name: string },
): Promise<void> {
  writeFileSync(join(folder, 'index.txt'), '');
  writeFileSync(join(folder, 'serial'), '1000\n');
  writeFileSync(
    join(folder, 'ca.cnf'),
    [
      '[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any',
      'certificate=ca.pem\nprivate_key=ca.key\nunique_subject=no\n[any]\ncommonName=supplied\n',
    ].join('\n'),
  );
  await openssl(
    ...['ca', '-batch', '-config', 'ca.cnf', '-in', `${name}.csr`, '-out', `${name}.pem`, '-notext'],
    ...['-startdate', '20200101000000Z', '-enddate', '20200102000000Z', '-extfile', `${name}.ext`],
  );
}

export const KAFKA_USER = { username: 'declinewatch', password: 'kafka-password-of-the-test' } as const;
const REDIS_USER = { username: 'declinewatch', password: 'redis-password-of-the-test' } as const;

export type SecureKafka = Service & { readonly brokers: readonly string[] };
export type SecureRedis = Service & {
  readonly port: number;
  url(user?: { readonly username: string; readonly password: string }): string;
};

/** Listens with TLS only, and asks for SASL PLAIN or SCRAM-SHA-512. */
export async function startSecureKafka({ keyFile, certificateFile, authorityFile }: Issued): Promise<SecureKafka> {
  const jars = await kafkaJars();
  if (jars === null) throw new Error('These tests need Java 17 and Maven.');
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-secure-kafka-'));
  const [port = 0, controllerPort = 0] = await freePorts(2);
  const keyStore = join(folder, 'broker.pem');
  writeFileSync(keyStore, `${readFileSync(keyFile, 'utf8')}\n${readFileSync(certificateFile, 'utf8')}`);
  const { username, password } = KAFKA_USER;
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required username="broker" password="broker" user_broker="broker" user_${username}="${password}";`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  await formatKafka({
    jars,
    folder,
    port,
    controllerPort,
    secure: {
      properties: {
        listeners: `SASL_SSL://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
        'advertised.listeners': `SASL_SSL://127.0.0.1:${port}`,
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
        'inter.broker.listener.name': 'SASL_SSL',
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': keyStore,
        // The broker speaks to itself over it too.
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': authorityFile,
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
        'sasl.mechanism.inter.broker.protocol': 'PLAIN',
        'listener.name.sasl_ssl.plain.sasl.jaas.config': plain,
        'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': scram,
      },
      format: ['--add-scram', `SCRAM-SHA-512=[name=${username},password=${password}]`],
    },
  });
  const args = kafkaArgs(jars, folder);
  const service = await startProcess({
    what: 'Kafka',
    command: 'java',
    args,
    folder,
    port,
    timeoutMs: START_TIMEOUT_MS,
  });
  return { brokers: [`127.0.0.1:${port}`], ...service };
}

/** What docs/operations.md says that the user needs, for keys with this prefix. */
export const redisRights = (prefix: string): string =>
  `~{${prefix}attempts-* resetchannels -@all +ping +info +time +multi +exec +discard +function|load +fcall +hmget +hlen +hscan +hset +hdel +zadd +zrange +zrem +rpush +lrange +exists +unlink +pexpire`;

/** Listens with TLS only; nobody but the user gets in. */
export async function startSecureRedis({ keyFile, certificateFile }: Issued, rights: string): Promise<SecureRedis> {
  const command = await redisProgram();
  if (command === null) throw new Error('These tests need redis-server, or Maven.');
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-secure-redis-'));
  const port = await freePort();
  const file = join(folder, 'redis.conf');
  const lines = ['port 0', `tls-port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, 'save ""'];
  lines.push(`tls-cert-file ${certificateFile}`, `tls-key-file ${keyFile}`, 'tls-auth-clients no');
  writeFileSync(file, `${lines.join('\n')}\n`);
  appendFileSync(file, `user default off\nuser ${REDIS_USER.username} on >${REDIS_USER.password} ${rights}\n`);
  appendFileSync(file, 'user weak on >weak-password-of-the-test ~other:* -@all +ping +info +multi +discard\n');
  const service = await startProcess({
    what: 'Redis',
    command,
    args: [file],
    folder,
    port,
    timeoutMs: START_TIMEOUT_MS,
  });
  return {
    ...service,
    port,
    url: ({ username, password } = REDIS_USER) => `rediss://${username}:${password}@127.0.0.1:${port}/0`,
  };
}
