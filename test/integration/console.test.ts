// The API of the console over real HTTP: the embedded log, the incident manager and the feed answer.
import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/model/errors.ts';
import { type ConsoleDesk, type DeskOptions, openConsoleDesk } from '../support/console-desk.ts';
import { ANA, detectorSettings, episode, evidence, report, settingsCommand, T0_MS } from '../support/decider.ts';
import { type Answer, ask, JSON_TYPE } from '../support/http.ts';

let desk: ConsoleDesk;

async function open(options: DeskOptions = {}): Promise<ConsoleDesk> {
  desk = await openConsoleDesk(options);
  return desk;
}

afterEach(async () => await desk.close());

const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  ask(desk.url, { path, headers });
const send = (method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, headers = {}): Promise<Answer> =>
  ask(desk.url, {
    method,
    path,
    headers: { ...JSON_TYPE, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const post = (path: string, body?: unknown, headers = {}): Promise<Answer> => send('POST', path, body, headers);
const cardReport = (offset: number, card: string) =>
  report(offset, [episode(0, 0)], { entity: { kind: 'card', value: card, label: `visa •••• ${card.slice(-4)}` } });
const errorOf = ({ json }: Answer) => (json as { error: { code: string; details: readonly object[] } }).error;

describe('GET /api/incidents', () => {
  it('lists newest first, in pages, by every filter', async () => {
    await open();
    for (const [index, card] of ['fp_0001', 'fp_0002', 'fp_0003'].entries())
      await desk.tell(cardReport(index + 1, card));
    await desk.tell({ type: 'acknowledge', incident: 'INC-2' }, ANA);
    const ids = async (query: string): Promise<unknown> => {
      const { json } = await get(`/api/incidents${query}`);
      const { incidents, next } = json as { incidents: { id: string }[]; next: string | null };
      return { ids: incidents.map(({ id }) => id), next };
    };
    expect(await ids('')).toEqual({ ids: ['INC-3', 'INC-2', 'INC-1'], next: null });
    expect(await ids('?limit=2')).toEqual({ ids: ['INC-3', 'INC-2'], next: 'INC-2' });
    expect(await ids('?limit=2&after=INC-2')).toEqual({ ids: ['INC-1'], next: null });
    expect(await ids('?status=acknowledged')).toEqual({ ids: ['INC-2'], next: null });
    expect(await ids('?entity=card:fp_0003')).toEqual({ ids: ['INC-3'], next: null });
    expect(await ids('?detector=card-declines&severity=warning&livemode=true&account=null&since=1h')).toMatchObject({
      ids: ['INC-3', 'INC-2', 'INC-1'],
    });
    expect(await ids('?severity=critical')).toEqual({ ids: [], next: null });
    expect(await ids('?livemode=false')).toEqual({ ids: [], next: null });
    expect(await ids(`?until=${new Date(T0_MS).toISOString()}`)).toEqual({ ids: [], next: null });
  });

  it('refuses a parameter that it does not know, and every value that is none', async () => {
    await open();
    const answer = await get('/api/incidents?stauts=open&severity=bad&limit=0&since=yesterday&after=1&livemode=yes');
    expect(answer.status).toBe(400);
    expect(errorOf(answer)).toMatchObject({ code: 'invalid_request' });
    expect(errorOf(answer).details).toHaveLength(6);
  });
});

describe('GET /api/incidents/INC-1', () => {
  it('gives the incident with timeline, attempts, deliveries and latency', async () => {
    await open();
    const opening = episode(-1, 0, { evidence: evidence(['ch_3Newest', 'ch_3Older']) });
    await desk.tell(report(1, [opening], { receivedAt: T0_MS - 400 }));
    await desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA);
    await desk.deliver({
      output: 'slack',
      subject: 'INC-1',
      slot: 'message',
      state: 'posted',
      version: 2,
      at: T0_MS + 60_000,
      place: { channel: 'C1', ts: String((T0_MS + 2_300) / 1000), url: 'https://example.slack.com/archives/C1/p1' },
      error: null,
      tries: 1,
    });
    const { status, json } = await get('/api/incidents/INC-1');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      id: 'INC-1',
      status: 'acknowledged',
      url: `${desk.url}/incidents/INC-1`,
      timeline: [
        { version: 1, type: 'opened', at: new Date(T0_MS).toISOString() },
        { version: 2, type: 'acknowledged', actor: ANA },
      ],
      deliveries: [
        { output: 'slack', state: 'posted', version: 2, url: 'https://example.slack.com/archives/C1/p1', error: null },
      ],
      latency: { stripeToReceivedMs: 600, receivedToOpenedMs: 400, openedToSlackMs: 2_300 },
    });
    const { attempts } = json as { attempts: readonly object[] };
    expect(attempts).toHaveLength(2);
    expect(Object.keys(attempts[0] ?? {})).toEqual([
      'id',
      'at',
      'outcome',
      'code',
      'amount',
      'currency',
      'card',
      'url',
    ]);
    expect(attempts[0]).toMatchObject({ amount: 1000, url: 'https://dashboard.stripe.com/payments/ch_3Newest' });
  });

  it('shows the newest attempts of the evidence when the log cannot be read', async () => {
    await open({
      attemptsOf: async () => {
        throw new AppError('log_unavailable', 'away');
      },
    });
    await desk.tell(report(1, [episode(0, 0)]));
    const { status, json } = await get('/api/incidents/INC-1');
    expect(status).toBe(200);
    expect((json as { attempts: object[] }).attempts).toHaveLength(3);
  });

  it.each(['INC-99', 'INC-0', 'INC-01', 'nonsense', '%2e%2e'])('answers 404 for %s', async (id) => {
    await open();
    const answer = await get(`/api/incidents/${id}`);
    expect(answer.status).toBe(404);
    expect(errorOf(answer).code).toBe('not_found');
  });
});

describe('POST /api/incidents/INC-1/…', () => {
  it('acknowledges once; whoever is late is told who was first', async () => {
    await open();
    await desk.tell(report(1, [episode(0, 0)]));
    const first = await post('/api/incidents/INC-1/acknowledge', {});
    expect(first.status).toBe(200);
    expect(first.json).toMatchObject({
      id: 'INC-1',
      status: 'acknowledged',
      acknowledged: { by: { kind: 'console', id: 'local' }, peak: 3 },
      version: 2,
    });
    const second = await post('/api/incidents/INC-1/acknowledge');
    expect(second.status).toBe(409);
    expect(second.json).toMatchObject({
      error: { code: 'already_acknowledged', message: expect.stringContaining('console') },
    });
    expect(desk.feed.get('INC-1')?.version).toBe(2);
  });

  it('says in the timeline that the CLI asked', async () => {
    await open();
    await desk.tell(report(1, [episode(0, 0)]));
    await post('/api/incidents/INC-1/acknowledge', {}, { 'x-declinewatch-client': 'cli' });
    expect(desk.feed.timeline('INC-1').at(-1)?.actor).toEqual({ kind: 'cli', id: 'local', name: 'cli' });
  });

  it('takes every action through its whole life', async () => {
    await open();
    await desk.tell(report(1, [episode(0, 0)]));
    const until = new Date(T0_MS + 7_200_000).toISOString();
    const steps: readonly (readonly [string, object, object])[] = [
      ['acknowledge', { ifVersion: 1 }, { status: 'acknowledged' }],
      ['unacknowledge', {}, { status: 'open', acknowledged: null }],
      ['assign', { owner: 'ana' }, { owner: 'ana' }],
      ['assign', { owner: null }, { owner: null }],
      ['note', { note: 'Called the issuer.' }, {}],
      ['mute', { until }, { mutedUntil: until }],
      ['mute', { until: null }, { mutedUntil: null }],
      ['mute', { until: '2h' }, { mutedUntil: until }],
      [
        'resolve',
        { verdict: 'fraud', note: 'blocked' },
        { status: 'resolved', resolved: { verdict: 'fraud', note: 'blocked' } },
      ],
      ['reopen', {}, { status: 'open', resolved: null }],
    ];
    for (const [action, body, after] of steps) {
      const { status, json } = await post(`/api/incidents/INC-1/${action}`, body);
      expect({ action, status, json }).toMatchObject({ action, status: 200, json: after });
    }
    expect(desk.feed.get('INC-1')?.notes).toMatchObject([{ text: 'Called the issuer.' }]);
  });

  it.each([
    ['resolve', { verdict: 'guilty' }, 400, 'invalid_request'],
    ['resolve', {}, 400, 'invalid_request'],
    ['resolve', { verdict: 'fraud', note: 'x'.repeat(1_001) }, 400, 'invalid_request'],
    ['note', { note: '  ' }, 400, 'invalid_request'],
    ['mute', {}, 400, 'invalid_request'],
    ['mute', { until: 'tomorrow' }, 400, 'invalid_request'],
    ['mute', { until: '2001-01-01T00:00:00Z' }, 400, 'invalid_request'],
    ['assign', { owner: 7 }, 400, 'invalid_request'],
    ['acknowledge', { ifVersion: 'one' }, 400, 'invalid_request'],
    ['acknowledge', { verdict: 'fraud' }, 400, 'invalid_request'],
    ['acknowledge', [], 400, 'invalid_request'],
    ['acknowledge', { ifVersion: 9 }, 409, 'stale_version'],
    ['unacknowledge', {}, 409, 'invalid_transition'],
    ['reopen', {}, 409, 'invalid_transition'],
    ['explode', {}, 404, 'not_found'],
  ])('%s with %j is %i %s and changes nothing', async (action, body, status, code) => {
    await open();
    await desk.tell(report(1, [episode(0, 0)]));
    const answer = await post(`/api/incidents/INC-1/${action}`, body);
    expect({ status: answer.status, code: errorOf(answer).code }).toEqual({ status, code });
    expect(desk.feed.get('INC-1')?.version).toBe(1);
  });

  it('answers 404 for an incident that is not there, and appends nothing', async () => {
    await open();
    const before = await desk.log.ends('commands');
    expect((await post('/api/incidents/INC-7/acknowledge', {})).status).toBe(404);
    expect(await desk.log.ends('commands')).toEqual(before);
  });

  it('answers 202 with the command when nobody decides yet', async () => {
    await open();
    await desk.tell(report(1, [episode(0, 0)]));
    const written = await collect(desk);
    await desk.close();
    await open({ isUnmanaged: true });
    await desk.log.append('incidents', written);
    await expect.poll(() => desk.feed.get('INC-1')?.status).toBe('open');
    const answer = await post('/api/incidents/INC-1/acknowledge', {});
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({ command: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });

  it('answers 503 when the log is away', async () => {
    await open({
      log: { append: () => Promise.reject(new AppError('log_unavailable', 'The log is away.', { help: 'Wait.' })) },
    });
    await desk.tell(report(1, [episode(0, 0)]));
    const answer = await post('/api/incidents/INC-1/acknowledge', {});
    expect(answer.status).toBe(503);
    expect(answer.json).toEqual({
      error: { code: 'log_unavailable', message: 'The log is away.', help: 'Wait.', details: [] },
    });
  });

  it.each(['{', 'null', '"acknowledge"', '[1]'])('refuses the body %s', async (body) => {
    await open();
    await desk.tell(report(1, [episode(0, 0)]));
    const answer = await ask(desk.url, {
      method: 'POST',
      path: '/api/incidents/INC-1/acknowledge',
      headers: JSON_TYPE,
      body,
    });
    expect(answer.status).toBe(400);
  });
});

describe('detectors', () => {
  it('are listed and shown in the form of the file, with counts and history', async () => {
    await open();
    await desk.tell(report(1, [episode(0, 0)]));
    await desk.tell({ type: 'resolve', incident: 'INC-1', verdict: 'fraud', note: '' }, ANA);
    const { json } = await get('/api/detectors');
    expect(json).toMatchObject({
      detectors: [
        {
          detector: 'card-declines',
          version: 1,
          since: null,
          settings: { window: '10m', quietFor: '1h', thresholds: { warning: 3, critical: 8 }, mode: 'alert' },
          counts: { incidents: 1, resolved: 1, open: 0, verdicts: { fraud: 1, dunning: 0 } },
        },
      ],
    });
    const one = await get('/api/detectors/card-declines');
    expect(one.json).toMatchObject({
      version: 1,
      history: [{ version: 1, why: 'first settings', by: { kind: 'file' } }],
    });
    expect((await get('/api/detectors/nothing')).status).toBe(404);
  });

  it('are changed in part, from the version that was seen, by who asks, with a reason', async () => {
    await open();
    const answer = await send('PUT', '/api/detectors/card-declines', {
      thresholds: { warning: 4 },
      mode: 'shadow',
      basedOn: 1,
      why: 'too loud',
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      version: 2,
      settings: { thresholds: { warning: 4, critical: 8 }, mode: 'shadow', window: '10m' },
      history: [{ version: 2, why: 'too loud', by: { kind: 'console' } }, { version: 1 }],
    });
    const stale = await send('PUT', '/api/detectors/card-declines', { mode: 'off', basedOn: 1 });
    expect({ status: stale.status, code: errorOf(stale).code }).toEqual({ status: 409, code: 'stale_version' });
  });

  it.each([
    [{ thresholds: { warning: 9 }, basedOn: 1 }, 422, 'invalid_detector'],
    [{ thresholds: { warning: -1 }, basedOn: 1 }, 422, 'invalid_detector'],
    [{ where: 'outcome === 3', basedOn: 1 }, 422, 'invalid_detector'],
    [{ treshold: 4, basedOn: 1 }, 422, 'invalid_detector'],
    [{ mode: 'loud', basedOn: 1 }, 422, 'invalid_detector'],
    [{ name: 'other', basedOn: 1 }, 422, 'invalid_detector'],
    [{ mode: 'off' }, 400, 'invalid_request'],
    [{ mode: 'off', basedOn: 1, why: 7 }, 400, 'invalid_request'],
  ])('refuse %j with %i %s', async (body, status, code) => {
    await open();
    const answer = await send('PUT', '/api/detectors/card-declines', body);
    expect({ status: answer.status, code: errorOf(answer).code }).toEqual({ status, code });
    expect(errorOf(answer).details.length).toBeGreaterThan(0);
    expect(desk.feed.settings()[0]?.rule.version).toBe(1);
  });

  it('are gone from the list once removed; their history stays', async () => {
    await open();
    await desk.tell(settingsCommand(null, { basedOn: 1, why: 'no longer needed' }), ANA);
    expect((await get('/api/detectors')).json).toEqual({ detectors: [] });
    expect((await get('/api/detectors/card-declines')).json).toMatchObject({ version: 2, settings: null });
    expect((await send('PUT', '/api/detectors/card-declines', { mode: 'off', basedOn: 2 })).status).toBe(404);
  });

  it('say so when nothing changed', async () => {
    await open();
    const { mode } = detectorSettings();
    const answer = await send('PUT', '/api/detectors/card-declines', { mode, basedOn: 1 });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ version: 1 });
  });
});

describe('mutes, deliveries, health', () => {
  it('lists mutes and lifts the one that is named', async () => {
    await open();
    await desk.tell(report(1, [episode(0, 0)]));
    await desk.tell({ type: 'mute', incident: 'INC-1', until: T0_MS + 60_000 }, ANA);
    expect((await get('/api/mutes')).json).toMatchObject({
      mutes: [{ detector: 'card-declines', incident: 'INC-1', until: new Date(T0_MS + 60_000).toISOString() }],
    });
    expect((await send('DELETE', '/api/mutes')).status).toBe(400);
    expect((await send('DELETE', '/api/mutes?incident=INC-1')).status).toBe(200);
    expect((await get('/api/mutes')).json).toEqual({ mutes: [] });
    expect((await send('DELETE', '/api/mutes?incident=INC-1')).status).toBe(409);
  });

  it('lists what could not be told', async () => {
    const failed = {
      output: 'sheets',
      subject: 'INC-1',
      slot: 'row',
      state: 'failed',
      version: 3,
      at: T0_MS,
      place: null,
      error: 'not shared',
      tries: 4,
    } as const;
    await open({ failedDeliveries: () => [failed] });
    expect((await get('/api/deliveries?state=failed')).json).toEqual({
      deliveries: [
        {
          output: 'sheets',
          incident: 'INC-1',
          slot: 'row',
          state: 'failed',
          version: 3,
          at: new Date(T0_MS).toISOString(),
          url: null,
          error: 'not shared',
          tries: 4,
        },
      ],
    });
    expect((await get('/api/deliveries?state=posted')).status).toBe(400);
  });

  it('is ready or not, and names each part with its cure', async () => {
    const part = {
      name: 'slack',
      state: 'down',
      message: 'The token was revoked.',
      help: 'Install the app again.',
    } as const;
    await open({ health: async () => ({ ready: false, parts: [part] }) });
    const ready = await get('/readyz');
    expect(ready.status).toBe(503);
    const said = { ready: false, parts: [{ name: 'slack', state: 'down', detail: part.message, cure: part.help }] };
    expect(ready.json).toEqual(said);
    expect((await get('/api/status')).json).toEqual(said);
    expect((await get('/healthz')).json).toEqual({ ok: true });
    const metrics = await get('/metrics');
    expect(metrics.headers['content-type']).toContain('text/plain');
    expect(metrics.text).toBe('declinewatch_up 1\n');
  });

  it.each(['/api/what-if', '/api/why', '/api/coverage', '/api/nothing', '/nothing'])(
    '%s is not there',
    async (path) => {
      await open();
      const answer = await get(path);
      expect({ status: answer.status, code: errorOf(answer).code }).toEqual({ status: 404, code: 'not_found' });
    },
  );

  it('says nothing of what failed inside', async () => {
    await open({ metrics: () => Promise.reject(new Error('the password is hunter2')) });
    const answer = await get('/metrics');
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('hunter2');
  });
});

async function collect({ log }: ConsoleDesk) {
  const records: { key: string | null; value: string; timeMs: number }[] = [];
  for await (const page of log.read('incidents', 0, 0))
    records.push(...page.map(({ key, value, timeMs }) => ({ key, value, timeMs })));
  return records;
}
