// The whole program in the test's own process, embedded in a folder that goes with it: what a test must reach into (the log,
// the clock) and cannot from outside.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage } from '../../src/app/storage.ts';
import { type App, startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { EventLog, StoredRecord } from '../../src/log/event-log.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import type { TopicName } from '../../src/model/topics.ts';
import { send } from './stripe-sender.ts';

const EMBEDDED_SECRET = 'whsec_of_an_embedded_test';

export type EmbeddedOptions = {
  /** detectors.yaml. */
  readonly detectors: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
};

export type Embedded = {
  readonly app: App;
  readonly log: EventLog;
  readonly folder: string;
  /** Posts a signed event; resolves with the status. `signedAtMs`: when it claims to be signed. */
  post(event: unknown, signedAtMs?: number): Promise<number>;
  /** The parsed answer of the API. */
  get(path: string): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }>;
  ask(
    path: string,
    body: object,
  ): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }>;
  /** Everything that a topic holds. */
  records(topic: TopicName): Promise<readonly StoredRecord[]>;
  close(): Promise<void>;
};

export async function startEmbedded({ detectors, env = {}, clock = systemClock }: EmbeddedOptions): Promise<Embedded> {
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-embedded-'));
  const file = join(folder, 'detectors.yaml');
  writeFileSync(file, detectors);
  const config = loadConfig({
    DECLINEWATCH_DATA: join(folder, 'data'),
    DECLINEWATCH_DETECTORS: file,
    STRIPE_WEBHOOK_SECRET: EMBEDDED_SECRET,
    PORT: '0',
    ADMIN_PORT: '0',
    LOG_LEVEL: 'error',
    ...env,
  });
  const opened: EventLog[] = [];
  const app = await startApp(config, {
    roles: ['ingest', 'detect', 'respond'],
    demo: false,
    clock,
    storage: async (options, teardown) => {
      const storage = await openStorage(options, teardown);
      opened.push(storage.log);
      return storage;
    },
  }).catch((error: unknown) => {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  const [log] = opened;
  if (log === undefined) throw new Error('The program has opened no log.');
  const call = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${app.consoleUrl}${path}`, init);
    return { status: answer.status, body: (await answer.json()) as Readonly<Record<string, unknown>> };
  };
  return {
    app,
    log,
    folder,
    post: async (event, signedAtMs = clock.now()) => {
      const url = (app.webhookUrl ?? '').replace(/\/webhooks\/stripe$/, '');
      return (await send(url, event, { secret: EMBEDDED_SECRET, timestamp: Math.floor(signedAtMs / 1000) })).status;
    },
    get: async (path) => await call(path),
    ask: async (path, body) =>
      await call(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    records: async (topic) => {
      const all: StoredRecord[] = [];
      for (const { partition, first } of await log.ends(topic))
        for await (const page of log.read(topic, partition, first)) all.push(...page);
      return all;
    },
    close: async () => {
      await app.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
