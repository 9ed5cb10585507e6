// A server of a test as a child process: started, killed, frozen, started again on the same folder and port, and gone
// with the test's process.
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { waitForPort } from './ports.ts';

export type Service = {
  /** Ends it for good and removes its data. Safe to call twice. */
  stop(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Starts it again after `kill` (kills first if need be), on the same data and address. */
  restart(): Promise<void>;
  /** Freezes it: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
};

export type LocalProcess = {
  readonly what: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly port: number;
  readonly timeoutMs: number;
};

const KEPT_OUTPUT = 2_000;

export async function startProcess(options: LocalProcess): Promise<Service> {
  let child: ChildProcess | null = null;
  let output = '';
  const start = async (): Promise<void> => {
    const started = spawn(options.command, options.args, { cwd: options.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
    };
    let failure: string | null = null;
    started.stdout.on('data', keep);
    started.stderr.on('data', keep);
    started.once('error', (error) => {
      failure = error.message;
    });
    started.once('exit', (code) => {
      failure ??= `it ended with code ${code}. ${output}`;
    });
    child = started;
    endWithUs(started);
    await waitForPort(options.port, { what: options.what, timeoutMs: options.timeoutMs, failed: () => failure });
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const exited = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await exited;
  };
  const stop = async (): Promise<void> => {
    await kill();
    rmSync(options.folder, { recursive: true, force: true });
  };

  await start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    stop,
    kill,
    restart: async () => {
      await kill();
      await start();
    },
    pause: async () => void child?.kill('SIGSTOP'),
    resume: async () => void child?.kill('SIGCONT'),
  };
}

/** Also when this process is killed itself: a shell waits for the end of its input, and then kills the other. */
export function endWithUs(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const script = 'read -r _; kill -9 "$0"';
  const watch = spawn('sh', ['-c', script, String(child.pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
  watch.unref();
  child.once('exit', () => watch.kill('SIGKILL'));
}
