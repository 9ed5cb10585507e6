// The real Kafka and the real Redis without Docker: Kafka's jars for Java 17, and Redis from PATH or from a jar that
// holds its binaries. Both are fetched by Maven, which knows the registry in use, and kept in a folder that git ignores.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const JARS = join(import.meta.dirname, 'jars');
const CACHE = join(import.meta.dirname, '../../.cache/services');
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1';
const FETCH_TIMEOUT_MS = 300_000;
const OLDEST_JAVA = 17;

/** The folder of Kafka's jars; null if this machine has no Java 17 or no Maven. */
export async function kafkaJars(): Promise<string | null> {
  if (!(await hasJava())) return null;
  return await fetched('kafka-4.3.1', (folder) => [
    '-f',
    join(JARS, 'pom.xml'),
    `${PLUGIN}:copy-dependencies`,
    `-DoutputDirectory=${folder}`,
  ]);
}

/** Path of a Redis server; null if there is none and Maven is missing. */
export async function redisProgram(): Promise<string | null> {
  if (await works('redis-server', ['--version'])) return 'redis-server';
  const name = `redis-server-7.0.15-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const folder = await fetched('redis-7.0.15', (target) => [
    `${PLUGIN}:unpack`,
    '-Dartifact=org.signal:embedded-redis:0.9.1',
    '-Dmdep.unpack.includes=redis-server-7.0.15-*',
    `-DoutputDirectory=${target}`,
  ]);
  return folder === null || !existsSync(join(folder, name)) ? null : join(folder, name);
}

/** Fetches beside the place and renames, so that runs at the same time never see half of it. */
async function fetched(name: string, mavenArgs: (folder: string) => readonly string[]): Promise<string | null> {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return folder;
  if (!(await works('mvn', ['-v']))) return null;
  const work = join(CACHE, `.${name}-${process.pid}`);
  const partial = join(work, 'files');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    await run('mvn', ['-q', '-B', ...mavenArgs(partial)], { cwd: work, timeout: FETCH_TIMEOUT_MS });
    checkSums(partial, join(JARS, `${name}.sha256`));
    renameSync(partial, folder);
  } catch (cause) {
    if (!existsSync(folder)) throw new Error(`${name} could not be fetched with Maven.`, { cause });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** Exactly the listed files, each with its listed SHA-256. */
function checkSums(folder: string, list: string): void {
  const wanted = readFileSync(list, 'utf8').trim().split('\n');
  const found = readdirSync(folder)
    .filter((file) => !file.startsWith('META-INF'))
    .sort()
    .map(
      (file) =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex')}  ${file}`,
    );
  const known = new Set(wanted);
  const wrong = found.filter((line) => !known.has(line)).map((line) => line.slice(66));
  if (wrong.length > 0 || found.length !== wanted.length)
    throw new Error(
      `Not what is pinned: ${wrong.join(', ') || `${found.length} files, not ${wanted.length}`} (${list}).`,
    );
}

async function hasJava(): Promise<boolean> {
  try {
    const { stderr } = await run('java', ['-version']);
    return Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0) >= OLDEST_JAVA;
  } catch {
    return false;
  }
}

async function works(program: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(program, args);
    return true;
  } catch {
    return false;
  }
}
