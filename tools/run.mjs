// Runs a command of the project on Node 24, from a fresh clone and with any Node from 20 on: installs what the command
// needs if it is not there, then hands over. `npm start`, `npm test` and `npm run check` come through here.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');
const windows = process.platform === 'win32';
const RUNTIME_MAJOR = 24;
/** What Node has compiled: a process starts in half the time. */
const compiled = join(root, '.cache', 'compile');
/** More is no accident. */
const MOST_CRASHED = 2;

const [command = 'help', ...args] = process.argv.slice(2);
const major = Number(process.versions.node.split('.')[0]);
if (major < 20) fail(`Node ${process.versions.node} is too old. Install Node 20 or later.`);

if (command === 'start' || command === 'cli') {
  install('run');
  await runProgram(command === 'start' ? ['start', ...args] : args);
} else if (command === 'test') {
  install('all');
  process.exitCode = runTests(args);
} else if (command === 'check') {
  install('all');
  const steps = [
    ['types', 'tsc', ['--noEmit']],
    ['lint', 'biome', ['check', '--error-on-warnings', '.']],
    ['dead code', 'knip', []],
  ];
  const broken = steps.filter(([name, tool, toolArgs]) => !step(name, tool, toolArgs));
  const tests = args.includes('--static') ? 0 : runTests(args);
  if (broken.length > 0) console.error(`\nFailed: ${broken.map(([name]) => name).join(', ')}`);
  process.exitCode = broken.length > 0 ? 1 : tests;
} else {
  console.log('usage: node tools/run.mjs start | cli | test | check [--static]');
  process.exitCode = command === 'help' ? 0 : 2;
}

function step(name, tool, toolArgs) {
  console.log(`\n— ${name}`);
  return runTool(tool, toolArgs) === 0;
}

/**
 * A test that fails fails. But the process of a test file that a signal ended (the runtime itself crashed, which starting and
 * ending threads can make it do) has said nothing about its tests: such files, and only they, are run once more, and named.
 */
function runTests(testArgs) {
  const summary = join(mkdtempSync(join(tmpdir(), 'declinewatch-tests-')), 'summary.json');
  const status = runTool('vitest', ['run', ...testArgs], { TEST_SUMMARY_FILE: summary });
  const { passed, failed, crashed } = existsSync(summary)
    ? JSON.parse(readFileSync(summary, 'utf8'))
    : { passed: 0, failed: 1, crashed: [] };
  if (status === 0 || failed > 0 || crashed.length === 0 || crashed.length > MOST_CRASHED) return status;
  console.error(`\nEnded by a signal, and run once more: ${crashed.join(', ')}`);
  return runTool('vitest', ['run', ...crashed], { TEST_PASSED_BEFORE: String(passed) });
}

/** What running needs, or all that developing needs. Nothing is done if the last install was for the same manifest. */
function install(what) {
  const stamp = join(root, 'node_modules', '.declinewatch-installed');
  const lockfile = join(root, 'package-lock.json');
  const wanted = fingerprint();
  const [had, hadWhat] = existsSync(stamp) ? readFileSync(stamp, 'utf8').trim().split(' ') : [];
  if (had === wanted && (hadWhat === 'all' || hadWhat === what)) return;
  // Not to standard output: that belongs to the command.
  console.error(what === 'run' ? 'Installing what running needs…' : 'Installing what developing needs…');
  const before = readFileSync(lockfile, 'utf8');
  const npmArgs = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...(what === 'run' ? ['--omit=dev'] : [])];
  const npm = process.env.npm_execpath;
  const done = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...npmArgs], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', npmArgs, { cwd: root, stdio: ['ignore', 2, 2], shell: windows });
  if (done.status !== 0)
    fail('npm install failed; its message is above. Run the command again once the cause is mended.');
  if (readFileSync(lockfile, 'utf8') !== before) {
    writeFileSync(lockfile, before);
    if (process.env.CI) fail('npm install changed package-lock.json: commit the new one.');
  }
  writeFileSync(stamp, `${wanted} ${what}\n`);
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json', 'tools/node/package.json'])
    hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** In this process if it is new enough, so that signals and exit codes are the program's own; else in a child. */
async function runProgram(programArgs) {
  const main = join(root, 'src', 'cli', 'main.ts');
  if (major >= RUNTIME_MAJOR) {
    process.argv = [process.execPath, main, ...programArgs];
    nodeModule.enableCompileCache?.(process.env.NODE_COMPILE_CACHE ?? compiled);
    whenOrphaned(() => process.kill(process.pid, 'SIGTERM'));
    await import(pathToFileURL(main).href);
    return;
  }
  const child = spawn(runtime(), [main, ...programArgs], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: environment(),
  });
  // A terminal sends Ctrl-C to both; the program takes two at once for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  whenOrphaned(() => child.kill('SIGTERM'));
  const code = await new Promise((resolve) =>
    child.on('exit', (status, signal) => resolve(status ?? (signal ? 1 : 0))),
  );
  process.exit(code);
}

/** A signal to npm ends the shell that it runs scripts in, and is not passed on: then this program ends too. */
function whenOrphaned(stop) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, 250);
  watch.unref();
}

function runTool(tool, toolArgs, variables = {}) {
  const file = join(bin, windows ? `${tool}.cmd` : tool);
  const env = { ...environment(), ...variables };
  const done = spawnSync(file, toolArgs, { cwd: root, stdio: 'inherit', env, shell: windows });
  return done.status ?? 1;
}

function environment() {
  return { NODE_COMPILE_CACHE: compiled, ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
}

function runtime() {
  if (major >= RUNTIME_MAJOR) return process.execPath;
  const file = join(bin, windows ? 'node.cmd' : 'node');
  if (existsSync(file)) return file;
  return fail(
    `No Node ${RUNTIME_MAJOR} for this platform came with the install. Install Node ${RUNTIME_MAJOR} or later yourself.`,
  );
}

function fail(message) {
  console.error(`declinewatch: ${message}`);
  process.exit(1);
}
