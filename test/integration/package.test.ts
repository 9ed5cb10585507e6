// What `npm pack` makes runs by `npx declinewatch`: packed, unpacked beside nothing but the packages that its manifest leads to,
// and started. Offline: those packages are the ones that are installed here.
import { execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { failedCharge } from '../support/local-stripe.ts';
import { freePorts } from '../support/ports.ts';
import { send } from '../support/stripe-sender.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SECRET = 'whsec_of_the_package_test';
const run = promisify(execFile);

type Manifest = {
  readonly version: string;
  readonly private?: boolean;
  readonly bin: Readonly<Record<string, string>>;
  readonly types: string;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
};
type Locked = { readonly dependencies?: Readonly<Record<string, string>>; readonly optionalDependencies?: object };

let folder: string;
let installed: string;
let files: readonly string[];
let slack: LocalSlack;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'declinewatch-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  const packed = JSON.parse(stdout.slice(stdout.search(/[[{]/))) as unknown;
  const [first] = Object.values(packed as object) as { filename: string; files: { path: string }[] }[];
  files = (first?.files ?? []).map(({ path }) => path);
  const modules = join(folder, 'node_modules');
  installed = join(modules, 'declinewatch');
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder, first?.filename ?? ''), '-C', installed, '--strip-components=1']);
  linkDependencies(modules);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
  mkdirSync(join(modules, '.bin'));
  symlinkSync(join('..', 'declinewatch', manifest.bin.declinewatch ?? ''), join(modules, '.bin', 'declinewatch'));
  slack = await startLocalSlack();
}, 180_000);
afterAll(async () => {
  await slack?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Only what `dependencies` lead to: what is only needed to develop is not there. */
function linkDependencies(modules: string): void {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const wanted = Object.keys(packages['']?.dependencies ?? {});
  const linked = new Set<string>();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const from = join(ROOT, 'node_modules', name);
    if (linked.has(name) || !existsSync(from)) continue;
    linked.add(name);
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(from, join(modules, name));
    const { dependencies = {}, optionalDependencies = {} } = packages[`node_modules/${name}`] ?? {};
    wanted.push(...Object.keys(dependencies), ...Object.keys(optionalDependencies));
  }
}

const npx = (...args: string[]): [string, string[]] => ['npx', ['--no-install', 'declinewatch', ...args]];

describe('the package', () => {
  it('holds what runs, its types, its assets and its pages; nothing else', () => {
    for (const path of [
      'dist/cli/main.js',
      'dist/app.js',
      'dist/app.d.ts',
      'dist/console/assets/console.css',
      'detectors.yaml',
      'LICENSE',
      'README.md',
      'docs/operations.md',
      'ops/alerts.yaml',
    ])
      expect(files).toContain(path);
    expect(
      files.filter((path) => /^(src|test|bench|tools|data|node_modules)\/|(?<!\.d)\.ts$|\.env$/.test(path)),
    ).toEqual([]);
    const assets = readdirSync(join(ROOT, 'src/console/assets'));
    expect(readdirSync(join(installed, 'dist/console/assets')).sort()).toEqual(assets.sort());
  });

  it('has a manifest that may be published', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
    expect(manifest.private).toBeUndefined();
    expect(manifest.engines.node).toBe('>=24');
    expect(files).toContain(manifest.types);
    expect(files).toContain(manifest.bin.declinewatch);
    expect(readFileSync(join(installed, 'dist/cli/main.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('types resolve from outside', async () => {
    writeFileSync(
      join(folder, 'use.mts'),
      "import { startApp, type App } from 'declinewatch';\nexport const run: (...args: Parameters<typeof startApp>) => Promise<App> = startApp;\n// @ts-expect-error: the configuration has a type of its own.\nexport const wrong: Parameters<typeof startApp>[0] = { demo: 1 };\n",
    );
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--lib',
      'es2024,esnext.disposable',
    ];
    const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
    await expect(run(tsc, [...options, ...types, 'use.mts'], { cwd: folder })).resolves.toMatchObject({ stdout: '' });
  });

  it('answers --help, refuses wrong usage, and tests its detectors', async () => {
    const [command, args] = npx('--help');
    expect((await run(command, args, { cwd: folder })).stdout).toContain('usage: declinewatch <command>');
    const wrong = run(...npx('nonsense'), { cwd: folder });
    await expect(wrong).rejects.toMatchObject({ code: 2 });
    const { stdout } = await run(...npx('detectors', 'test'), { cwd: folder });
    expect(stdout).toMatch(/pass/i);
  });

  it('starts, takes a signed event, shows its console, and stops', async () => {
    const [port = 0, adminPort = 0] = await freePorts(2);
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      DECLINEWATCH_DATA: join(folder, 'data'),
      STRIPE_WEBHOOK_SECRET: SECRET,
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      SLACK_BOT_TOKEN: slack.botToken(),
      SLACK_APP_TOKEN: slack.appToken,
      SLACK_CHANNEL: slack.channels.alerts,
      SLACK_API_URL: slack.apiUrl,
    };
    const child = spawn(process.execPath, [join(folder, 'node_modules/.bin/declinewatch'), 'start'], {
      cwd: folder,
      env,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    const ended = new Promise<number | null>((done) => child.once('close', done));
    try {
      await eventually(() => output.includes('declinewatch runs'), {
        what: 'it runs',
        withinMs: 60_000,
        told: () => output,
      });
      const { event } = failedCharge('packed', Math.floor(Date.now() / 1000));
      expect((await send(`http://127.0.0.1:${port}`, event, { secret: SECRET })).status).toBe(200);
      const console = `http://127.0.0.1:${adminPort}`;
      const page = await (await fetch(console)).text();
      const style = /href="(\/assets\/[^"]+\.css[^"]*)"/.exec(page)?.[1] ?? '';
      expect((await fetch(`${console}${style}`)).status).toBe(200);
      // The worker thread of the buttons too: its file has another name here.
      await eventually(
        async () => {
          const { parts } = (await (await fetch(`${console}/api/status`)).json()) as {
            parts: { name: string; state: string }[];
          };
          return parts.some(({ name, state }) => name === 'slack buttons' && state === 'fine');
        },
        { what: 'the buttons', withinMs: 30_000, told: () => output },
      );
    } finally {
      child.kill('SIGINT');
    }
    expect(await ended).toBe(0);
  }, 120_000);
});
