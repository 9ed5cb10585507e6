// Proposals with two replicas that respond, over Kafka and Redis: made at one, decided by a click that the other one gets, told
// once; two clicks at once, one on each; and a replica that is gone for good.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createInstallation, type Installation, type RunningProcess, WEBHOOK_SECRET } from '../support/installation.ts';
import { type LocalSlack, type SlackMessage, type SlackUser, startLocalSlack } from '../support/local-slack.ts';
import { failedCharge } from '../support/local-stripe.ts';
import { sharedKafka, sharedRedis } from '../support/services.ts';
import { APPLY, DISCARD } from '../support/slack-tuning.ts';
import { send } from '../support/stripe-sender.ts';

const UNTIL = { timeout: 90_000, interval: 200 };
const TEST_MS = 240_000;
const PREFIX = `proposals-${process.pid}-${Date.now()}.`;
const DETECTORS = `
settle: 0s
approval: loosening
detectors:
  - { name: card-declines, title: Declines on one card, why: A test., where: outcome == "declined", count: attempts, per: card, window: 10m, thresholds: { warning: 3, critical: 8 } }
`;

type Shown = {
  readonly id: string;
  readonly state: string;
  readonly words: string;
  readonly problem: string;
  readonly decidedBy: { readonly id: string; readonly name: string } | null;
};
type Detector = {
  readonly version: number;
  readonly history: readonly { readonly by: { readonly name: string } }[];
};

let slack: LocalSlack;
let installation: Installation;
let one: RunningProcess;
let other: RunningProcess;

const ROLES = ['--no-demo', '--roles', 'ingest,respond'];

beforeAll(async () => {
  const [kafka, { url }] = await Promise.all([sharedKafka(), sharedRedis()]);
  slack = await startLocalSlack();
  installation = createInstallation({
    detectors: DETECTORS,
    env: {
      ...{ KAFKA_BROKERS: kafka.brokers.join(','), REDIS_URL: url, TOPIC_PREFIX: PREFIX },
      ...{ SLACK_BOT_TOKEN: slack.botToken(), SLACK_SIGNING_SECRET: slack.signingSecret },
      ...{ SLACK_CHANNEL: slack.channels.alerts, SLACK_API_URL: slack.apiUrl },
    },
  });
  one = await installation.start(ROLES);
  other = await installation.start(ROLES);
  await eventually(async () => (await inForce(other)).version === 1, { what: 'the first settings', withinMs: 90_000 });
  for (const [card, count] of [
    ['a', 2],
    ['b', 4],
  ] as const)
    for (let n = 0; n < count; n += 1) await post(card, n);
});

afterAll(async () => {
  await installation?.close();
  await slack?.close();
});

async function post(card: string, n: number): Promise<void> {
  const { event } = failedCharge(`${card}${n}`, Math.floor(Date.now() / 1000), {
    livemode: true,
    customer: `cus_${card}`,
    payment_method_details: { type: 'card', card: { fingerprint: `fp_${card}`, brand: 'visa', last4: '4242' } },
  });
  const root = one.webhookUrl.replace(/\/webhooks\/stripe$/, '');
  expect((await send(root, event, { secret: WEBHOOK_SECRET })).status).toBe(200);
}

async function call<T>({ consoleUrl }: RunningProcess, path: string, body?: object) {
  const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(`${consoleUrl}${path}`, body === undefined ? {} : sent);
  return { status: answer.status, body: (await answer.json()) as T };
}

const inForce = async (at: RunningProcess): Promise<Detector> =>
  (await call<Detector>(at, '/api/detectors/card-declines')).body;

const shownAt = async (at: RunningProcess, id: string): Promise<Shown | undefined> =>
  (await call<{ readonly proposal?: Shown }>(at, `/api/proposals?id=${id}`)).body.proposal;

/** Proposes at one replica, and waits until the channel is told. */
async function propose(at: RunningProcess, set: object): Promise<string> {
  const asked = { detector: 'card-declines', set };
  const { status, body } = await call<{ readonly proposal: Shown }>(at, '/api/proposals', asked);
  expect([status, body.proposal.state]).toEqual([202, 'reading']);
  const { id } = body.proposal;
  await expect.poll(async () => await messageOf(id), UNTIL).toBeDefined();
  return id;
}

async function messageOf(id: string): Promise<SlackMessage | undefined> {
  const all = await slack.messages(slack.channels.alerts);
  return all.find(({ metadata }) => metadata?.event_payload.incident === `proposal:${id}`);
}

const says = async (id: string, wanted: string): Promise<void> =>
  await expect.poll(async () => (await messageOf(id))?.text, UNTIL).toContain(wanted);
const postsOf = (id: string): number =>
  slack.calls('chat.postMessage').filter(({ body }) => JSON.stringify(body.metadata).includes(id)).length;
const heardBy = (user: SlackUser): readonly string[] =>
  slack.responses.filter((each) => each.user === user.id).map(({ body }) => String(body.text));

type Click = { readonly id: string; readonly action: string; readonly user: SlackUser; readonly actionTs?: string };

/** Slack gives it to this replica, from the message as it stood. */
function clickAt(at: RunningProcess, message: SlackMessage | undefined, { id, ...click }: Click) {
  slack.setRequestUrl(at.webhookUrl.replace('/webhooks/stripe', '/slack/events'));
  return slack.pressStale({ message, incident: id, ...click });
}

describe('proposals with two replicas', () => {
  it(
    'are made at one and decided by a click that the other gets, told once, and never by who proposed them where that needs another',
    async () => {
      const id = await propose(one, { thresholds: { warning: 2 }, window: '5m' });
      await expect.poll(async () => await shownAt(other, id), UNTIL).toMatchObject({ state: 'proposed' });
      expect((await shownAt(other, id))?.words).toMatch(/^1 → 2 incidents in 30 days/);
      expect((await shownAt(one, id))?.words).toBe((await shownAt(other, id))?.words);
      const own = await call<{ readonly error: { readonly code: string } }>(other, '/api/proposals/apply', { id });
      expect([own.status, own.body.error.code]).toEqual([409, 'approval_needed']);
      await clickAt(other, await messageOf(id), { id, action: APPLY, user: slack.users.ana });
      await says(id, 'Applied by ana');
      for (const at of [one, other]) {
        await expect.poll(async () => await inForce(at), UNTIL).toMatchObject({ version: 2 });
        expect(await shownAt(at, id)).toMatchObject({ state: 'applied', decidedBy: { name: 'ana' } });
      }
      expect(postsOf(id)).toBe(1);
      expect(slack.responses).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'are decided once by two people at once, one at each replica; the one who was second hears of it, alone',
    async () => {
      const { version } = await inForce(one);
      const id = await propose(other, { thresholds: { warning: 1 } });
      const message = await messageOf(id);
      const clicks = [
        clickAt(one, message, { id, action: APPLY, user: slack.users.ana }),
        clickAt(other, message, { id, action: DISCARD, user: slack.users.bo }),
      ];
      expect((await Promise.all(clicks)).map(({ status }) => status)).toEqual([200, 200]);
      await expect.poll(async () => (await shownAt(one, id))?.decidedBy, UNTIL).not.toBeNull();
      const decided = await shownAt(one, id);
      const isApplied = decided?.decidedBy?.id === slack.users.ana.id;
      const [first, second] = isApplied ? [slack.users.ana, slack.users.bo] : [slack.users.bo, slack.users.ana];
      const state = isApplied ? 'applied' : 'discarded';
      expect(decided).toMatchObject({ state, decidedBy: { id: first.id } });
      expect(await shownAt(other, id)).toMatchObject({ state, decidedBy: { id: first.id } });
      await expect
        .poll(() => heardBy(second), UNTIL)
        .toEqual([`It was ${state} already by ${first.name}. Nothing was changed.`]);
      expect(heardBy(first)).toEqual([]);
      expect((await inForce(other)).version).toBe(isApplied ? version + 1 : version);
      await says(id, `${isApplied ? 'Applied' : 'Discarded'} by ${first.name}`);
      expect(postsOf(id)).toBe(1);
    },
    TEST_MS,
  );

  it(
    'take one click that Slack gives to both for one decision',
    async () => {
      const { version } = await inForce(one);
      const before = heardBy(slack.users.ana).length;
      const id = await propose(one, { repage: 1.5 });
      const message = await messageOf(id);
      const click = { id, action: APPLY, user: slack.users.ana, actionTs: '1800000009.000001' };
      await Promise.all([clickAt(one, message, click), clickAt(other, message, click)]);
      await says(id, 'Applied by ana');
      // Whoever presses after that is told: so both clicks have been answered by then.
      await clickAt(other, message, { id, action: DISCARD, user: slack.users.bo });
      await expect.poll(() => heardBy(slack.users.bo).at(-1), UNTIL).toMatch(/^It was applied already by ana/);
      expect((await inForce(one)).version).toBe(version + 1);
      expect(heardBy(slack.users.ana)).toHaveLength(before);
    },
    TEST_MS,
  );

  it(
    'outlive the replica that they were made at, and the one that comes in its place knows them',
    async () => {
      const { version } = await inForce(other);
      const id = await propose(one, { mode: 'shadow' });
      const message = await messageOf(id);
      await one.kill();
      expect(await shownAt(other, id)).toMatchObject({ state: 'proposed' });
      await clickAt(other, message, { id, action: APPLY, user: slack.users.bo });
      await expect.poll(async () => await inForce(other), UNTIL).toMatchObject({ version: version + 1 });
      one = await installation.start(ROLES);
      expect(await shownAt(one, id)).toMatchObject({ state: 'applied', decidedBy: { name: 'bo' } });
      await says(id, 'Applied by bo');
      await clickAt(one, message, { id, action: DISCARD, user: slack.users.ana });
      await expect
        .poll(() => heardBy(slack.users.ana).at(-1), UNTIL)
        .toBe('It was applied already by bo. Nothing was changed.');
      expect((await inForce(one)).version).toBe(version + 1);
      expect(postsOf(id)).toBe(1);
      // Of all the clicks of these stories only those that came second were answered, and the one that nobody could decide yet.
      const answers = slack.responses.map(({ body }) => String(body.text));
      expect(answers.filter((text) => !/^(It was (applied|discarded) already by|Recorded\.)/.test(text))).toEqual([]);
    },
    TEST_MS,
  );
});
