// An installation as its operator runs it: the real command in processes of its own, configured by the environment only.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const READY_WITHIN_MS = 60_000;

export const WEBHOOK_SECRET = 'whsec_test_of_the_whole_flow';
export const PII_KEY = '11'.repeat(32);

export type InstallationOptions = {
  /** detectors.yaml. */
  readonly detectors: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of the command: a program that starts the same, can be told to fail, and takes messages. */
  readonly entry?: string;
};

export type RunningProcess = {
  readonly webhookUrl: string;
  readonly consoleUrl: string;
  /** What it has written to standard output and standard error. */
  output(): string;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  /** Resolves with the exit code when it is gone, whyever; null: by a signal. */
  readonly ended: Promise<number | null>;
  /** To an `entry` of the test's own. */
  send(message: object): void;
  /** Freezes or wakes it. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** Ctrl-C; resolves with the exit code. */
  stop(): Promise<number | null>;
};

export type Installation = {
  readonly folder: string;
  /** Resolves once it is ready; rejects with its output if it ends first. */
  start(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunningProcess>;
  writeDetectors(text: string): void;
  /** Kills what still runs and removes the folder. */
  close(): Promise<void>;
};

export function createInstallation({ detectors, env = {}, entry }: InstallationOptions): Installation {
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-installation-'));
  const file = join(folder, 'detectors.yaml');
  writeFileSync(file, detectors);
  const running = new Set<RunningProcess>();
  return {
    folder,
    start: async (args = ['--no-demo'], more = {}) => {
      const child = spawn(process.execPath, entry === undefined ? [MAIN, 'start', ...args] : [entry, ...args], {
        env: {
          PATH: process.env.PATH ?? '',
          DECLINEWATCH_DATA: join(folder, 'data'),
          DECLINEWATCH_DETECTORS: file,
          DECLINEWATCH_PII_KEY: PII_KEY,
          STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
          // Any free ones, which it says: a port that was free a moment ago may be another's by now.
          PORT: '0',
          ADMIN_PORT: '0',
          LOG_LEVEL: 'warn',
          ...env,
          ...more,
        },
        stdio: ['ignore', 'pipe', 'pipe', ...(entry === undefined ? [] : (['ipc'] as const))],
      });
      const started = observe(child);
      running.add(started);
      await announced(child, started);
      return started;
    },
    writeDetectors: (text) => writeFileSync(file, text),
    close: async () => {
      await Promise.all([...running].map((one) => one.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function observe(child: ChildProcess): RunningProcess {
  let output = '';
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return {
    get webhookUrl() {
      return addressIn(output, 'Webhook');
    },
    get consoleUrl() {
      return addressIn(output, 'Console');
    },
    output: () => output,
    ended,
    send: (message) => void child.send(message),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    signal: (name) => void child.kill(name),
    stop: async () => {
      child.kill('SIGINT');
      return await ended;
    },
  };
}

/** A process that does not listen there is reached nowhere. */
function addressIn(output: string, what: 'Webhook' | 'Console'): string {
  return new RegExp(`^ *${what}: +(\\S+)$`, 'm').exec(output)?.[1] ?? 'http://127.0.0.1:9';
}

/** The command says `declinewatch runs` once every part has started. */
async function announced(child: ChildProcess, { output }: RunningProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => fail('was not ready in time'), READY_WITHIN_MS);
    const fail = (why: string): void => reject(new Error(`declinewatch ${why}:\n${output()}`));
    child.once('close', (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
    child.stdout?.on('data', () => {
      if (!/declinewatch runs[\s\S]*Console: .*\n/.test(output())) return;
      clearTimeout(timer);
      resolve();
    });
  });
}
