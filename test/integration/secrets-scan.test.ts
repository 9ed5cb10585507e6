// A full run with marked secrets and marked personal data: afterwards they are nowhere but where design §4.9 allows. The real
// command as a process, the embedded log, local Slack and Google; everything that was written, sent, answered and logged is
// searched.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqliteReader } from '../../src/log/sqlite-reader.ts';
import { TOPICS, type TopicName } from '../../src/model/topics.ts';
import { eventually } from '../support/eventually.ts';
import {
  createInstallation,
  type Installation,
  PII_KEY,
  type RunningProcess,
  WEBHOOK_SECRET,
} from '../support/installation.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { failedCharge, LOCAL_KEY, type LocalStripe, startLocalStripe } from '../support/local-stripe.ts';
import { send } from '../support/stripe-sender.ts';

const TOKEN = 'marked-console-token-0123456789';
/** Never anywhere: how each is called when it is found. */
const EVENT_SECRETS = {
  'client secret': 'pi_marked_secret_MARKEDCLIENTSECRET',
  'card number': '4242424242424242',
  'spaced card number': '4000 0566 5566 5556',
  'key in a text': 'sk_live_MARKEDKEYINATEXT',
  'hosted link': 'MARKEDHOSTEDLINK',
} as const;
/** About a person and of no use here: never anywhere either. */
const NEVER_PERSONAL = {
  name: 'Marked Cardholder',
  street: '77 Marked Street',
  phone: '+15550199777',
} as const;
/** In the short-lived topics and the windows only. */
const PERSONAL = {
  email: 'marked.person@marked-mail.example',
  address: '198.51.100.77',
} as const;

const detector = (
  name: string,
  per: string,
  rest = 'count: attempts, thresholds: { warning: 3, critical: 5 }',
): string =>
  `  - { name: ${name}, title: Declines of ${name}, why: A run with marked data., where: outcome == "declined", per: ${per}, window: 10m, quietFor: 20m, ${rest} }`;

const DETECTORS = `
settle: 0s
metadata: { ip: client_ip }
detectors:
${detector('email-declines', 'email')}
${detector('ip-declines', 'ip')}
${detector('card-declines', 'card')}
${detector('emails-of-customer', 'customer', 'count: distinct(email), thresholds: { warning: 1 }')}
`;

let stripe: LocalStripe;
let slack: LocalSlack;
let google: LocalSheets;
let installation: Installation;
let running: RunningProcess;
let secrets: Readonly<Record<string, string>>;
/** Everything that came out of the program, by where it came out. */
const seen = new Map<string, string>();

function event(n: number, over: Readonly<Record<string, unknown>> = {}): object {
  const createdS = Math.floor(Date.now() / 1000);
  return failedCharge(`marked${n}`, createdS, {
    livemode: true,
    customer: 'cus_marked',
    receipt_email: PERSONAL.email,
    receipt_url: `https://pay.stripe.com/receipts/${EVENT_SECRETS['hosted link']}`,
    description: `Order of ${EVENT_SECRETS['card number']} with ${EVENT_SECRETS['key in a text']}`,
    statement_descriptor: EVENT_SECRETS['spaced card number'],
    client_secret: EVENT_SECRETS['client secret'],
    billing_details: {
      email: PERSONAL.email,
      name: NEVER_PERSONAL.name,
      phone: NEVER_PERSONAL.phone,
      address: { line1: NEVER_PERSONAL.street, city: 'Berlin', country: 'DE', postal_code: '10115' },
    },
    shipping: { name: NEVER_PERSONAL.name, phone: NEVER_PERSONAL.phone, address: { line1: NEVER_PERSONAL.street } },
    metadata: { client_ip: PERSONAL.address },
    payment_method_details: { type: 'card', card: { fingerprint: 'fp_marked', brand: 'visa', last4: '4242' } },
    ...over,
  }).event;
}

async function ask(path: string, method = 'GET', body?: object): Promise<string> {
  const headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const answer = await fetch(`${running.consoleUrl}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return await answer.text();
}

type Listed = { readonly incidents: readonly { readonly id: string; readonly detector: string }[] };
const incidents = async (): Promise<Listed['incidents']> =>
  (JSON.parse(await ask('/api/incidents')) as Listed).incidents;

beforeAll(async () => {
  stripe = await startLocalStripe();
  slack = await startLocalSlack();
  google = await startLocalSheets();
  const key = JSON.parse(readFileSync(google.credentialsFile, 'utf8')) as { private_key: string };
  secrets = {
    'webhook secret': WEBHOOK_SECRET,
    'Stripe key': LOCAL_KEY,
    'bot token': slack.botToken(),
    'app token': slack.appToken,
    'console token': TOKEN,
    'key of the masks': PII_KEY,
    'key of the service account': key.private_key.split('\n')[5] ?? '',
  };
  installation = createInstallation({
    detectors: DETECTORS,
    env: {
      LOG_LEVEL: 'trace',
      STRIPE_API_KEY: LOCAL_KEY,
      STRIPE_API_URL: stripe.url,
      SLACK_BOT_TOKEN: slack.botToken(),
      SLACK_APP_TOKEN: slack.appToken,
      SLACK_CHANNEL: slack.channels.alerts,
      SLACK_API_URL: slack.apiUrl,
      ...google.env,
      DECLINEWATCH_TOKENS: `ana:${TOKEN}`,
    },
  });
  running = await installation.start();
  const root = running.webhookUrl.replace(/\/webhooks\/stripe$/, '');
  const post = async (body: unknown, secret = WEBHOOK_SECRET): Promise<void> => {
    const { status, body: answer } = await send(root, body, { secret });
    seen.set(
      'answers of the webhook',
      `${seen.get('answers of the webhook') ?? ''}${status} ${JSON.stringify(answer)}\n`,
    );
  };
  for (let n = 0; n < 6; n += 1) await post(event(n));
  // What goes wrong must not tell either: a bad signature, one that cannot be normalised, one that is no JSON object.
  await post(event(90), 'whsec_of_somebody_else');
  await post({ ...event(91), data: { object: { object: 'charge', receipt_email: PERSONAL.email, id: 7 } } });
  await post([PERSONAL.email, EVENT_SECRETS['client secret']]);
  await post({ ...event(92), created: 'never', data: { object: PERSONAL.email } });
  slack.fault({ method: 'chat.update', kind: '500', times: 2 });
  await eventually(async () => (await incidents()).length === 4, {
    what: 'an incident of each detector',
    withinMs: 60_000,
    told: async () => [await incidents(), running.output().slice(-2_000)],
  });
  const [first] = await incidents();
  await ask(`/api/incidents/${first?.id}/acknowledge`, 'POST', {});
  await ask(`/api/incidents/${first?.id}/resolve`, 'POST', { verdict: 'fraud', note: 'seen' });
  await eventually(() => google.incidentIds().length === 4 && slack.calls('chat.postMessage').length >= 4, {
    what: 'rows and messages',
    withinMs: 60_000,
    told: () => [google.incidentIds(), running.output().slice(-2_000)],
  });
  for (const { id } of await incidents()) seen.set(`incident ${id}`, await ask(`/api/incidents/${id}`));
  for (const path of [
    '/',
    '/metrics',
    '/readyz',
    '/api/incidents',
    '/api/detectors',
    '/api/dead-letters',
    '/api/status',
    '/api/coverage',
    '/health',
    '/dead-letters',
  ])
    seen.set(path, await ask(path));
  const buried = JSON.parse(await ask('/api/dead-letters')) as { deadLetters: readonly { id: string }[] };
  for (const { id } of buried.deadLetters) {
    seen.set(`dead letter ${id}`, await ask(`/api/dead-letters?id=${encodeURIComponent(id)}`));
    seen.set(`page of dead letter ${id}`, await ask(`/dead-letters/${id}`));
  }
  for (const { id } of await incidents()) seen.set(`page of ${id}`, await ask(`/incidents/${id}`));
  await running.stop();
  seen.set('process output', running.output());
  for (const method of ['chat.postMessage', 'chat.update', 'conversations.history', 'views.publish'])
    seen.set(`Slack ${method}`, JSON.stringify(slack.calls(method).map(({ body }) => body)));
  for (const title of google.hands.titles()) seen.set(`sheet ${title}`, JSON.stringify(google.hands.tab(title).rows));
}, 180_000);

afterAll(async () => {
  await installation?.close();
  await Promise.all([stripe?.close(), slack?.close(), google?.close()]);
});

async function topic(name: TopicName): Promise<string> {
  const reader = openSqliteReader(join(installation.folder, 'data', 'declinewatch.db'));
  const parts: string[] = [];
  for await (const page of reader.read(name, 0, 0)) parts.push(...page.map(({ key, value }) => `${key} ${value}`));
  await reader.close();
  return parts.join('\n');
}

function foundIn(text: string, marks: Readonly<Record<string, string>>): string[] {
  const plain = text.replaceAll('\\/', '/');
  return Object.entries(marks).flatMap(([name, mark]) => (mark !== '' && plain.includes(mark) ? [name] : []));
}

describe('after a full run with marked secrets and personal data', () => {
  it('the run was a full one: events, incidents, messages, rows, dead letters, logs', async () => {
    expect((await topic('stripe-events')).split('\n').length).toBe(9);
    expect(await topic('dead-letters')).toContain('"reason"');
    expect([...seen.values()].filter((text) => text.includes('class="outline"')).length).toBeGreaterThan(0);
    expect(seen.get('Slack chat.postMessage')).toContain('Declines of ');
    expect(seen.get('sheet Incidents')).toContain('INC-4');
    expect(seen.get('process output')).toContain('"level"');
    expect(seen.get('answers of the webhook')).toContain('400');
    for (const text of [...seen.values()]) expect(text.length).toBeGreaterThan(1);
    for (const mark of Object.values(secrets)) expect(mark.length).toBeGreaterThan(8);
  });

  it('personal data is in the short-lived topics, and masked wherever else it is told', async () => {
    expect(foundIn(await topic('attempts'), PERSONAL)).toEqual(['email', 'address']);
    expect(foundIn(await topic('stripe-events'), PERSONAL)).toEqual(['email', 'address']);
    expect(await topic('incidents')).toContain('m•••@m•••.example');
    expect(seen.get('Slack chat.postMessage')).toContain('m•••@m•••.example');
    expect(seen.get('sheet Incidents')).toContain('m•••@m•••.example');
  });

  it('it is in no topic that is kept for longer, nor among the dead letters', async () => {
    const long = Object.values(TOPICS).filter(({ name }) => !['attempts', 'stripe-events'].includes(name));
    expect(long.length).toBeGreaterThanOrEqual(6);
    for (const { name } of long) expect([name, foundIn(await topic(name), PERSONAL)]).toEqual([name, []]);
  });

  it('it is in nothing that came out of the program: messages, cells, pages, answers, metrics, logs', () => {
    for (const [where, text] of seen)
      expect([where, foundIn(text, { ...PERSONAL, ...NEVER_PERSONAL })]).toEqual([where, []]);
  });

  it('secrets came out nowhere', () => {
    for (const [where, text] of seen)
      expect([where, foundIn(text, { ...secrets, ...EVENT_SECRETS })]).toEqual([where, []]);
  });

  it('secrets, card numbers, names, streets and phones are in no file of the data folder', () => {
    const data = join(installation.folder, 'data');
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name)).toContain('declinewatch.db');
    for (const { parentPath, name } of files) {
      const text = readFileSync(join(parentPath, name), 'latin1');
      expect([name, foundIn(text, { ...secrets, ...EVENT_SECRETS, ...NEVER_PERSONAL })]).toEqual([name, []]);
    }
  });
});
