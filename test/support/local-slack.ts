// A Slack to test against: the emulator keeps messages, threads, views and trigger ids; this gateway adds what it lacks:
// pressing buttons of messages really posted, modals, answers to the clicker, Socket Mode, user groups, block limits, an
// honest history, and faults. Undocumented at Slack and therefore a guess here: the order of simultaneous deliveries.
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createEmulator } from 'emulate';
import { elementsOf, homeProblems, messageProblems, viewProblems } from './block-kit.ts';
import { createRates, type Rates } from './local-slack-rates.ts';
import { createSocketHub } from './local-slack-socket.ts';

export type SlackMessage = {
  readonly ts: string;
  readonly text: string;
  readonly thread_ts?: string;
  readonly blocks?: readonly Record<string, unknown>[];
  readonly metadata?: { readonly event_type: string; readonly event_payload: Record<string, unknown> };
};

export type SlackUser = { readonly id: string; readonly name: string; readonly teamId: string };

export type Fault = {
  readonly method: string;
  /** `lost`: carried out, but the connection breaks before the answer; `hang`: carried out, never answered. */
  readonly kind: 'lost' | 'hang' | '500' | '429' | { readonly error: string };
  readonly times: number;
  readonly retryAfterS?: number;
};

export type LocalSlack = Awaited<ReturnType<typeof startLocalSlack>>;

type Json = Record<string, unknown>;
type Waiting = Fault & { left: number };

const SIGNING_SECRET = 'local-signing-secret';
const APP_TOKEN = 'xapp-local';
/** The emulator gives each token 5,000 requests; then the next one is used. */
const REQUESTS_PER_TOKEN = 4_500;
const TOKENS = 20;

export async function startLocalSlack() {
  const emulator = await createEmulator({ service: 'slack', port: 0, seed: { slack: seed() } });
  const hub = createSocketHub();
  const calls: { readonly method: string; readonly body: Json; readonly at: number }[] = [];
  const faults: Waiting[] = [];
  const views: Json[] = [];
  /** Forms as they look now, by view id; and those that people closed. */
  const shown = new Map<string, Json>();
  const closed = new Set<string>();
  const responses: { readonly user: string; readonly body: Json }[] = [];
  const groups = new Map<string, readonly string[]>();
  const membersOf = new Map<string, readonly string[]>();
  const shared = new Set<string>();
  const gone = new Set<string>();
  const archived = new Set<string>();
  const homes = new Map<string, Json>();
  const hanging = new Set<ServerResponse>();
  const rating = { rates: null as Rates | null, now: () => Date.now() };
  const granted = { scopes: null as readonly string[] | null };
  const state = { botToken: 'xoxb-local', requestUrl: null as string | null, stored: 0, actionTs: 0 };

  const store = async (method: string, body: Json): Promise<Json> => {
    state.stored += 1;
    const token = `xoxb-store-${Math.min(Math.floor(state.stored / REQUESTS_PER_TOKEN), TOKENS - 1)}`;
    const answer = await fetch(`${emulator.url}/api/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the store answers ${answer.status} to ${method}`);
    return (await answer.json()) as Json;
  };

  const server = createServer((req, res) => {
    handle(req, res).catch((error: unknown) => {
      res.writeHead(500).end(String(error));
    });
  });
  server.on('upgrade', (req, socket) => hub.upgrade(req, socket));
  const url = await listen(server);

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = new URL(req.url ?? '/', url).pathname;
    const body = parse(await readAll(req), req.headers['content-type'] ?? '');
    if (path.startsWith('/response/')) {
      responses.push({ user: path.slice('/response/'.length), body });
      return void res.writeHead(200).end('ok');
    }
    const method = path.replace(/^\/api\//, '');
    calls.push({ method, body, at: rating.now() });
    const waitS = rating.rates?.refusal(method, String(body.channel)) ?? null;
    if (waitS !== null) {
      res.setHeader('retry-after', String(waitS));
      return json(res, { ok: false, error: 'ratelimited' }, 429);
    }
    const token = (req.headers.authorization ?? '').replace(/^Bearer /, '');
    const fault = faults.find((one) => one.method === method && one.left > 0);
    if (granted.scopes !== null) res.setHeader('x-oauth-scopes', granted.scopes.join(','));
    if (fault === undefined) return json(res, await answerOf(method, body, token));
    fault.left -= 1;
    if (fault.kind === '429') {
      res.setHeader('retry-after', String(fault.retryAfterS ?? 1));
      return json(res, { ok: false, error: 'ratelimited' }, 429);
    }
    if (fault.kind === '500') return json(res, { ok: false }, 500);
    if (typeof fault.kind === 'object') return json(res, { ok: false, error: fault.kind.error });
    await answerOf(method, body, token);
    if (fault.kind === 'lost') return void res.destroy();
    hanging.add(res);
  }

  async function answerOf(method: string, body: Json, token: string): Promise<Json> {
    if (method === 'apps.connections.open') {
      if (token !== APP_TOKEN) return { ok: false, error: 'invalid_auth' };
      return { ok: true, url: `${url.replace('http', 'ws')}/socket` };
    }
    if (token !== state.botToken) return { ok: false, error: 'invalid_auth' };
    if (method === 'usergroups.users.list') {
      const users = groups.get(String(body.usergroup));
      return users === undefined ? { ok: false, error: 'no_such_subteam' } : { ok: true, users };
    }
    if (method === 'conversations.members') {
      const ids = membersOf.get(String(body.channel)) ?? everybody();
      return { ok: true, members: ids, response_metadata: { next_cursor: '' } };
    }
    if (method === 'conversations.info') {
      const answer = await store(method, body);
      const isShared = shared.has(String(body.channel));
      const channel = {
        ...(answer.channel as Json),
        is_ext_shared: isShared,
        is_archived: archived.has(String(body.channel)),
      };
      return answer.ok === true ? { ...answer, channel } : answer;
    }
    if (method === 'users.info') {
      const answer = await store(method, body);
      return answer.ok === true
        ? { ...answer, user: { ...(answer.user as Json), deleted: gone.has(String(body.user)) } }
        : answer;
    }
    if (method === 'views.publish') {
      const view = body.view as Json;
      if (homeProblems(view).length > 0) return { ok: false, error: 'invalid_arguments' };
      homes.set(String(body.user_id), view);
      return await store(method, body);
    }
    if (method === 'conversations.history' || method === 'conversations.replies') return await history(method, body);
    if (method === 'chat.postMessage' || method === 'chat.update') {
      if (archived.has(String(body.channel))) return { ok: false, error: 'is_archived' };
      if (messageProblems(body).length > 0)
        return { ok: false, error: body.blocks === undefined ? 'no_text' : 'invalid_blocks' };
    }
    if (method === 'views.open' || method === 'views.update') {
      const view = body.view as Json;
      if (viewProblems(view).length > 0) return { ok: false, error: 'invalid_arguments' };
      if (closed.has(String(body.view_id))) return { ok: false, error: 'not_found' };
      const answer = await store(method, body);
      if (answer.ok !== true) return answer;
      const stored = { ...view, ...(answer.view as Json) };
      shown.set(String(stored.id), stored);
      if (method === 'views.open') views.push(stored);
      return answer;
    }
    return await store(method, body);
  }

  /** `oldest`, `latest`, `limit`, `cursor` and `include_all_metadata` as Slack keeps them; the store ignores them. */
  async function history(method: string, body: Json): Promise<Json> {
    const answer = await store(method, { channel: body.channel, ts: body.ts, limit: 1000 });
    if (answer.ok !== true) return answer;
    const from = Number(body.oldest ?? 0);
    const to = Number(body.latest ?? Number.MAX_SAFE_INTEGER);
    const all = (answer.messages as SlackMessage[]).filter(({ ts }) => Number(ts) > from && Number(ts) < to);
    const start = Number(body.cursor || 0);
    const limit = Number(body.limit ?? 100);
    const isFull = String(body.include_all_metadata) === 'true';
    const messages = all
      .slice(start, start + limit)
      .map(({ metadata, ...rest }) => (isFull && metadata ? { ...rest, metadata } : rest));
    const next = start + limit < all.length ? String(start + limit) : '';
    return { ok: true, messages, has_more: next !== '', response_metadata: { next_cursor: next } };
  }

  const { team_id: teamId } = (await store('auth.test', {})) as { team_id: string };
  const { channels } = (await store('conversations.list', {})) as { channels: { id: string; name: string }[] };
  const { members } = (await store('users.list', {})) as { members: { id: string; name: string }[] };
  const everybody = (): readonly string[] => members.map(({ id }) => id);
  const channelOf = (name: string): string => channels.find((channel) => channel.name === name)?.id ?? '';
  const userOf = (name: string): SlackUser => ({
    id: members.find((user) => user.name === name)?.id ?? '',
    name,
    teamId,
  });

  const messages = async (channel: string): Promise<readonly SlackMessage[]> => {
    const { messages: found } = (await store('conversations.history', { channel, limit: 1000 })) as {
      messages: SlackMessage[];
    };
    return found.toReversed();
  };

  /** A payload to wherever the app listens; over HTTP the status and body, over a socket the acknowledgement. */
  const deliver = async (
    payload: Json,
    type: 'interactive' | 'slash_commands' | 'events_api' = 'interactive',
  ): Promise<{ readonly status: number; readonly body: unknown }> => {
    if (hub.open() > 0) {
      const ack = await hub.deliver(type, payload);
      return { status: ack === null ? 408 : 200, body: ack };
    }
    if (state.requestUrl === null) throw new Error('the app listens nowhere');
    const raw = rawOf(payload, type);
    const headers = type === 'events_api' ? { ...sign(raw), 'content-type': 'application/json' } : sign(raw);
    const answer = await fetch(state.requestUrl, { method: 'POST', headers, body: raw });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  };

  const person = (user: SlackUser): Json => ({
    id: user.id,
    username: user.name,
    name: user.name,
    team_id: user.teamId,
  });
  const base = (user: SlackUser): Json => ({
    team: { id: teamId, domain: 'lab' },
    user: person(user),
    api_app_id: 'A0LAB',
    token: 'legacy',
    enterprise: null,
    is_enterprise_install: false,
  });

  return {
    apiUrl: `${url}/api/`,
    appToken: APP_TOKEN,
    signingSecret: SIGNING_SECRET,
    botToken: () => state.botToken,
    /** From now on only this token is accepted. */
    setBotToken: (token: string): void => {
      state.botToken = token;
    },
    /** What Slack says of the token with each answer. */
    grant: (scopes: readonly string[]): void => {
      granted.scopes = scopes;
    },
    teamId,
    channels: { alerts: channelOf('fraud-alerts'), test: channelOf('fraud-test') },
    users: { ana: userOf('ana'), bo: userOf('bo'), outsider: { id: 'U0OUTSIDE', name: 'eve', teamId: 'T0OTHER' } },
    messages,
    thread: async (channel: string, ts: string): Promise<readonly SlackMessage[]> => {
      const answer = (await store('conversations.replies', { channel, ts })) as { messages: SlackMessage[] };
      return answer.messages.filter((message) => message.ts !== ts);
    },
    /** Calls of a method that arrived, with their bodies, faulty ones included. */
    calls: (method: string) => calls.filter((call) => call.method === method),
    fault: (fault: Fault): void => void faults.push({ ...fault, left: fault.times }),
    /** From now on Slack's own rates are kept, by this clock, which also stamps the calls. */
    keepRates: (now: () => number): Rates => {
      rating.now = now;
      rating.rates = createRates(now);
      return rating.rates;
    },
    clearFaults: (): void => void faults.splice(0),
    /** Where requests go in HTTP mode. */
    setRequestUrl: (requestUrl: string | null): void => {
      state.requestUrl = requestUrl;
    },
    /** Default: everybody. */
    setMembers: (channel: string, users: readonly string[]): void => void membersOf.set(channel, users),
    setShared: (channel: string, isShared: boolean): void =>
      void (isShared ? shared.add(channel) : shared.delete(channel)),
    setArchived: (channel: string, is: boolean): void => void (is ? archived.add(channel) : archived.delete(channel)),
    /** The person leaves the workspace. */
    leave: (user: string): void => void gone.add(user),
    /** What App Homes show, by user. */
    homes,
    openHome: async (user: SlackUser) =>
      await deliver(
        {
          type: 'event_callback',
          team_id: user.teamId,
          api_app_id: 'A0LAB',
          token: 'legacy',
          event_id: `Ev${Date.now()}`,
          event_time: Math.floor(Date.now() / 1000),
          authorizations: [
            { team_id: teamId, user_id: 'U0BOT', is_bot: true, enterprise_id: null, is_enterprise_install: false },
          ],
          event: { type: 'app_home_opened', user: user.id, channel: 'D0HOME', tab: 'home', event_ts: '1.1' },
        },
        'events_api',
      ),
    /** Types a slash command; what comes back to the typer is in `responses`. */
    command: async (user: SlackUser, text: string) => {
      const { trigger_id } = await store('views.generateTriggerId', { user_id: user.id });
      return await deliver(
        {
          command: '/declinewatch',
          text,
          token: 'legacy',
          team_id: user.teamId,
          team_domain: 'lab',
          channel_id: channelOf('fraud-alerts'),
          channel_name: 'fraud-alerts',
          user_id: user.id,
          user_name: user.name,
          api_app_id: 'A0LAB',
          is_enterprise_install: 'false',
          response_url: `${url}/response/${user.id}`,
          trigger_id,
        },
        'slash_commands',
      );
    },
    /** Presses what the person's App Home really shows; throws if it has no such button. */
    pressHome: async (user: SlackUser, action: string, value: string) => {
      const view = homes.get(user.id) ?? {};
      const block = (view.blocks as Json[] | undefined)?.find((one) =>
        elementsOf(one).some((element) => element.action_id === action && element.value === value),
      );
      const element = elementsOf(block ?? {}).find((one) => one.action_id === action);
      if (element === undefined) throw new Error(`the App Home has no ${action} ${value}`);
      const { trigger_id } = await store('views.generateTriggerId', { user_id: user.id });
      state.actionTs += 1;
      return await deliver({
        type: 'block_actions',
        ...base(user),
        container: { type: 'view', view_id: 'V0HOME' },
        view: { ...view, id: 'V0HOME', type: 'home' },
        trigger_id,
        actions: [
          {
            type: 'button',
            action_id: action,
            block_id: block?.block_id,
            value,
            text: element.text,
            action_ts: `1800000000.${String(state.actionTs).padStart(6, '0')}`,
          },
        ],
      });
    },
    setGroup: (group: string, users: readonly string[]): void => void groups.set(group, users),
    connections: hub.open,
    disconnectOne: hub.disconnectOne,
    views,
    responses,
    /** Presses what the message really holds; throws if it has no such element any more. */
    press: async (press: {
      readonly channel: string;
      readonly incident: string;
      readonly action: string;
      readonly user: SlackUser;
      readonly option?: string;
      readonly actionTs?: string;
    }) => {
      const found = (await messages(press.channel)).find(
        (one) => one.metadata?.event_payload.incident === press.incident && one.thread_ts === undefined,
      );
      if (found === undefined) throw new Error(`no message of ${press.incident}`);
      const block = found.blocks?.find((one) => elementsOf(one).some((element) => element.action_id === press.action));
      const element = elementsOf(block ?? {}).find((one) => one.action_id === press.action);
      if (element === undefined) throw new Error(`${press.incident} has no ${press.action} to press`);
      const { trigger_id } = await store('views.generateTriggerId', { user_id: press.user.id });
      state.actionTs += 1;
      const chosen = (element.options as Json[] | undefined)?.find((option) => option.value === press.option);
      if (element.type === 'overflow' && chosen === undefined) throw new Error(`no option ${press.option}`);
      return await deliver({
        type: 'block_actions',
        ...base(press.user),
        container: { type: 'message', message_ts: found.ts, channel_id: press.channel, is_ephemeral: false },
        channel: { id: press.channel, name: 'fraud-alerts' },
        message: found,
        state: { values: {} },
        trigger_id,
        response_url: `${url}/response/${press.user.id}`,
        actions: [
          {
            type: element.type,
            action_id: press.action,
            block_id: block?.block_id,
            ...(element.type === 'overflow'
              ? { selected_option: chosen }
              : { value: element.value, text: element.text }),
            action_ts: press.actionTs ?? `${Math.floor(Date.now() / 1000)}.${String(state.actionTs).padStart(6, '0')}`,
          },
        ],
      });
    },
    /** A press on a message as it was shown before an edit arrived, or one that is replayed. */
    pressStale: async (press: {
      readonly message: SlackMessage | undefined;
      readonly incident: string;
      readonly action: string;
      readonly user: SlackUser;
      readonly actionTs?: string;
    }) => {
      state.actionTs += 1;
      const text = { type: 'plain_text', text: press.action };
      const action_ts = press.actionTs ?? `1800000001.${String(state.actionTs).padStart(6, '0')}`;
      return await deliver({
        type: 'block_actions',
        ...base(press.user),
        container: {
          type: 'message',
          message_ts: press.message?.ts,
          channel_id: channelOf('fraud-alerts'),
          is_ephemeral: false,
        },
        channel: { id: channelOf('fraud-alerts'), name: 'fraud-alerts' },
        message: press.message,
        state: { values: {} },
        trigger_id: 'used',
        response_url: `${url}/response/${press.user.id}`,
        actions: [{ type: 'button', action_id: press.action, block_id: 'b', value: press.incident, text, action_ts }],
      });
    },
    /** Sends the newest open modal with these values. */
    submit: async (
      user: SlackUser,
      values: {
        readonly verdict?: string;
        readonly note?: string;
        readonly duration?: string;
        readonly owner?: string;
      },
    ) => {
      const view = views.at(-1);
      if (view === undefined) throw new Error('no modal is open');
      const chosen = (block: string, value: string | undefined): Json =>
        value === undefined
          ? {}
          : { [block]: { [block]: { type: 'radio_buttons', selected_option: optionOf(view, block, value) } } };
      const note = { note: { note: { type: 'plain_text_input', value: values.note ?? null } } };
      return await deliver({
        type: 'view_submission',
        ...base(user),
        trigger_id: 'unused',
        response_urls: [],
        view: {
          ...view,
          state: {
            values: {
              ...chosen('verdict', values.verdict),
              ...chosen('duration', values.duration),
              ...note,
              owner: { owner: { type: 'users_select', selected_user: values.owner ?? null } },
            },
          },
        },
      });
    },
    /** The newest form as it looks now. */
    form: (): Json => shown.get(String(views.at(-1)?.id)) ?? {},
    closeForm: (): void => void closed.add(String(views.at(-1)?.id)),
    /** Sends the newest form with these fields changed, the others as they stand there. */
    submitForm: async (user: SlackUser, changed: Readonly<Record<string, string>>) => {
      const view = shown.get(String(views.at(-1)?.id));
      if (view === undefined) throw new Error('no modal is open');
      const state = { values: filledIn(view, changed) };
      const answer = await deliver({
        type: 'view_submission',
        ...base(user),
        trigger_id: 'unused',
        response_urls: [],
        view: { ...view, state },
      });
      const { response_action: action, view: next } = answer.body as { response_action?: string; view?: Json };
      if (action === 'update' && next !== undefined) {
        const problems = viewProblems(next);
        if (problems.length > 0) throw new Error(problems.join(', '));
        shown.set(String(view.id), { ...next, id: view.id });
      }
      return answer;
    },
    /** Presses what the newest form really shows; throws if it has no such button. */
    pressForm: async (user: SlackUser, action: string) => {
      const view = shown.get(String(views.at(-1)?.id)) ?? {};
      const elements = ((view.blocks ?? []) as Json[]).flatMap((block) => elementsOf(block));
      const element = elements.find((one) => one.action_id === action);
      if (element === undefined) throw new Error(`the form has no ${action}`);
      const { trigger_id } = await store('views.generateTriggerId', { user_id: user.id });
      state.actionTs += 1;
      const action_ts = `1800000002.${String(state.actionTs).padStart(6, '0')}`;
      return await deliver({
        type: 'block_actions',
        ...base(user),
        container: { type: 'view', view_id: view.id },
        view: { ...view, type: 'modal', state: { values: {} } },
        trigger_id,
        actions: [{ ...element, block_id: 'b', action_ts }],
      });
    },
    deliver,
    sign,
    close: async (): Promise<void> => {
      for (const res of hanging) res.destroy();
      hub.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await emulator.close();
    },
  };
}

/** The option as the view that was really opened holds it; throws if it has none. */
function optionOf(view: Json, block: string, value: string): Json {
  const found = (view.blocks as Json[]).find((one) => one.block_id === block);
  const options = (found?.element as { options?: Json[] } | undefined)?.options ?? [];
  const option = options.find((one) => one.value === value);
  if (option === undefined) throw new Error(`the form has no ${block} ${value}`);
  return option;
}

/** The state of a form: what it was opened with, and what was changed in it. */
function filledIn(view: Json, changed: Readonly<Record<string, string>>): Json {
  const values: Json = {};
  for (const { block_id: block, element } of view.blocks as { block_id?: string; element?: Json }[]) {
    if (block === undefined || element === undefined) continue;
    const typed = changed[block];
    const isChoice = element.type === 'radio_buttons';
    const chosen = isChoice && typed !== undefined ? optionOf(view, block, typed) : (element.initial_option ?? null);
    const value = typed ?? element.initial_value ?? null;
    values[block] = {
      [String(element.action_id)]: {
        type: element.type,
        ...(isChoice ? { selected_option: chosen } : { value: value === '' ? null : value }),
      },
    };
  }
  return values;
}

/** Interactions are a form with a `payload`, slash commands a plain form, events JSON. */
function rawOf(payload: Json, type: 'interactive' | 'slash_commands' | 'events_api'): string {
  if (type === 'events_api') return JSON.stringify(payload);
  if (type === 'slash_commands') return new URLSearchParams(payload as Record<string, string>).toString();
  return `payload=${encodeURIComponent(JSON.stringify(payload))}`;
}

/** Headers of a request as Slack signs it; `ageS` shifts its stamp. */
function sign(
  raw: string,
  { ageS = 0, secret = SIGNING_SECRET }: { ageS?: number; secret?: string } = {},
): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000) - ageS);
  const signature = createHmac('sha256', secret).update(`v0:${timestamp}:${raw}`).digest('hex');
  return {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${signature}`,
  };
}

function seed() {
  const app = { app_id: 'A0LAB', bot_id: 'B0LAB', bot_user_id: 'U0BOT' };
  const scopes = ['chat:write', 'channels:read', 'channels:history', 'users:read', 'usergroups:read'];
  return {
    team: { name: 'Lab', domain: 'lab' },
    users: ['ana', 'bo'].map((name) => ({ name, email: `${name}@example.com` })),
    channels: [{ name: 'fraud-alerts' }, { name: 'fraud-test' }],
    oauth_apps: [{ ...app, client_id: '1.2', client_secret: 's', name: 'declinewatch', redirect_uris: [] }],
    tokens: Array.from({ length: TOKENS }, (_, index) => ({
      ...app,
      token: `xoxb-store-${index}`,
      type: 'bot' as const,
      user_id: 'U0BOT',
      scopes,
    })),
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readAll(req: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of req) text += String(chunk);
  return text;
}

/** Slack takes forms, whose structured values are JSON, and JSON. */
function parse(text: string, contentType: string): Json {
  if (text === '') return {};
  if (contentType.startsWith('application/json')) return JSON.parse(text) as Json;
  const entries = [...new URLSearchParams(text)].map(([name, value]) => [
    name,
    /^[[{]/.test(value) && name !== 'text' ? JSON.parse(value) : value,
  ]);
  return Object.fromEntries(entries) as Json;
}

function json(res: ServerResponse, body: Json, status = 200): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
