// The whole program as a process that can end at any effect, without being one: everything that it does to the outside
// passes a gate, and when that closes the program is over. Its file and the servers stay; the next one begins with them.
import { join } from 'node:path';
import { type App, startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { openSqliteStore } from '../../src/detectors/stores/sqlite.ts';
import { type Database, openDatabase } from '../../src/log/database.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import type { Clock } from '../../src/model/clock.ts';
import { type CrashPoint, createGate, gatedDatabase } from './crash-gate.ts';
import { startGateway } from './crash-gateway.ts';
import type { Addresses } from './crash-story.ts';
import { PII_KEY, WEBHOOK_SECRET } from './installation.ts';
import type { LocalSheets } from './local-sheets.ts';
import type { LocalSlack } from './local-slack.ts';

export type Surroundings = {
  readonly folder: string;
  readonly detectorsFile: string;
  readonly slack: LocalSlack;
  readonly sheets: LocalSheets;
  readonly clock: Clock;
};

export type CrashProcess = {
  /** Null: not up yet, or over. */
  addresses(): Addresses | null;
  /** Effects so far. */
  readonly seen: readonly string[];
  /** Resolves with what it ended at, once another may begin. */
  readonly over: Promise<string>;
  /** Resolves when nothing of it is left; rejects if something stays. */
  buried(): Promise<void>;
  /** Ctrl-C. */
  stop(): Promise<void>;
};

const BURIED_WITHIN_MS = 20_000;

export async function startCrashProcess(around: Surroundings, point: CrashPoint | null): Promise<CrashProcess> {
  const { slack, sheets, clock } = around;
  const gate = createGate(point);
  const isSlackWrite = (path: string): boolean => /chat\.(postMessage|update|delete)/.test(path);
  const [toSlack, toSheets] = await Promise.all([
    startGateway({
      target: slack.apiUrl,
      gate,
      nameOf: (path) => (isSlackWrite(path) ? (path.split('/').at(-1) ?? '') : null),
    }),
    startGateway({
      target: sheets.url,
      gate,
      nameOf: (path) => (path.includes(':batchUpdate') ? 'batchUpdate' : null),
    }),
  ]);
  const config = loadConfig({
    DECLINEWATCH_DATA: around.folder,
    DECLINEWATCH_DETECTORS: around.detectorsFile,
    DECLINEWATCH_PII_KEY: PII_KEY,
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    PORT: '0',
    ADMIN_PORT: '0',
    LOG_LEVEL: 'silent',
    SLACK_BOT_TOKEN: slack.botToken(),
    SLACK_CHANNEL: slack.channels.alerts,
    SLACK_SIGNING_SECRET: slack.signingSecret,
    SLACK_API_URL: `${toSlack.url}api/`,
    ...sheets.env,
    GOOGLE_SHEETS_URL: toSheets.url,
  });
  let database: Database | null = null;
  let app: App | null = null;
  const starting = startApp(config, {
    roles: ['ingest', 'detect', 'respond'],
    demo: false,
    clock,
    storage: async ({ dataFolder, owner, logger }, teardown) => {
      database = await openDatabase({ file: join(dataFolder, 'declinewatch.db'), owner });
      teardown.push('database', () => database?.close());
      const gated = gatedDatabase(database, gate);
      const log = await openSqliteLog({ database: gated, logger, clock });
      teardown.push('log', () => log.close());
      return { log, store: await openSqliteStore({ database: gated }), kind: 'embedded' };
    },
  });
  const ended = starting.then(
    async (started) => {
      app = started;
      await gate.closed;
      app = null;
      await started.stop();
    },
    (error: unknown) => {
      // One whose file is gone cannot start; any other failure is the test's.
      if (!gate.isClosed()) gate.close(`could not start: ${String(error)}`);
    },
  );
  const over = gate.closed.then(async (what) => {
    app = null;
    // The lock goes with the process.
    await database?.close();
    return what;
  });
  const buried = async (): Promise<void> => {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('a process that has ended still holds something')), BURIED_WITHIN_MS).unref();
    });
    await Promise.race([ended, late]);
    await Promise.all([toSlack.close(), toSheets.close()]);
  };
  return {
    addresses: () => addressesOf(app),
    seen: gate.seen,
    over,
    buried,
    stop: async () => {
      await (await starting).stop();
      gate.close('asked to stop');
      await buried();
    },
  };
}

function addressesOf(app: App | null): Addresses | null {
  if (app === null || app.webhookUrl === null) return null;
  return { webhookUrl: app.webhookUrl, consoleUrl: app.consoleUrl };
}
