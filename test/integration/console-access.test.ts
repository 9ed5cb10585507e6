// Who may (design §7), as a table over real HTTP: every route × Host, forwarded headers, Origin, content type, token.
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startConsole } from '../../src/console/console.ts';
import { type ConsoleDesk, openConsoleDesk } from '../support/console-desk.ts';
import { consoleTuning } from '../support/console-tuning.ts';
import { ANA, episode, report } from '../support/decider.ts';
import { standingErases } from '../support/erase-status.ts';
import { type Answer, ask, FORM_TYPE, JSON_TYPE } from '../support/http.ts';

const READS = [
  '/',
  '/incidents/INC-1',
  '/detectors',
  '/detectors/card-declines',
  '/detectors/card-declines/curve',
  '/dead-letters',
  '/dead-letters/stripe-events/0/1',
  '/erase',
  '/erase/job',
  '/months/2036-10',
  '/health',
  '/preview',
  '/login',
  '/assets/console.css',
  '/assets/charts.js',
  '/assets/uplot.js',
  '/healthz',
  '/readyz',
  '/metrics',
  '/api/incidents',
  '/api/incidents/INC-1',
  '/api/detectors',
  '/api/detectors/card-declines',
  '/api/mutes',
  '/api/deliveries',
  '/api/erase',
  '/api/status',
  '/api/stream',
  '/api/nothing',
  '/nothing',
] as const;
const API_WRITES = [
  ...['acknowledge', 'unacknowledge', 'resolve', 'reopen', 'mute', 'assign', 'note'].map(
    (action) => ['POST', `/api/incidents/INC-1/${action}`] as const,
  ),
  ['PUT', '/api/detectors/card-declines'],
  ['DELETE', '/api/mutes?incident=INC-1'],
  ['POST', '/api/erase'],
] as const;
const FORM_WRITES = [
  ['POST', '/incidents/INC-1/acknowledge'],
  ['POST', '/detectors/card-declines'],
  ['POST', '/detectors/card-declines/curve/read'],
  ['POST', '/detectors/card-declines/proposals'],
  ['POST', '/detectors/card-declines/proposals/0123456789abcdef/apply'],
  ['POST', '/detectors/card-declines/proposals/0123456789abcdef/discard'],
  ['POST', '/detectors/card-declines/revert'],
  ['POST', '/dead-letters/retry'],
  ['POST', '/dead-letters/drop'],
  ['POST', '/erase'],
  ['POST', '/erase/job'],
  ['POST', '/logout'],
] as const;
const ROUTES = [...READS.map((path) => ['GET', path] as const), ...API_WRITES, ...FORM_WRITES];

const ANA_TOKEN = 'ana-secret-0123456789';
const BO_TOKEN = 'bo-secret-0123456789';

let desk: ConsoleDesk;
let guarded: ConsoleDesk;
const erases = standingErases();

beforeAll(async () => {
  const preview = () => ({ slack: () => [], sheet: () => ({ headers: [], rows: [] }) });
  erases.put({ id: 'job', dryRun: true });
  desk = await openConsoleDesk({ preview, erases, more: consoleTuning });
  guarded = await openConsoleDesk({
    preview,
    erases,
    more: consoleTuning,
    consoleUrl: 'https://fraud.example.com',
    tokens: [
      { name: 'ana', token: ANA_TOKEN },
      { name: 'bo', token: BO_TOKEN },
    ],
  });
  for (const one of [desk, guarded]) {
    await one.tell(report(1, [episode(0, 0)]));
    await one.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA);
  }
});

afterAll(async () => {
  await desk.close();
  await guarded.close();
});

type Headers = Readonly<Record<string, string>>;

/** Only the head of the answer: a stream has no end. */
async function statusOf(
  one: ConsoleDesk,
  [method, path]: readonly [string, string],
  headers: Headers,
): Promise<number> {
  if (path === '/api/stream') {
    const ending = new AbortController();
    const { status } = await streamStatus(one, headers, ending);
    return status;
  }
  const type = method === 'GET' ? {} : path.startsWith('/api/') ? JSON_TYPE : FORM_TYPE;
  const body = method === 'GET' ? {} : { body: path.startsWith('/api/') ? '{}' : 'form=guessed' };
  return (await ask(one.url, { method, path, headers: { ...type, ...headers }, ...body })).status;
}

async function streamStatus(one: ConsoleDesk, headers: Headers, ending: AbortController): Promise<{ status: number }> {
  const { hostname, port } = new URL(one.url);
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      const lines = Object.entries({ host: `${hostname}:${port}`, ...headers }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      socket.write(`GET /api/stream HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    });
    socket.once('data', (data) => {
      ending.abort();
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1]) });
    });
    socket.once('error', reject);
  });
}

const hostOf = ({ url }: ConsoleDesk): string => new URL(url).host;
const portOf = ({ console: { port } }: ConsoleDesk): number => port;

describe('without tokens', () => {
  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example:4243',
    '10.0.0.5',
    '192.168.1.2:4243',
    '127.0.0.256',
    '[::2]',
    '127.1',
    '0.0.0.0',
  ])('no route answers to the Host %s', async (host) => {
    for (const route of ROUTES) expect([route, await statusOf(desk, route, { host })]).toEqual([route, 403]);
  });

  it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.10', '[::1]'])(
    '%s is a name of this machine',
    async (name) => {
      for (const host of [name, `${name}:${portOf(desk)}`, `${name}:1`])
        for (const path of ['/', '/api/incidents', '/healthz'])
          expect(await statusOf(desk, ['GET', path], { host })).toBe(200);
    },
  );

  it.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-anything'])(
    'no route answers what came through a proxy (%s)',
    async (name) => {
      for (const route of ROUTES)
        expect([route, await statusOf(desk, route, { [name]: '127.0.0.1' })]).toEqual([route, 403]);
    },
  );

  it.each(['null', 'https://evil.example', 'http://evil.example', 'http://localhost:1', 'file://', 'NULL'])(
    'no route answers to the Origin %s',
    async (origin) => {
      for (const route of ROUTES) expect([route, await statusOf(desk, route, { origin })]).toEqual([route, 403]);
    },
  );

  it('what is no Host at all does not even come so far', async () => {
    for (const host of ['localhost@evil.example', 'localhost/x', 'local host'])
      expect(await statusOf(desk, ['GET', '/api/incidents'], { host })).toBeGreaterThanOrEqual(400);
  });

  it('an own Origin of another scheme or port is foreign', async () => {
    for (const origin of [`https://${hostOf(desk)}`, `http://127.0.0.1:${portOf(desk) + 1}`])
      expect(await statusOf(desk, ['POST', '/api/incidents/INC-1/note'], { origin })).toBe(403);
    expect(await statusOf(desk, ['GET', '/api/incidents'], { origin: `http://${hostOf(desk)}` })).toBe(200);
  });

  it.each(['cross-site', 'same-site'])(
    'what a page of another site fetches (%s) is refused, a link is followed',
    async (site) => {
      for (const route of ROUTES)
        expect([route, await statusOf(desk, route, { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' })]).toEqual([
          route,
          403,
        ]);
      const linked = { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' };
      expect(await statusOf(desk, ['GET', '/incidents/INC-1'], linked)).toBe(200);
      for (const route of FORM_WRITES) expect(await statusOf(desk, route, linked)).toBe(403);
    },
  );

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonp',
    '',
    'text/plain; application/json',
  ])('no write of the API takes %j', async (type) => {
    for (const [method, path] of API_WRITES) {
      const { status, json } = await ask(desk.url, { method, path, headers: { 'content-type': type }, body: '{}' });
      expect([path, status]).toEqual([path, 415]);
      expect(json).toMatchObject({ error: { code: 'unsupported_media_type' } });
    }
  });

  it('a write without any content type is refused too; a charset does no harm', async () => {
    const path = '/api/incidents/INC-1/note';
    expect((await ask(desk.url, { method: 'POST', path })).status).toBe(415);
    const headers = { 'content-type': 'Application/JSON; charset=utf-8' };
    expect((await ask(desk.url, { method: 'POST', path, headers, body: '{"note":"seen"}' })).status).toBe(200);
  });

  it('no form is taken without the token of a page, whatever its Origin', async () => {
    for (const [method, path] of FORM_WRITES)
      for (const body of ['', 'form=', 'form=guessed', `form=${'a'.repeat(43)}`]) {
        const headers = { ...FORM_TYPE, origin: `http://${hostOf(desk)}`, 'sec-fetch-site': 'same-origin' };
        expect([path, (await ask(desk.url, { method, path, headers, body })).status]).toEqual([path, 403]);
      }
    expect(
      (
        await ask(desk.url, {
          method: 'POST',
          path: '/incidents/INC-1/acknowledge',
          headers: { 'content-type': 'text/plain' },
          body: 'form=x',
        })
      ).status,
    ).toBe(415);
  });

  it('nothing of all this has changed anything', () => {
    expect(desk.feed.timeline('INC-1').map(({ type }) => type)).toEqual(['opened', 'acknowledged', 'noted']);
    expect(erases.list().map(({ id }) => id)).toEqual(['job']);
  });
});

describe('with tokens', () => {
  const OPEN = new Set<string>([
    '/login',
    '/assets/console.css',
    '/assets/charts.js',
    '/assets/uplot.js',
    '/healthz',
    '/readyz',
  ]);
  const host = 'fraud.example.com';

  it.each([
    ['none', {}],
    ['wrong', { authorization: 'Bearer nobody-secret' }],
    ['empty', { authorization: 'Bearer ' }],
    ['basic', { authorization: `Basic ${Buffer.from(`ana:${ANA_TOKEN}`).toString('base64')}` }],
    ['a prefix', { authorization: `Bearer ${ANA_TOKEN.slice(0, -1)}` }],
    ['the name', { authorization: 'Bearer ana' }],
    ['in a cookie', { cookie: `declinewatch_session=${ANA_TOKEN}` }],
  ])('only what a probe and the login need is open (%s)', async (_, headers) => {
    const fresh = await openConsoleDesk({ tokens: [{ name: 'ana', token: ANA_TOKEN }] });
    const seen = new Set<number>();
    for (const route of ROUTES.filter(([, path]) => !OPEN.has(path)))
      seen.add(await statusOf(fresh, route, { host, ...headers }));
    // After ten wrong ones from an address it has to wait: refused, in either case.
    expect([...seen].filter((status) => status !== 401 && status !== 429)).toEqual([]);
    for (const path of OPEN)
      expect([path, (await ask(fresh.url, { path, headers: { host } })).status]).toEqual([path, 200]);
    await fresh.close();
  });

  it('a loopback Host is no way round the token', async () => {
    expect(await statusOf(guarded, ['GET', '/api/incidents'], { host: 'localhost' })).toBe(401);
  });

  it('says to a probe how each part is, and to nobody what is wrong with it', async () => {
    const parts = [
      { name: 'slack', state: 'down', message: 'token of workspace T123 revoked', help: 'install again' } as const,
    ];
    const fresh = await openConsoleDesk({
      tokens: [{ name: 'ana', token: ANA_TOKEN }],
      health: async () => ({ ready: true, parts }),
    });
    const brief = await ask(fresh.url, { path: '/readyz' });
    expect(brief.json).toEqual({ ready: true, parts: [{ name: 'slack', state: 'down', detail: '', cure: '' }] });
    const full = await ask(fresh.url, { path: '/readyz', headers: { authorization: `Bearer ${ANA_TOKEN}` } });
    expect(full.text).toContain('T123');
    await fresh.close();
  });

  it('the actor is the name of the token; proxies and other names are fine', async () => {
    const headers = { ...JSON_TYPE, host, 'x-forwarded-for': '203.0.113.9', authorization: `Bearer ${BO_TOKEN}` };
    const answer = await ask(guarded.url, {
      method: 'POST',
      path: '/api/incidents/INC-1/note',
      headers,
      body: '{"note":"hello"}',
    });
    expect(answer.status).toBe(200);
    expect(guarded.feed.timeline('INC-1').at(-1)?.actor).toEqual({ kind: 'api', id: 'bo', name: 'bo' });
  });

  it('a foreign Origin is refused with a good token too; the console’s own address is not foreign', async () => {
    const headers = { host: 'internal:4243', authorization: `Bearer ${ANA_TOKEN}` };
    for (const origin of ['null', 'https://evil.example', 'https://internal:4243'])
      expect(await statusOf(guarded, ['GET', '/api/incidents'], { ...headers, origin })).toBe(403);
    expect(
      await statusOf(guarded, ['GET', '/api/incidents'], { ...headers, origin: 'https://fraud.example.com' }),
    ).toBe(200);
  });

  it('ten wrong tokens a minute, then a pause that the clock ends', async () => {
    const fresh = await openConsoleDesk({ tokens: [{ name: 'ana', token: ANA_TOKEN }] });
    const call = (token: string) =>
      ask(fresh.url, { path: '/api/incidents', headers: { authorization: `Bearer ${token}` } });
    for (let tries = 0; tries < 10; tries++) expect((await call('wrong')).status).toBe(401);
    expect((await call('wrong')).status).toBe(429);
    expect((await call(ANA_TOKEN)).status).toBe(429);
    fresh.clock.advance(60_000);
    expect((await call(ANA_TOKEN)).status).toBe(200);
    await fresh.close();
  });
});

describe('the login form', () => {
  const page = { accept: 'text/html' };
  const login = (token: string, more: Headers = {}): Promise<Answer> =>
    ask(guarded.url, {
      method: 'POST',
      path: '/login',
      headers: { ...FORM_TYPE, ...page, ...more },
      body: new URLSearchParams({ token, next: '/incidents/INC-1' }).toString(),
    });

  it('gives a session of its own, by a cookie that no script and no other site can use', async () => {
    const answer = await login(ANA_TOKEN);
    expect({ status: answer.status, to: answer.headers.location }).toEqual({ status: 303, to: '/incidents/INC-1' });
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      /^declinewatch_session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    expect(cookie).not.toContain(ANA_TOKEN);
    const session = { cookie: cookie.split(';', 1)[0] ?? '' };
    expect((await ask(guarded.url, { path: '/', headers: { ...page, ...session } })).status).toBe(200);
    const headers = { ...JSON_TYPE, ...session };
    const noted = await ask(guarded.url, {
      method: 'POST',
      path: '/api/incidents/INC-1/note',
      headers,
      body: '{"note":"x"}',
    });
    expect(noted.status).toBe(200);
    expect(guarded.feed.timeline('INC-1').at(-1)?.actor).toEqual({ kind: 'console', id: 'ana', name: 'ana' });
    const form = /name="form" value="([\w-]{43})"/.exec(
      (await ask(guarded.url, { path: '/', headers: { ...page, ...session } })).text,
    )?.[1];
    const out = await ask(guarded.url, {
      method: 'POST',
      path: '/logout',
      headers: { ...FORM_TYPE, ...session },
      body: `form=${form}`,
    });
    expect(out.status).toBe(303);
    expect((await ask(guarded.url, { path: '/api/incidents', headers: session })).status).toBe(401);
  });

  it('ends after twelve hours', async () => {
    const session = { cookie: ((await login(ANA_TOKEN)).headers['set-cookie']?.[0] ?? '').split(';', 1)[0] ?? '' };
    guarded.clock.advance(12 * 3_600_000 - 1);
    expect((await ask(guarded.url, { path: '/api/incidents', headers: session })).status).toBe(200);
    guarded.clock.advance(1);
    expect((await ask(guarded.url, { path: '/api/incidents', headers: session })).status).toBe(401);
  });

  it('refuses a wrong token without saying more, and a page of another site', async () => {
    const wrong = await login('nonsense');
    expect(wrong.status).toBe(401);
    expect(wrong.headers['set-cookie']).toBeUndefined();
    expect(wrong.text).toContain('This token is not known.');
    for (const more of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    ])
      expect((await login(ANA_TOKEN, more)).status).toBe(403);
  });

  it('is where a page leads that needs it; a link from elsewhere is asked once more by a page of our own', async () => {
    const answer = await ask(guarded.url, { path: '/incidents/INC-1?x=1', headers: page });
    expect({ status: answer.status, to: answer.headers.location }).toEqual({
      status: 303,
      to: `/login?next=${encodeURIComponent('/incidents/INC-1?x=1')}`,
    });
    const linked = await ask(guarded.url, {
      path: '/incidents/INC-1',
      headers: { ...page, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    });
    expect(linked.text).toContain('http-equiv="refresh" content="0; url=/incidents/INC-1"');
  });
});

describe('what is sent with every answer', () => {
  it('keeps a page from being more than what was served', async () => {
    for (const path of READS.filter((each) => each !== '/api/stream')) {
      const { headers } = await ask(desk.url, { path, headers: { accept: 'text/html' } });
      const policy = String(headers['content-security-policy']);
      expect([path, policy.includes("default-src 'none'"), policy.includes("frame-ancestors 'none'")]).toEqual([
        path,
        true,
        true,
      ]);
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-frame-options']).toBe('DENY');
      expect(['no-referrer', 'same-origin']).toContain(headers['referrer-policy']);
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('goes with refusals too', async () => {
    const { headers } = await ask(desk.url, { path: '/', headers: { host: 'evil.example' } });
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  });

  it('has no inline script or style in any page', async () => {
    for (const path of [
      '/',
      '/incidents/INC-1',
      '/detectors',
      '/detectors/card-declines',
      '/health',
      '/erase',
      '/erase/job',
      '/preview',
      '/nothing',
    ]) {
      const { text } = await ask(desk.url, { path, headers: { accept: 'text/html' } });
      expect(text).toContain('<main id="main">');
      expect([path, /<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=|javascript:/i.test(text)]).toEqual([
        path,
        false,
      ]);
    }
  });
});

describe('limits', () => {
  it('a body beyond 64 KiB is 413, with and without its length', async () => {
    const path = '/api/incidents/INC-1/note';
    const body = JSON.stringify({ note: 'x'.repeat(70_000) });
    expect((await ask(desk.url, { method: 'POST', path, headers: JSON_TYPE, body })).status).toBe(413);
    const chunked = await fetch(desk.url + path, {
      method: 'POST',
      headers: JSON_TYPE,
      body: new Blob([body]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
    expect(await chunked.json()).toMatchObject({ error: { code: 'too_large' } });
  });

  it('headers beyond 16 KiB are refused', async () => {
    expect((await ask(desk.url, { path: '/', headers: { 'x-long': 'x'.repeat(20_000) } })).status).toBe(431);
  });

  it('a request without Host, or with two, is refused', async () => {
    const { hostname, port } = new URL(desk.url);
    const first = async (lines: string): Promise<string> =>
      await new Promise((resolve, reject) => {
        const socket = connect({ host: hostname, port: Number(port) }, () =>
          socket.write(`GET /api/incidents HTTP/1.1\r\n${lines}\r\n`),
        );
        socket.once('data', (data) => {
          socket.destroy();
          resolve(data.toString().split('\r\n', 1)[0] ?? '');
        });
        socket.once('error', reject);
      });
    expect(await first('')).toContain('400');
    expect(await first('Host: localhost\r\nHost: evil.example\r\n')).toContain('403');
  });

  it('a method that a route does not have is not found', async () => {
    for (const [method, path] of [
      ['DELETE', '/api/incidents/INC-1'],
      ['PUT', '/api/incidents'],
      ['PATCH', '/api/detectors/card-declines'],
    ] as const)
      expect((await ask(desk.url, { method, path, headers: JSON_TYPE, body: '{}' })).status).toBe(404);
    expect((await ask(desk.url, { method: 'OPTIONS', path: '/api/incidents' })).status).toBe(404);
  });
});

describe('where it listens', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1', 'fraud.example.com'])('%s needs tokens', async (host) => {
    const start = startConsole({ ...({} as Parameters<typeof startConsole>[0]), host, port: 0, tokens: [] });
    await expect(start).rejects.toMatchObject({
      code: 'console_exposed',
      help: expect.stringContaining('DECLINEWATCH_TOKENS'),
    });
  });

  it('a port that is taken is named, with the cure', async () => {
    const start = openConsoleDesk({ port: portOf(desk) });
    await expect(start).rejects.toMatchObject({ code: 'port_in_use', help: expect.stringContaining('ADMIN_PORT') });
  });
});
