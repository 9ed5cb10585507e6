// Builds what is published: JavaScript and types in dist/, with the console's assets. Nothing in the repository runs from there.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const windows = process.platform === 'win32';

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, 'node_modules', '.bin', windows ? 'tsc.cmd' : 'tsc');
const bin = join(root, 'node_modules', '.bin');
const built = spawnSync(tsc, ['-p', 'tsconfig.build.json'], {
  cwd: root,
  // What it writes to standard output would stand in front of what `npm pack --json` prints.
  stdio: ['ignore', 2, 2],
  shell: windows,
  env: { ...process.env, PATH: `${bin}${windows ? ';' : ':'}${process.env.PATH ?? ''}` },
});
if (built.status !== 0) fail('tsc found a mistake; it is above');

// The compiler rewrites imports of code; not the addresses of workers, and not the imports of types.
const address = /new URL\('(\.\/[\w-]+)\.ts', import\.meta\.url\)/g;
const typeImport = /((?:from |import\()["']\.[^"']*)\.ts(["'])/g;
for (const name of globSync('**/*.{js,d.ts}', { cwd: dist })) {
  const file = join(dist, name);
  const text = readFileSync(file, 'utf8');
  const rewritten = name.endsWith('.d.ts')
    ? text.replace(typeImport, '$1.js$2')
    : text.replace(address, "new URL('$1.js', import.meta.url)");
  if (/(?:from |import\(|URL\()["']\.[^"']*\.ts["']/.test(rewritten)) fail(`${name} still names a .ts file`);
  if (rewritten !== text) writeFileSync(file, rewritten);
}
cpSync(join(root, 'src', 'console', 'assets'), join(dist, 'console', 'assets'), { recursive: true });
chmodSync(join(dist, 'cli', 'main.js'), 0o755);

function fail(message) {
  console.error(`build: ${message}`);
  process.exit(1);
}
