// Buttons of messages really posted, pressed over HTTP and over Socket Mode, through the real Bolt to a command in the log.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SlackInbound, type SlackInboundOptions, startSlackInbound } from '../../src/alerts/slack-inbound.ts';
import { systemClock } from '../../src/model/clock.ts';
import type { Change, Command } from '../../src/model/commands.ts';
import type { Incident } from '../../src/model/incident.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../support/sample-incident.ts';
import { type Desk, openDesk } from '../support/slack-desk.ts';

const until = { timeout: 15_000, interval: 20 };
const logger = pino({ level: 'silent' });

type Outcome = Pick<Change, 'type' | 'refusal'>;

let slack: LocalSlack;
let desk: Desk;
let inbound: SlackInbound | null;
let server: Server | null;
let commands: Command[];
let outcomes: Map<string, Outcome>;
let isLogAway: boolean;

beforeEach(async () => {
  slack = await startLocalSlack();
  desk = await openDesk(slack);
  inbound = null;
  server = null;
  commands = [];
  outcomes = new Map();
  isLogAway = false;
});

afterEach(async () => {
  await inbound?.close();
  await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)));
  await desk.close();
  await slack.close();
});

/** What the incident manager does with a click, as far as these tests need it: the first one wins. */
async function apply(command: Command): Promise<void> {
  if (isLogAway) throw new Error('log away');
  commands.push(command);
  if (outcomes.has(command.id) || !('incident' in command.body)) return;
  const before = desk.states.get(command.body.incident);
  const next = before === undefined ? null : nextState(before, command);
  const refusal = { code: 'already_acknowledged', message: 'Already acknowledged by ana 10 s ago.' } as const;
  outcomes.set(command.id, next === null ? { type: 'refused', refusal } : { type: 'acknowledged', refusal: null });
  if (next !== null) await desk.put(next);
}

function nextState(incident: Incident, { body, actor, at }: Command): Incident | null {
  const version = incident.version + 1;
  if (body.type === 'acknowledge' && incident.status === 'open') {
    const { peak, severity } = incident;
    return acknowledgedBy(incident, { acknowledged: { by: actor, at, peak, severity } });
  }
  if (body.type === 'resolve' && incident.status !== 'resolved') {
    const done = resolvedBy(incident);
    return done.resolved === null
      ? null
      : { ...done, resolved: { ...done.resolved, by: actor, at, verdict: body.verdict, note: body.note } };
  }
  if (body.type === 'mute') return { ...incident, version, mutedUntil: body.until, updatedAt: at };
  if (body.type === 'unacknowledge' || body.type === 'reopen')
    return { ...incident, version, status: 'open', acknowledged: null, resolved: null };
  return body.type === 'assign' ? { ...incident, version, owner: body.owner } : null;
}

async function listen(mode: 'http' | 'socket', overrides: Partial<SlackInboundOptions> = {}): Promise<SlackInbound> {
  const started = startSlackInbound({
    botToken: slack.botToken(),
    appToken: mode === 'socket' ? slack.appToken : null,
    signingSecret: slack.signingSecret,
    apiUrl: slack.apiUrl,
    responders: [],
    channels: [slack.channels.alerts],
    slash: async () => ({ kind: 'text', text: 'answered', blocks: [] }),
    home: () => [],
    submit: apply,
    outcome: async (id) => outcomes.get(id) ?? null,
    hiddenByMute: () => 'In the last 30 days it would have hidden 2 incidents.',
    clock: systemClock,
    logger,
    ...overrides,
  });
  inbound = started;
  if (mode === 'http') {
    const listening = createServer((req, res) => void started.handleHttp(req, res));
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    slack.setRequestUrl(`http://127.0.0.1:${(listening.address() as AddressInfo).port}/slack/events`);
  }
  await expect.poll(() => started.status().state, until).toBe('running');
  return started;
}

const ofAlert = async (version: number) =>
  await expect
    .poll(async () => (await desk.receipts()).find(({ slot }) => slot === 'message'), until)
    .toMatchObject({ state: 'posted', version });
const press = async (action: string, user = slack.users.ana, more: { option?: string; actionTs?: string } = {}) =>
  await slack.press({ channel: slack.channels.alerts, incident: 'INC-1', action, user, ...more });
const message = async () => (await slack.messages(slack.channels.alerts))[0];

async function openIncident(): Promise<void> {
  await desk.start();
  await desk.put(sampleIncident());
  await ofAlert(1);
}

describe.each(['http', 'socket'] as const)('clicks over %s', (mode) => {
  it('acknowledge: the message says who and when, the second click is answered to its clicker alone', async () => {
    await openIncident();
    const listening = await listen(mode);
    expect(listening.status().pressedAt).toBeNull();
    const first = await message();
    expect(await press('acknowledge')).toMatchObject({ status: 200 });
    await ofAlert(2);
    expect(listening.status().pressedAt).toBeGreaterThan(0);
    const edited = await message();
    expect(edited?.ts).toBe(first?.ts);
    expect(edited?.text).toMatch(/Acknowledged by ana at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
    expect(JSON.stringify(edited?.blocks)).toContain(`Acknowledged by <@${slack.users.ana.id}> at <!date^`);
    await expect(press('acknowledge', slack.users.bo)).rejects.toThrow('no acknowledge to press');
    // A click on a message that was shown before the edit arrived.
    const late = {
      type: 'button',
      action_id: 'acknowledge',
      block_id: 'b',
      value: 'INC-1',
      action_ts: '1.2',
      text: {},
    };
    await slack.deliver({
      type: 'block_actions',
      team: { id: slack.teamId, domain: 'lab' },
      user: { id: slack.users.bo.id, name: 'bo', username: 'bo', team_id: slack.teamId },
      api_app_id: 'A0LAB',
      token: 't',
      enterprise: null,
      is_enterprise_install: false,
      container: { type: 'message', message_ts: first?.ts, channel_id: slack.channels.alerts, is_ephemeral: false },
      channel: { id: slack.channels.alerts, name: 'fraud-alerts' },
      message: first,
      state: { values: {} },
      trigger_id: 'x',
      response_url: `${slack.apiUrl.replace('/api/', '')}/response/${slack.users.bo.id}`,
      actions: [late],
    });
    await expect.poll(() => slack.responses, until).toHaveLength(1);
    expect(slack.responses[0]).toMatchObject({
      user: slack.users.bo.id,
      body: { text: 'Already acknowledged by ana 10 s ago.', response_type: 'ephemeral', replace_original: false },
    });
    expect((await message())?.text).toContain('Acknowledged by ana');
    const posts = slack.calls('chat.postMessage').filter(({ body }) => body.thread_ts === undefined);
    expect(posts).toHaveLength(1);
  });

  it('resolve: asks for the verdict in a form and records verdict and note', async () => {
    await openIncident();
    await listen(mode);
    expect(await press('resolve')).toMatchObject({ status: 200 });
    await expect.poll(() => slack.views, until).toHaveLength(1);
    expect(await slack.submit(slack.users.ana, { verdict: 'fraud', note: 'Blocked <!channel>.' })).toMatchObject({
      status: 200,
    });
    await ofAlert(2);
    expect(commands.at(-1)?.body).toEqual({
      type: 'resolve',
      incident: 'INC-1',
      verdict: 'fraud',
      note: 'Blocked <!channel>.',
    });
    const edited = await message();
    expect(edited?.text).toContain('Resolved as fraud by ana');
    expect(JSON.stringify(edited)).not.toContain('<!channel>');
    expect(JSON.stringify(edited?.blocks)).toContain('"action_id":"reopen"');
  });

  it('resolve: a form sent after the state changed says so and stays open', async () => {
    await openIncident();
    await listen(mode);
    await press('resolve');
    await expect.poll(() => slack.views, until).toHaveLength(1);
    await desk.put(resolvedBy(sampleIncident()));
    const { body } = await slack.submit(slack.users.ana, { verdict: 'fraud' });
    expect(body).toMatchObject({ response_action: 'errors', errors: { verdict: expect.stringContaining('Already') } });
  });

  it('mute: says what it hides, asks for how long, and offers to unmute', async () => {
    await openIncident();
    await listen(mode);
    await press('more', slack.users.ana, { option: 'mute:INC-1' });
    await expect.poll(() => slack.views, until).toHaveLength(1);
    expect(JSON.stringify(slack.views[0])).toContain('In the last 30 days it would have hidden 2 incidents.');
    const before = Date.now();
    await slack.submit(slack.users.ana, { duration: '2h' });
    await ofAlert(2);
    const asked = commands.at(-1)?.body;
    const untilMs = asked?.type === 'mute' ? Number(asked.until) - before : 0;
    expect(Math.round(untilMs / 3_600_000)).toBe(2);
    expect((await message())?.text).toContain('Muted until');
    await press('more', slack.users.ana, { option: 'unmute:INC-1' });
    await ofAlert(3);
    expect(commands.at(-1)?.body).toEqual({ type: 'mute', incident: 'INC-1', until: null });
  });

  it('refuse outsiders and who is not a responder, with the reason, to them alone', async () => {
    await openIncident();
    slack.setGroup('S0RISK', [slack.users.bo.id]);
    await listen(mode, { responders: ['S0RISK'] });
    await press('acknowledge', slack.users.outsider);
    await press('acknowledge', slack.users.ana);
    await expect.poll(() => slack.responses, until).toHaveLength(2);
    expect(slack.responses[0]?.body.text).toContain('another workspace');
    expect(slack.responses[1]?.body.text).toContain('SLACK_RESPONDERS');
    expect(commands).toEqual([]);
    await press('acknowledge', slack.users.bo);
    await ofAlert(2);
  });

  it('tell the clicker when the log is away, and record nothing', async () => {
    await openIncident();
    await listen(mode);
    isLogAway = true;
    expect(await press('acknowledge')).toMatchObject({ status: 200 });
    await expect.poll(() => slack.responses, until).toHaveLength(1);
    expect(slack.responses[0]?.body.text).toContain('Not recorded');
    isLogAway = false;
    await press('acknowledge');
    await ofAlert(2);
  });

  it('give a click delivered twice the same command id', async () => {
    await openIncident();
    await listen(mode);
    await press('more', slack.users.ana, { option: 'take:INC-1', actionTs: '1800000000.000001' });
    await press('more', slack.users.ana, { option: 'take:INC-1', actionTs: '1800000000.000001' }).catch(
      () => undefined,
    );
    await ofAlert(2);
    expect(new Set(commands.map(({ id }) => id)).size).toBe(1);
    expect((await message())?.text).toContain('Owner: ana.');
  });
});

describe('requests over HTTP', () => {
  const request = async (options: { ageS?: number; secret?: string }) => {
    const raw = `payload=${encodeURIComponent(JSON.stringify({ type: 'block_actions', actions: [] }))}`;
    const started = inbound;
    if (started === null) throw new Error('not listening');
    const headers = slack.sign(raw, options);
    const signed = { timestamp: headers['x-slack-request-timestamp'], signature: headers['x-slack-signature'] };
    return await started.handle({ rawBody: Buffer.from(raw), contentType: headers['content-type'] ?? '', ...signed });
  };

  it('are refused with a wrong signature, and when they are old or from the future', async () => {
    await listen('http');
    expect(await request({ secret: 'another' })).toMatchObject({ status: 401 });
    expect(await request({ ageS: 301 })).toMatchObject({ status: 401 });
    expect(await request({ ageS: -3600 })).toMatchObject({ status: 401 });
    expect(commands).toEqual([]);
  });
});

describe('the Slack thread', () => {
  it('dies with a refused app token without taking the process along, and is started again', async () => {
    await openIncident();
    const started = startSlackInbound({
      botToken: slack.botToken(),
      appToken: 'xapp-revoked',
      signingSecret: null,
      apiUrl: slack.apiUrl,
      responders: [],
      channels: [],
      slash: async () => ({ kind: 'text', text: '', blocks: [] }),
      home: () => [],
      submit: apply,
      outcome: async () => null,
      hiddenByMute: () => null,
      clock: systemClock,
      logger,
    });
    inbound = started;
    await expect.poll(() => started.status().restarts, until).toBeGreaterThanOrEqual(1);
    expect(started.status().lastError?.message).toContain('invalid_auth');
    // Deliveries go on all the while.
    await desk.put(sampleIncident({ version: 2, peak: 20 }));
    await ofAlert(2);
  });

  it('loses no click while Slack renews a connection', async () => {
    await openIncident();
    const started = await listen('socket');
    await expect.poll(() => slack.connections(), until).toBe(2);
    slack.disconnectOne();
    await expect.poll(() => slack.connections(), until).toBe(1);
    expect(await press('acknowledge')).toMatchObject({ status: 200, body: {} });
    await ofAlert(2);
    await expect.poll(() => started.status().connections, until).toBe(2);
    expect(started.status().restarts).toBe(0);
  });

  it('keeps two connections open', async () => {
    const started = await listen('socket');
    await expect.poll(() => started.status().connections, until).toBe(2);
    expect(slack.connections()).toBe(2);
  });
});
