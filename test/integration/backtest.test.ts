// The command as people run it: files, pipes, exit codes, and output that others read.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const FIXTURES = join(ROOT, 'test/fixtures/backtest');
const EVENTS = join(FIXTURES, 'events.jsonl');
const BAD = join(FIXTURES, 'bad.jsonl');
const DETECTORS = ['--detectors', join(FIXTURES, 'detectors.yaml')];
const EXPECTED = readFileSync(join(FIXTURES, 'expected.jsonl'), 'utf8');

type Result = { readonly code: number | null; readonly out: string; readonly err: string };
type RunOptions = { readonly input?: Iterable<string>; readonly nodeOptions?: readonly string[] };

async function backtest(args: readonly string[], { input = [], nodeOptions = [] }: RunOptions = {}): Promise<Result> {
  const child = spawn(process.execPath, [...nodeOptions, join(ROOT, 'src/cli/main.ts'), 'backtest', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH },
  });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  // A child that refuses its arguments does not read what is piped in.
  const piped = pipeline(Readable.from(input), child.stdin).catch(() => undefined);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), piped]);
  return { code: await closed, out, err };
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'declinewatch-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileWith(name: string, contents: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

const summaryOf = (out: string) => JSON.parse(out.trim().split('\n').at(-1) ?? '').summary;

describe('declinewatch backtest', () => {
  it('prints what was worked out by hand', async () => {
    expect(await backtest(['--events', EVENTS, ...DETECTORS, '--json'])).toEqual({ code: 0, out: EXPECTED, err: '' });
  });

  it('gives the same from standard input, in the opposite order', async () => {
    const lines = readFileSync(EVENTS, 'utf8').split('\n').reverse();
    const { code, out } = await backtest(['--events', '-', ...DETECTORS, '--json'], { input: [lines.join('\n')] });
    expect(out).toBe(EXPECTED);
    expect(code).toBe(0);
  });

  it('gives the same from several files, however they are named', async () => {
    const lines = readFileSync(EVENTS, 'utf8').split('\n');
    const one = fileWith('one.jsonl', lines.slice(0, 9).join('\n'));
    const two = fileWith('two.jsonl', lines.slice(9).join('\n'));
    for (const args of [
      ['--events', one, two],
      ['--events', two, '--events', one],
    ])
      expect((await backtest([...args, ...DETECTORS, '--json'])).out).toBe(EXPECTED);
  });

  it('shows people the same, by detector', async () => {
    const { code, out } = await backtest(['--events', EVENTS, ...DETECTORS]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^card: card, 2 episodes\n {2}2026-09-21 14:13:20 – 14:23:19 UTC +WARNING +peak 3 +3 attempts +card fpA\n/,
    );
    expect(out).toMatch(/card fpC {2}in acct_2 {2}\[TEST\]\n/);
    expect(out).toMatch(/peak 100 % +7 attempts +whole account\n/);
    expect(out).toMatch(
      /\n5 episodes\.\n22 events: 2 duplicates, 2 ignored; 0 bad lines\.\n13 attempts: 1 succeeded, 12 declined\.\n$/,
    );
  });

  it('names bad lines by their number, goes on, and fails in the end', async () => {
    const { code, out, err } = await backtest(['--events', BAD, ...DETECTORS, '--json']);
    expect(code).toBe(1);
    expect(err.split('\n')).toEqual([
      `declinewatch: ${BAD} line 2: is not JSON`,
      expect.stringContaining(`${BAD} line 4: A thin notification`),
      '',
    ]);
    expect(summaryOf(out)).toMatchObject({ events: 2, bad: 2 });
  });

  it('does not fail for bad lines that are to be skipped, but names them', async () => {
    const { code, err } = await backtest(['--events', BAD, ...DETECTORS, '--json', '--skip-bad']);
    expect(code).toBe(0);
    expect(err).toContain('line 2');
  });

  it('says how many more bad lines there are beyond a thousand', async () => {
    const { err, out } = await backtest(['--events', '-', ...DETECTORS, '--json'], { input: ['x\n'.repeat(1_500)] });
    expect(err.trim().split('\n')).toHaveLength(1_001);
    expect(err).toContain('… and 500 more');
    expect(summaryOf(out).bad).toBe(1_500);
  });

  it('says that a file is empty', async () => {
    const empty = fileWith('empty.jsonl', '\n\n');
    const { code, out, err } = await backtest(['--events', empty, ...DETECTORS, '--json']);
    expect(code).toBe(1);
    expect(err).toContain('empty.jsonl is empty');
    expect(summaryOf(out)).toMatchObject({ events: 0, attempts: 0, outcomes: {}, episodes: 0 });
  });

  it('reads the detectors that come with the program if none are named', async () => {
    const { code, out } = await backtest(['--events', EVENTS]);
    expect(code).toBe(0);
    expect(out).toContain('dispute: Disputed payments, 1 episode');
  });

  it.each([
    ['a file that is not there', ['nowhere.jsonl'], /nowhere\.jsonl cannot be read: ENOENT/],
    ['a folder', ['.'], /cannot be read: it is a folder/],
    ['one of two that is not there', [EVENTS, 'nowhere.jsonl'], /nowhere\.jsonl cannot be read/],
  ])('prints nothing but an error for %s', async (_, files, message) => {
    const { code, out, err } = await backtest(['--events', ...files, '--json']);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(message);
    expect(err).toContain('→');
  });

  it('says how to read a compressed file', async () => {
    const path = fileWith('events.jsonl.gz', gzipSync(readFileSync(EVENTS)));
    const { code, err } = await backtest(['--events', path]);
    expect(code).toBe(1);
    expect(err).toContain('zcat FILE | declinewatch backtest --events -');
  });

  it('names every problem of a broken detectors file, and prints nothing else', async () => {
    const broken = fileWith('broken.yaml', 'detectors: [{ name: a }, { name: b, windows: 1h }]');
    const { code, out, err } = await backtest(['--events', EVENTS, '--detectors', broken, '--json']);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain('detectors.a.count');
    expect(err).toContain('detectors.b.windows is not known here: did you mean window?');
  });

  it('goes on with a file whose tests fail, and says so', async () => {
    const tests = '    tests: [{ name: x, attempts: [{ card: a, at: 0s }], expect: { episodes: 1 } }]\n  - name: ratio';
    const changed = readFileSync(join(FIXTURES, 'detectors.yaml'), 'utf8').replace('  - name: ratio', tests);
    const path = fileWith('changed.yaml', changed);
    const { code, out, err } = await backtest(['--events', EVENTS, '--detectors', path, '--json']);
    expect({ code, out }).toEqual({ code: 0, out: EXPECTED });
    expect(err).toContain(`1 test of ${path} would fail`);
  });

  it.each([[[]], [['--events']], [['--events', '-', '-']], [['--nonsense']], [[EVENTS]]])(
    '%j is wrong usage',
    async (args) => {
      const { code, out } = await backtest(args);
      expect(code).toBe(2);
      expect(out).toBe('');
    },
  );

  it('ends quietly when nobody reads on', async () => {
    const [one = ''] = readFileSync(EVENTS, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"ch_b1"'));
    const many = Array.from({ length: 9_000 }, (_, n) =>
      one.replaceAll('_b1', `_n${n}`).replaceAll('fpB', `fp${n % 3_000}`),
    );
    const path = fileWith('many.jsonl', many.join('\n'));
    const child = spawn(
      'sh',
      [
        '-c',
        '"$0" "$@" | head -n 1',
        process.execPath,
        join(ROOT, 'src/cli/main.ts'),
        'backtest',
        '--events',
        path,
        ...DETECTORS,
        '--json',
      ],
      {
        env: { PATH: process.env.PATH },
      },
    );
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(out.split('\n')).toEqual([expect.stringContaining('"detector":"card"'), '']);
    expect(err).toBe('');
  });

  it('reads a file of any size in memory that does not grow with it', async () => {
    const count = 150_000;
    const filler = 'x'.repeat(1_000);
    const input = (function* () {
      const line = (n: number): string =>
        `{"id":"evt_${n}","object":"event","type":"customer.updated","created":${1.79e9 + n},"livemode":true,"data":{"object":{"note":"${filler}"}}}\n`;
      for (let n = 0; n < count; n += 100) yield Array.from({ length: 100 }, (_, i) => line(n + i)).join('');
      yield `${'y'.repeat(20_000_000)}\n`;
      yield line(0);
    })();
    const { code, out, err } = await backtest(['--events', '-', ...DETECTORS, '--json', '--skip-bad'], {
      input,
      nodeOptions: ['--max-old-space-size=64'],
    });
    expect(err).toBe(`declinewatch: standard input line ${count + 1}: is longer than 16777216 bytes\n`);
    expect(summaryOf(out)).toMatchObject({ events: count + 1, duplicates: 1, ignored: count + 1, bad: 1 });
    expect(code).toBe(0);
  });
});
