// A person is taken out of what is kept: the whole program, embedded, with local Slack and Google, and the real command.
// Afterwards they are in no file, message, row, page or answer; every count stands, and what comes later is counted anew.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eraseCommand } from '../../src/cli/erase.ts';
import type { EraseStatus } from '../../src/model/erase-status.ts';
import type { IncidentJson } from '../../src/model/incident.ts';
import { TOPICS, type TopicName } from '../../src/model/topics.ts';
import { type Embedded, startEmbedded } from '../support/embedded-app.ts';
import { eventually } from '../support/eventually.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { failedCharge } from '../support/local-stripe.ts';
import { runCommand } from '../unit/cli/run-command.ts';

/** Everything that tells who they are. The card's digits stand alone in what is told. */
const PERSON = {
  customer: 'cus_MarkedPerson',
  email: 'marked.person@mail.example',
  card: 'MarkedFingerprint',
  address: '198.51.100.77',
  account: 'user-of-the-shop-77',
  digits: '•••• 7391',
  intent: 'pi_MarkedIntent',
} as const;
/** As it is stored. */
const STORED = { ...PERSON, last4: '"7391"' };
/** Of e-mail and address what is told: a mask. */
const MASKS = { email: 'm•••@m•••.example', address: '198.51.•••' } as const;
/** Shares the domain of the e-mail and a word of the shop's with the person. */
const OTHER = { customer: 'cus_Other', email: 'other@mail.example', card: 'OtherFingerprint', address: '203.0.113.9' };

const detector = (name: string, per: string, warning = 3): string =>
  `  - { name: ${name}, title: Declines of ${name}, why: A test of erasing., where: outcome == "declined", count: attempts, per: ${per}, window: 10m, quietFor: 20m, thresholds: { warning: ${warning} } }`;

const DETECTORS = `
settle: 0s
escalation: [{ after: 2s, to: S0123ABC }]
metadata: { ip: client_ip, keys: [user, plan] }
detectors:
${detector('of-customer', 'customer')}
${detector('of-email', 'email')}
${detector('of-card', 'card')}
${detector('of-ip', 'ip')}
${detector('of-user', 'metadata.user')}
${detector('of-plan', 'metadata.plan', 4)}
${detector('of-all', 'account', 5)}
  - { name: of-domain, title: Declines of one domain, why: A test of erasing., where: 'outcome == "declined" && email.endsWith("@mail.example")', count: attempts, per: account, window: 10m, quietFor: 20m, thresholds: { warning: 5 } }
`;

let slack: LocalSlack;
let google: LocalSheets;
let embedded: Embedded;

function declined(id: string, who: typeof PERSON | typeof OTHER): object {
  const isPerson = who.customer === PERSON.customer;
  return failedCharge(id, Math.floor(Date.now() / 1000), {
    livemode: true,
    customer: who.customer,
    payment_intent: isPerson ? PERSON.intent : `pi_${id}`,
    receipt_email: who.email,
    billing_details: { email: who.email, name: 'Marked' },
    metadata: { client_ip: who.address, plan: 'gold', ...(isPerson ? { user: PERSON.account } : {}) },
    payment_method_details: {
      type: 'card',
      card: { fingerprint: who.card, brand: 'visa', last4: isPerson ? '7391' : '1111' },
    },
  }).event;
}

async function incidents(): Promise<readonly IncidentJson[]> {
  return (await embedded.get('/api/incidents')).body.incidents as readonly IncidentJson[];
}

const byDetector = async (): Promise<Readonly<Record<string, IncidentJson>>> =>
  Object.fromEntries((await incidents()).map((incident) => [incident.detector, incident]));

/** What must not change by an erase. */
const facts = (all: readonly IncidentJson[]): unknown =>
  all
    .map(({ id, status, severity, peak, attemptCount, firstBreachAt, lastBreachAt, entity, evidence }) => ({
      id,
      status,
      severity,
      peak,
      attemptCount,
      firstBreachAt,
      lastBreachAt,
      kind: entity.kind,
      counts: [evidence.outcomes, evidence.codes, evidence.amounts, evidence.distinct],
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));

/** The incidents are what the log says, once the growth of the last seconds is told. */
async function verified(): Promise<void> {
  await eventually(
    async () => {
      await embedded.ask('/api/verify', { since: '1d' });
      const last = await eventually(async () => await verification(), { what: 'a verification', withinMs: 60_000 });
      return last.result?.differences.length === 0;
    },
    { what: 'no difference', withinMs: 90_000, everyMs: 500, told: verification },
  );
}

type Verification = { readonly result: { readonly differences: readonly unknown[] } | null };

async function verification(): Promise<Verification | null> {
  const { body } = await embedded.get('/api/verify');
  return body.running === null ? (body.last as Verification | null) : null;
}

async function threads(): Promise<string> {
  const messages = await slack.messages(slack.channels.alerts);
  return JSON.stringify(await Promise.all(messages.map(({ ts }) => slack.thread(slack.channels.alerts, ts))));
}

async function told(): Promise<string> {
  const messages = JSON.stringify(await slack.messages(slack.channels.alerts)) + (await threads());
  const rows = JSON.stringify(google.hands.tab('Incidents').rows);
  const pages: string[] = [];
  for (const { id } of await incidents()) {
    for (const path of [`/incidents/${id}`, `/api/incidents/${id}`]) {
      const answer = await fetch(`${embedded.app.consoleUrl}${path}`);
      pages.push(await answer.text());
    }
  }
  return [messages, rows, ...pages].join('\n');
}

async function textOf(topic: TopicName): Promise<string> {
  return (await embedded.records(topic)).map(({ key, value }) => `${key} ${value}`).join('\n');
}

const foundIn = (text: string, marks: Readonly<Record<string, string>>): string[] =>
  Object.entries(marks).flatMap(([name, mark]) => (text.includes(mark) ? [name] : []));

const SLOW = 120_000;

let before: readonly IncidentJson[];
let threadsBefore: string;
let proposedBefore: Proposed;
let dryRun: { readonly code: number; readonly out: string };
let done: { readonly code: number; readonly out: string; readonly err: string };

beforeAll(async () => {
  slack = await startLocalSlack();
  google = await startLocalSheets();
  embedded = await startEmbedded({
    detectors: DETECTORS,
    env: {
      SLACK_BOT_TOKEN: slack.botToken(),
      SLACK_APP_TOKEN: slack.appToken,
      SLACK_CHANNEL: slack.channels.alerts,
      SLACK_API_URL: slack.apiUrl,
      ...google.env,
    },
  });
  vi.stubEnv('DECLINEWATCH_URL', embedded.app.consoleUrl);
  for (let n = 0; n < 4; n += 1) expect(await embedded.post(declined(`person${n}`, PERSON))).toBe(200);
  for (let n = 0; n < 3; n += 1) expect(await embedded.post(declined(`other${n}`, OTHER))).toBe(200);
  await eventually(async () => (await incidents()).filter(({ attemptCount }) => attemptCount > 2).length >= 12, {
    what: 'an incident of each key',
    withinMs: 60_000,
    told: async () => (await incidents()).map((one) => [one.detector, one.entity.label, one.attemptCount]),
  });
  // Growth is told after its pause; then nothing is left to be told.
  await eventually(async () => (await byDetector())['of-all']?.attemptCount === 7, {
    what: 'the whole account with all attempts',
    withinMs: 60_000,
  });
  await eventually(async () => (await threads()).includes(PERSON.customer), {
    what: 'an escalation that names the customer',
    withinMs: 60_000,
    told: threads,
  });
  await settled();
  before = await incidents();
  threadsBefore = await threads();
  proposedBefore = await proposeQuieter();
  dryRun = await runCommand(eraseCommand, ['--customer', PERSON.customer, '--dry-run', '--json']);
  done = await runCommand(eraseCommand, ['--customer', PERSON.customer, '--yes']);
  await eventually(
    async () => {
      const { erase } = (await embedded.get('/api/erase')).body as { readonly erase: EraseStatus };
      return erase.outstanding.messages + erase.outstanding.rows === 0;
    },
    { what: 'messages and rows told anew', withinMs: 90_000, told: async () => await embedded.get('/api/erase') },
  );
}, SLOW * 2);

type Proposed = {
  readonly id: string;
  readonly words: string;
  readonly result: { readonly removed: readonly { readonly entity: { readonly value: string } }[] };
};

const proposedNow = async (id: string): Promise<Proposed> =>
  (await embedded.get(`/api/proposals?id=${id}`)).body.proposal as Proposed;

/** What neither person's incident would have come of; put away once it is read, so that nobody is told. */
async function proposeQuieter(): Promise<Proposed> {
  const made = await embedded.ask('/api/proposals', { detector: 'of-customer', set: { thresholds: { warning: 6 } } });
  const { id } = made.body.proposal as Proposed;
  const read = await eventually(
    async () => {
      const proposal = await proposedNow(id);
      return proposal.words === '' ? null : proposal;
    },
    { what: 'what it would have done', withinMs: 60_000, told: async () => await proposedNow(id) },
  );
  expect((await embedded.ask('/api/proposals/discard', { id })).status).toBe(200);
  return read;
}

/** Messages and rows are of the newest versions. */
async function settled(): Promise<void> {
  await eventually(
    async () => {
      for (const { id, version } of await incidents()) {
        const { body } = await embedded.get(`/api/incidents/${id}`);
        const deliveries = body.deliveries as readonly { output: string; state: string; version: number }[];
        const isTold = (output: string): boolean =>
          deliveries.some((one) => one.output === output && one.state === 'posted' && one.version >= version);
        if (!isTold('slack') || !isTold('sheets')) return false;
      }
      return true;
    },
    { what: 'messages and rows of the newest versions', withinMs: 90_000, everyMs: 200 },
  );
}

afterAll(async () => {
  vi.unstubAllEnvs();
  await embedded?.close();
  await Promise.all([slack?.close(), google?.close()]);
});

describe('an erase', () => {
  it('had something to take out: the marks were everywhere they may be', () => {
    expect(before.map(({ entity }) => entity.value)).toEqual(expect.arrayContaining([PERSON.customer, PERSON.card]));
    expect(before.map(({ entity }) => entity.label).join()).toContain(MASKS.email);
    expect(threadsBefore).toContain(PERSON.customer);
  });

  it('says first what it would do, and where', () => {
    expect(dryRun.code).toBe(0);
    const { erase } = JSON.parse(dryRun.out) as { readonly erase: EraseStatus };
    expect(erase).toMatchObject({ dryRun: true, state: 'done', by: 'customer' });
    expect(erase.found).toMatchObject({
      isKnown: true,
      attempts: 4,
      values: { customer: 1, email: 1, card: 1, ip: 1, 'metadata.user': 1 },
    });
    // Of both persons together there are three more, which tell of their attempts.
    expect(erase.found?.incidents.length).toBe(8);
    expect(erase.found).toMatchObject({ messages: 8, rows: 8, events: 4, deadLetters: 0 });
    expect(foundIn(dryRun.out, PERSON)).toEqual([]);
  });

  it('is done, and says so without saying whom', () => {
    expect([done.code, done.err]).toEqual([0, '']);
    expect(done.out).toContain('Taken out: ');
    expect(foundIn(done.out, PERSON)).toEqual([]);
  });

  it('leaves every incident with its counts, under a name that says nothing', async () => {
    const after = await incidents();
    expect(facts(after)).toEqual(facts(before));
    const named = await byDetectorOfPerson(before, after);
    for (const detectorName of ['of-customer', 'of-email', 'of-card', 'of-ip', 'of-user']) {
      const incident = named[detectorName];
      expect(incident?.entity.label).toMatch(/^erased-[0-9a-f]{6}$/);
      expect(incident?.evidence.newest).toEqual([]);
      expect(incident?.erased).toMatch(/^20/);
    }
    // The other person's stand as they were.
    const others = after.filter(({ entity }) => [OTHER.customer, OTHER.card].includes(entity.value));
    expect(others.map(({ erased }) => erased)).toEqual([undefined, undefined]);
    // What all have in common goes on under its own name, with the person's payments bare.
    const plan = after.find((incident) => incident.detector === 'of-plan');
    expect(plan?.entity.value).toBe('gold');
    expect(plan?.evidence.newest.map(({ card }) => card).sort()).toEqual([
      ...Array.from({ length: 3 }, () => 'visa •••• 1111'),
      ...Array.from({ length: 4 }, () => 'visa •••• ????'),
    ]);
  });

  it('leaves nothing of the person in Slack, the sheet, the console and the API', async () => {
    const text = await told();
    expect(text).toContain('erased-');
    expect(await threads()).toMatch(/has not been acknowledged for [^"]*on erased-/);
    expect(foundIn(text, { ...PERSON, ...MASKS_OF_PERSON() })).toEqual([]);
  });

  it('leaves what a change would have done, with the person under a name in its list', async () => {
    const values = ({ result }: Proposed): readonly string[] => result.removed.map(({ entity }) => entity.value);
    expect([...values(proposedBefore)].sort()).toEqual([PERSON.customer, OTHER.customer].sort());
    const after = await proposedNow(proposedBefore.id);
    expect(after.words).toBe(proposedBefore.words);
    expect(values(after)).toEqual(
      values(proposedBefore).map((value) => (value === PERSON.customer ? expect.stringMatching(/^erased-/) : value)),
    );
    expect(foundIn(JSON.stringify(after), { ...PERSON, ...MASKS })).toEqual([]);
  });

  it('leaves nothing in any topic, and nothing in any file', async () => {
    for (const name of Object.keys(TOPICS) as TopicName[])
      expect([name, foundIn(await textOf(name), STORED)]).toEqual([name, []]);
    expect((await textOf('stripe-events')).match(/"erased":true/g)?.length).toBe(4);
    const data = join(embedded.folder, 'data');
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name)).toContain('declinewatch.db');
    for (const { parentPath, name } of files) {
      const text = readFileSync(join(parentPath, name)).toString('utf8');
      expect([name, foundIn(text, STORED)]).toEqual([name, []]);
    }
    expect(foundIn(await textOf('attempts'), OTHER)).toEqual(['customer', 'email', 'card', 'address']);
  });

  it('is seen by nothing that recomputes the past', async () => {
    await verified();
    expect(facts(await incidents())).toEqual(facts(before));
  });

  it('knows nothing of them afterwards, and says so', async () => {
    for (const args of [
      ['--customer', PERSON.customer],
      ['--email', PERSON.email.toUpperCase()],
      ['--card', PERSON.card],
    ])
      expect(await runCommand(eraseCommand, [...args, '--yes'])).toMatchObject({
        code: 0,
        out: expect.stringContaining('Nothing is known of this'),
      });
  });

  it('what Stripe sends again of the same payments changes nothing, and does not bring them back', async () => {
    for (let n = 0; n < 4; n += 1) expect(await embedded.post(declined(`person${n}`, PERSON))).toBe(200);
    // An event of a payment that arrives only now, elder than those that are known, with an e-mail that nobody had seen on it.
    const late = declined('person0', { ...PERSON, email: 'marked.second@mail.example' }) as { created: number };
    expect(await embedded.post({ ...late, id: 'evt_late', created: late.created - 60 })).toBe(200);
    const records = (await embedded.records('attempts')).length;
    expect(records).toBeGreaterThanOrEqual(12);
    await verified();
    expect(facts(await incidents())).toEqual(facts(before));
    const marks = { ...STORED, second: 'marked.second' };
    for (const name of Object.keys(TOPICS) as TopicName[])
      expect([name, foundIn(await textOf(name), marks)]).toEqual([name, []]);
    expect((await textOf('stripe-events')).match(/"erased":true/g)?.length).toBe(9);
  });

  it('who comes again is somebody new, and is detected as anybody else', async () => {
    for (let n = 0; n < 3; n += 1) expect(await embedded.post(declined(`again${n}`, PERSON))).toBe(200);
    const again = await eventually(
      async () =>
        (await incidents()).find(({ entity, attemptCount }) => entity.value === PERSON.card && attemptCount === 3) ??
        null,
      { what: 'an incident of the card', withinMs: 60_000 },
    );
    expect(before.map(({ id }) => id)).not.toContain(again.id);
    expect(again).toMatchObject({ status: 'open', detector: 'of-card', entity: { label: 'visa •••• 7391' } });
    await eventually(async () => (await byDetector())['of-all']?.attemptCount === 10, {
      what: 'all attempts of all',
      withinMs: 90_000,
    });
    await verified();
  });
});

/** Masks are of anybody with the same letters: the other person's differ. */
const MASKS_OF_PERSON = (): Record<string, string> => ({ mask: MASKS.email, 'mask of the address': MASKS.address });

async function byDetectorOfPerson(
  known: readonly IncidentJson[],
  now: readonly IncidentJson[],
): Promise<Readonly<Record<string, IncidentJson>>> {
  const isTheirs = ({ entity }: IncidentJson): boolean =>
    [PERSON.customer, PERSON.card, PERSON.account].includes(entity.value as never) ||
    entity.label.startsWith(MASKS.email) ||
    entity.label.startsWith(MASKS.address);
  const ids = new Set(known.filter(isTheirs).map(({ id }) => id));
  return Object.fromEntries(now.filter(({ id }) => ids.has(id)).map((incident) => [incident.detector, incident]));
}
