import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { detectorsCommand } from '../../../src/cli/detectors.ts';
import { runCommand } from './run-command.ts';

const FILE = `
detectors:
  - name: card-declines
    title: Declines on one card
    count: attempts
    where: outcome == "declined"
    per: card
    window: 10m
    thresholds: { warning: 2 }
    tests:
      - name: two breach
        attempts: [{ card: a, at: 0s, times: 2 }]
        expect: { episodes: 1 }
  - name: untested
    count: attempts
    where: "true"
    per: account
    window: 1m
    thresholds: { notice: 5 }
`;
const FAILING = FILE.replace('{ warning: 2 }', '{ warning: 3 }');
const BROKEN = FILE.replace('per: card', 'per: cart').replace('window: 1m', 'window: 1x');

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'declinewatch-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

function fileWith(contents: string): string {
  const path = join(folder, 'detectors.yaml');
  writeFileSync(path, contents);
  return path;
}

const run = async (args: readonly string[]) => await runCommand(detectorsCommand, args);

describe('detectors check', () => {
  it('says that a file is fine', async () => {
    const file = fileWith(FILE);
    expect(await run(['check', '--file', file])).toEqual({
      code: 0,
      out: `${file}: 2 detectors, 1 test, all fine\n`,
      err: '',
    });
    const { out } = await run(['check', '--file', file, '--json']);
    expect(JSON.parse(out)).toEqual({ file, detectors: 2, tests: 1, problems: [] });
  });

  it('reads the file that the environment names', async () => {
    vi.stubEnv('DECLINEWATCH_DETECTORS', fileWith(FILE));
    expect((await run(['check'])).out).toContain('2 detectors');
  });

  it('reads the one that comes with the program if none is named', async () => {
    expect((await run(['check'])).out).toMatch(/19 detectors, \d{2,3} tests, all fine/);
  });

  it('names every problem with path and cure', async () => {
    const { code, err } = await run(['check', '--file', fileWith(BROKEN)]);
    expect(code).toBe(1);
    expect(err).toContain('has 2 problems');
    expect(err).toContain('detectors.card-declines.per is card, customer');
    expect(err).toContain('detectors.untested.window is no duration');
    const { out, ...json } = await run(['check', '--file', fileWith(BROKEN), '--json']);
    expect(json).toEqual({ code: 1, err: '' });
    expect(JSON.parse(out).problems).toHaveLength(2);
  });

  it('names tests that fail', async () => {
    const { code, err } = await run(['check', '--file', fileWith(FAILING)]);
    expect(code).toBe(1);
    expect(err).toContain('detectors.card-declines.tests "two breach": expected 1 episode, got 0');
  });

  it.each([
    ['nowhere.yaml', /cannot be read: ENOENT/],
    ['.', /cannot be read: EISDIR/],
  ])('%s', async (path, message) => {
    const { code, err } = await run(['check', '--file', join(folder, path)]);
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(err).toContain('DECLINEWATCH_DETECTORS');
  });
});

describe('detectors test', () => {
  it('shows each test', async () => {
    expect(await run(['test', '--file', fileWith(FILE)])).toEqual({
      code: 0,
      out: 'card-declines\n  passed two breach\nuntested: no tests\n\n1 passed, 0 failed\n',
      err: '',
    });
  });

  it('shows what differs, and fails', async () => {
    const { code, out } = await run(['test', 'card-declines', '--file', fileWith(FAILING)]);
    expect(code).toBe(1);
    expect(out).toBe('card-declines\n  FAILED two breach\n         expected 1 episode, got 0\n\n0 passed, 1 failed\n');
    const json = await run(['test', '--file', fileWith(FAILING), '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toEqual({
      passed: 0,
      failed: 1,
      tests: [
        { detector: 'card-declines', test: 'two breach', differences: ['expected 1 episode, got 0'], passed: false },
      ],
    });
  });

  it('does not know a detector that is not there', async () => {
    const { code, err } = await run(['test', 'nobody', '--file', fileWith(FILE)]);
    expect(code).toBe(2);
    expect(err).toContain('There are: card-declines, untested.');
  });
});

describe('detectors list --file', () => {
  it('shows what the file says', async () => {
    const { out } = await run(['list', '--file', fileWith(FILE)]);
    expect(out.split('\n').slice(2)).toEqual([
      'card-declines  alert  attempts per card in 10m    warning 2  Declines on one card',
      'untested       alert  attempts per account in 1m  notice 5   untested',
      '',
    ]);
  });
});

/** Answers as the console does, and remembers what it was asked. */
describe('detectors list, set, history and revert', () => {
  const form = { name: 'card-declines', count: 'attempts', per: 'card', window: '10m', mode: 'alert', title: 'Cards' };
  const versions = [
    { version: 1, settings: { ...form, thresholds: { warning: 3, critical: 8 } } },
    { version: 2, settings: { ...form, thresholds: { warning: 4 }, at: 'amount > 1', mode: 'shadow' } },
  ].map((one) => ({
    ...one,
    at: '2026-10-01T12:00:00.000Z',
    by: { kind: 'cli', id: 'ana', name: 'Ana' },
    why: 'less noise',
  }));
  const newestFirst = versions.toReversed();
  const detector = { detector: 'card-declines', version: 2, settings: versions[1]?.settings, history: newestFirst };

  let server: Server;
  let asked: { method: string; path: string; body: unknown }[];
  let answers: Record<string, { status: number; body: object }>;

  beforeAll(async () => {
    server = createServer(
      (request, response) =>
        void answer(request).then(({ status, body }) => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const body = await text(request);
    const { method = '', url: path = '' } = request;
    if (path !== '/healthz') asked.push({ method, path, body: body === '' ? null : JSON.parse(body) });
    return answers[`${method} ${path}`] ?? { status: path === '/healthz' ? 200 : 404, body: {} };
  }

  beforeEach(() => {
    asked = [];
    answers = {
      'GET /api/detectors': { status: 200, body: { detectors: [detector] } },
      'GET /api/detectors/card-declines': { status: 200, body: detector },
      'PUT /api/detectors/card-declines': {
        status: 200,
        body: { ...detector, version: 3, history: [{ ...newestFirst[0], version: 3 }, newestFirst[1]] },
      },
    };
    vi.stubEnv('DECLINEWATCH_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  const putBody = (): unknown => asked.find(({ method }) => method === 'PUT')?.body;

  it('lists what is in force', async () => {
    expect((await run(['list'])).out).toBe('card-declines  v2  shadow  attempts per card in 10m  warning 4  Cards\n');
    expect(JSON.parse((await run(['list', '--json'])).out)).toEqual({ inForce: true, detectors: [detector] });
  });

  it('lists the file while nothing is in force', async () => {
    answers['GET /api/detectors'] = { status: 200, body: { detectors: [] } };
    vi.stubEnv('DECLINEWATCH_DETECTORS', fileWith(FILE));
    const { out } = await run(['list']);
    expect(out).toMatch(/^Nothing is in force yet\. .*detectors\.yaml says:\n\ncard-declines/);
    expect(JSON.parse((await run(['list', '--json'])).out)).toMatchObject({ inForce: false, detectors: [{}, {}] });
  });

  it('changes fields, each as the file writes it', async () => {
    const changes = [
      'thresholds.warning=5',
      'thresholds.critical=null',
      'window=20m',
      'repage=1.5',
      'where=amount == 3',
      'at=null',
      'escalation=[{"after":"10m","to":"S012"}]',
    ];
    const { code, out } = await run(['set', 'card-declines', ...changes, '--why', 'too loud']);
    expect(code).toBe(0);
    expect(putBody()).toEqual({
      thresholds: { warning: 5, critical: null },
      window: '20m',
      repage: 1.5,
      where: 'amount == 3',
      at: null,
      escalation: [{ after: '10m', to: 'S012' }],
      basedOn: 2,
      why: 'too loud',
    });
    expect(out).toContain('card-declines is at version 3\n');
    expect(out).toContain('thresholds.warning: 3 → 4\n');
  });

  it('bases a change on the version it is told', async () => {
    await run(['set', 'card-declines', 'mode=off', '--based-on', '1']);
    expect(putBody()).toEqual({ mode: 'off', basedOn: 1 });
    expect(asked.map(({ method }) => method)).toEqual(['PUT']);
  });

  it('says when nothing changes, and when it is not yet done', async () => {
    answers['PUT /api/detectors/card-declines'] = { status: 200, body: detector };
    expect((await run(['set', 'card-declines', 'mode=shadow'])).out).toBe(
      'card-declines stays at version 2: nothing changes\n',
    );
    answers['PUT /api/detectors/card-declines'] = { status: 202, body: { command: 'cmd_1' } };
    expect((await run(['set', 'card-declines', 'mode=off'])).out).toBe('recorded as cmd_1, not yet done\n');
  });

  it('shows what the service refuses', async () => {
    const error = {
      code: 'invalid_detector',
      message: 'Not accepted.',
      help: 'Correct it.',
      details: [{ path: 'window', message: 'must be at most 7d' }],
    };
    answers['PUT /api/detectors/card-declines'] = { status: 422, body: { error } };
    const { code, err } = await run(['set', 'card-declines', 'window=9d']);
    expect(code).toBe(1);
    expect(err).toBe('declinewatch: Not accepted.\n  window must be at most 7d\n  → Correct it.\n');
  });

  it('proposes what needs a second person, and says that this takes a running service', async () => {
    const error = { code: 'approval_needed', message: 'It needs a second person.', help: '', details: [] };
    answers['PUT /api/detectors/card-declines'] = { status: 409, body: { error } };
    const nothing = { code: 'not_found', message: 'There is nothing at this address.', help: '', details: [] };
    answers['POST /api/proposals'] = { status: 404, body: { error: nothing } };
    const { code, err } = await run(['set', 'card-declines', 'mode=off', '--why', 'quiet']);
    expect(code).toBe(1);
    expect(err).toMatch(/^declinewatch: It needs a second person\.\n.*Start declinewatch first/);
    const proposal = {
      id: '0123456789abcdef',
      detector: 'card-declines',
      state: 'reading',
      by: { kind: 'cli', name: 'Ana' },
      at: '2026-10-01T12:00:00.000Z',
      changes: ['mode shadow → off'],
      words: '',
      problem: '',
      secondPerson: 'It makes it quieter.',
    };
    answers['POST /api/proposals'] = { status: 202, body: { proposal } };
    const set = await run(['set', 'card-declines', 'mode=off', '--why', 'quiet']);
    expect(asked.at(-1)?.body).toEqual({ detector: 'card-declines', set: { mode: 'off' }, basedOn: 2, why: 'quiet' });
    expect(set).toMatchObject({ code: 0, err: '' });
    expect(set.out).toMatch(
      /^card-declines is not changed: proposed as 0123456789abcdef\nIt makes it quieter\.\nSomebody else/,
    );
    const json = await run(['set', 'card-declines', 'mode=off', '--json']);
    expect(JSON.parse(json.out)).toEqual({ proposal });
    answers['GET /api/proposals'] = { status: 200, body: { proposals: [{ ...proposal, changes: ['\u001b[31mred'] }] } };
    expect((await run(['proposals'])).out).toBe(
      '0123456789abcdef  reading  card-declines: [31mred\n      by Ana (cli), 2026-10-01T12:00:00.000Z\n      It makes it quieter.\n',
    );
    answers['GET /api/proposals'] = { status: 200, body: { proposals: [] } };
    expect((await run(['proposals'])).out).toBe('nothing is proposed\n');
    answers['POST /api/proposals/apply'] = { status: 202, body: { pending: true } };
    expect((await run(['apply', '0123456789abcdef'])).out).toBe('recorded, not yet done\n');
  });

  it('shows the history, newest first, with what changed', async () => {
    expect((await run(['history', 'card-declines'])).out).toBe(
      [
        'v2  2026-10-01T12:00:00.000Z  Ana (cli): less noise',
        '      mode: alert → shadow',
        '      thresholds.warning: 3 → 4',
        '      thresholds.critical: 8 → not set',
        '      at: not set → amount > 1',
        'v1  2026-10-01T12:00:00.000Z  Ana (cli): less noise',
        '',
      ].join('\n'),
    );
    expect(JSON.parse((await run(['history', 'card-declines', '--json'])).out)).toEqual(detector);
  });

  it('goes back to a version, taking away what was not set then', async () => {
    await run(['revert', 'card-declines', '1']);
    const { name: _, ...fields } = { ...form, thresholds: { warning: 3, critical: 8 }, at: null };
    expect(putBody()).toEqual({ ...fields, basedOn: 2, why: 'back to version 1' });
  });

  it('does not go back to a version that never was', async () => {
    const { code, err } = await run(['revert', 'card-declines', '7']);
    expect(code).toBe(2);
    expect(err).toContain('There are: 2, 1.');
    expect(putBody()).toBeUndefined();
  });

  it.each([
    [[]],
    [['nonsense']],
    [['set', 'card-declines']],
    [['set', 'card-declines', 'mode']],
    [['set', 'card-declines', 'thresholds.warning=many']],
    [['set', 'card-declines', 'escalation=soon']],
    [['history']],
    [['history', 'a', 'b']],
    [['revert', 'card-declines']],
    [['revert', 'card-declines', 'last']],
    [['proposals', 'all']],
    [['apply']],
    [['discard', 'a', 'b']],
  ])('%j is wrong usage', async (args) => {
    expect((await run(args)).code).toBe(2);
    expect(putBody()).toBeUndefined();
  });
});
