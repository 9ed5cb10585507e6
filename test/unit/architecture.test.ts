// Who may import whom (design §8): stages never import one another, adapters are named only where the program is put
// together, the environment is read in one file, pure parts touch no clock, no randomness, no I/O.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** Folder → folders it may import besides itself and `model`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  config: [],
  telemetry: [],
  log: [],
  attempts: [],
  feed: ['log'],
  deliveries: ['log', 'feed', 'telemetry'],
  ingest: ['log', 'attempts', 'telemetry'],
  detectors: ['log', 'attempts', 'telemetry'],
  incidents: ['log', 'attempts', 'feed', 'telemetry'],
  erasure: ['log', 'attempts', 'ingest'],
  alerts: ['log', 'attempts', 'feed', 'deliveries', 'telemetry'],
  sinks: ['log', 'attempts', 'feed', 'deliveries', 'telemetry'],
  tuning: ['log', 'attempts', 'ingest', 'detectors', 'feed'],
  simulate: [],
  console: ['log', 'attempts', 'feed', 'telemetry'],
  cli: [
    'app',
    'config',
    'log',
    'attempts',
    'feed',
    'ingest',
    'detectors',
    'incidents',
    'erasure',
    'alerts',
    'sinks',
    'tuning',
    'simulate',
    'console',
    'telemetry',
  ],
  app: [
    'config',
    'log',
    'attempts',
    'feed',
    'deliveries',
    'ingest',
    'detectors',
    'incidents',
    'erasure',
    'alerts',
    'sinks',
    'simulate',
    'tuning',
    'console',
    'telemetry',
  ],
};

/** Package → folders in which it may be named. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ['log'],
  ioredis: ['detectors'],
  '@slack/bolt': ['alerts'],
  '@slack/web-api': ['alerts'],
  googleapis: ['sinks'],
  stripe: ['ingest', 'simulate'],
  'node:sqlite': ['log'],
  hono: ['console'],
  '@hono/node-server': ['console'],
};

type Source = {
  readonly file: string;
  readonly folder: string;
  readonly text: string;
  readonly imports: readonly string[];
};

const sources: readonly Source[] = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name]) => name ?? '');
  return { file, folder: folderOf(file), text, imports };
});

function folderOf(file: string): string {
  const [, folder = ''] = file.split('/');
  return folder.replace(/\.ts$/, '');
}

function packageOf(name: string): string {
  if (name.startsWith('node:')) return name;
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

describe('architecture', () => {
  it('sees the whole program', () => {
    expect(sources.length).toBeGreaterThan(60);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
  });

  it('has no folder that is not in the table', () => {
    const unknown = sources.filter(({ folder }) => !(folder in MAY_IMPORT)).map(({ file }) => file);
    expect(unknown).toEqual([]);
  });

  it('imports only what the table allows', () => {
    const wrong = sources.flatMap(({ file, folder, imports }) =>
      imports
        .filter((name) => name.startsWith('.'))
        .map((name) => folderOf(relative(ROOT, resolve(ROOT, dirname(file), name))))
        .filter((target) => target !== folder && target !== 'model' && !MAY_IMPORT[folder]?.includes(target))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('names adapters only where they belong', () => {
    const wrong = sources.flatMap(({ file, folder, imports }) =>
      imports
        .filter((name) => !name.startsWith('.') && PACKAGES[packageOf(name)]?.includes(folder) === false)
        .map((name) => `${file} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('reads the environment in one file', () => {
    const readers = sources.filter(({ text }) => /process\.env\b/.test(text)).map(({ file }) => file);
    expect(readers).toEqual(['src/config/config.ts']);
  });

  it('keeps topic names in one file', () => {
    const names = /'(stripe-events|detector-settings|dead-letters)'/;
    const topics = sources.filter(
      ({ file, text }) =>
        names.test(text) && /createTopics|TOPICS\b.*=\s*\{/.test(text) && !file.startsWith('src/log/'),
    );
    expect(topics.map(({ file }) => file)).toEqual(['src/model/topics.ts']);
  });

  it('keeps clocks, randomness and I/O out of the pure parts', () => {
    const pure = sources.filter(({ file }) => PURE.some((pattern) => pattern.test(file)));
    expect(pure.length).toBeGreaterThan(15);
    const impure = pure.filter(({ text }) =>
      /\bDate\.now\(|new Date\(\)|Math\.random\(|node:(fs|net|http|crypto|timers)|setTimeout\(/.test(text),
    );
    expect(impure.map(({ file }) => file)).toEqual([]);
  });
});

const PURE = [
  /^src\/model\/(?!clock|mask)/,
  /^src\/attempts\//,
  /^src\/ingest\/(normalise|normalised|charge|intent|setup|signal|envelope|ip|redact)/,
  /^src\/detectors\/(fold|cells|episodes|state|rules|evidence|tally|running|summary|reports|cel|schema)/,
  /^src\/incidents\/(reconcile|reducer|decide|evolve|state)/,
  /^src\/erasure\/(ask|erase-)/,
  /^src\/alerts\/(blocks|words|sparkline|manifest|settings-groups|late-groups)/,
  /^src\/sinks\/rows/,
];
