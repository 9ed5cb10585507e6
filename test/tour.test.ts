// A tour: one attack, from the webhook to the acknowledgement and beyond, as a story with assertions. Read it to learn how the
// parts meet; everything in it is the real program, with Slack and Google played by local servers.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, startApp } from '../src/app.ts';
import { loadConfig } from '../src/config/config.ts';
import { WEBHOOK_SECRET } from './support/installation.ts';
import { type LocalSheets, startLocalSheets } from './support/local-sheets.ts';
import { type LocalSlack, type SlackMessage, startLocalSlack } from './support/local-slack.ts';
import { eventsOf, sendEvent, type Try } from './support/traffic.ts';

const UNTIL = { timeout: 20_000, interval: 50 };

/** The analyst's rule: three declines on one card within ten minutes are a warning, six are critical. */
const DETECTORS = `
settle: 200ms
detectors:
  - name: card-declines
    title: Declines on one card
    why: Several declines on one card within minutes look like card testing.
    count: attempts
    where: outcome in ["declined", "blocked"] && !benign && !dunning
    per: card
    window: 10m
    quietFor: 1h
    thresholds: { warning: 3, critical: 6 }
`;

let slack: LocalSlack;
let sheets: LocalSheets;
let app: App;
let folder: string;

beforeAll(async () => {
  slack = await startLocalSlack();
  sheets = await startLocalSheets();
  folder = mkdtempSync(join(tmpdir(), 'declinewatch-tour-'));
  writeFileSync(join(folder, 'detectors.yaml'), DETECTORS);
  const config = loadConfig({
    DECLINEWATCH_DATA: join(folder, 'data'),
    DECLINEWATCH_DETECTORS: join(folder, 'detectors.yaml'),
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    SLACK_BOT_TOKEN: slack.botToken(),
    SLACK_SIGNING_SECRET: slack.signingSecret,
    SLACK_CHANNEL: slack.channels.alerts,
    SLACK_API_URL: slack.apiUrl,
    ...sheets.env,
    PORT: '0',
    ADMIN_PORT: '0',
    LOG_LEVEL: 'silent',
  });
  app = await startApp(config, { roles: ['ingest', 'detect', 'respond'], demo: false });
  slack.setRequestUrl((app.webhookUrl ?? '').replace('/webhooks/stripe', '/slack/events'));
});

afterAll(async () => {
  await app?.stop();
  await sheets?.close();
  await slack?.close();
  rmSync(folder, { recursive: true, force: true });
});

const nowS = Math.floor(Date.now() / 1000);
const decline = (number: number): Try => ({
  at: nowS - 60 + number,
  charge: `ch_tour_${number}`,
  account: null,
  card: 'fp_of_a_stolen_card',
  customer: `cus_${number}`,
  email: `payer${number}@example.com`,
  declined: true,
});

const send = async (event: Parameters<typeof sendEvent>[1]): Promise<void> =>
  await sendEvent(() => app.webhookUrl ?? '', event);
const declineOnce = async (number: number): Promise<void> => {
  for (const event of eventsOf(decline(number))) await send(event);
};

type Shown = {
  readonly id: string;
  readonly status: string;
  readonly severity: string;
  readonly peak: number;
  readonly attemptCount: number;
  readonly acknowledged: { readonly by: { readonly name: string }; readonly peak: number } | null;
  readonly resolved: { readonly verdict: string } | null;
  readonly continues: string | null;
};

const incidents = async (): Promise<readonly Shown[]> =>
  ((await (await fetch(`${app.consoleUrl}/api/incidents`)).json()) as { incidents: Shown[] }).incidents;
const messageOf = async (incident: string): Promise<SlackMessage | undefined> =>
  (await slack.messages(slack.channels.alerts)).find((one) => one.metadata?.event_payload.incident === incident);
const press = async (action: string): Promise<void> => {
  const alert = { channel: slack.channels.alerts, incident: 'INC-1', user: slack.users.ana };
  expect((await slack.press({ ...alert, action })).status).toBe(200);
};

describe('tour', () => {
  it('1. two declines are no attack, however often Stripe tells of them', async () => {
    await declineOnce(1);
    await declineOnce(2);
    await declineOnce(2);
    await declineOnce(1);
    const ailing = async (): Promise<readonly unknown[]> =>
      (await app.health()).parts.filter(({ state }) => state !== 'fine');
    await expect.poll(ailing, UNTIL).toEqual([]);
    expect(await incidents()).toEqual([]);
  });

  it('2. the third decline opens an incident; its two events are one decline', async () => {
    await declineOnce(3);
    await expect.poll(incidents, UNTIL).toMatchObject([{ id: 'INC-1', status: 'open', severity: 'warning', peak: 3 }]);
  });

  it('3. the risk team reads it in Slack, with buttons; the analysts have a row', async () => {
    await expect.poll(async () => (await messageOf('INC-1'))?.text, UNTIL).toContain('3 declines');
    expect(JSON.stringify((await messageOf('INC-1'))?.blocks)).toContain('"action_id":"acknowledge"');
    await expect.poll(() => sheets.incidentIds(), UNTIL).toEqual(['INC-1']);
  });

  it('4. somebody presses Acknowledge: everybody sees who, and the button is gone', async () => {
    await press('acknowledge');
    await expect.poll(incidents, UNTIL).toMatchObject([{ status: 'acknowledged', acknowledged: { peak: 3 } }]);
    await expect.poll(async () => JSON.stringify((await messageOf('INC-1'))?.blocks), UNTIL).toContain('unacknowledge');
    expect((await messageOf('INC-1'))?.text).toContain('cknowledged');
  });

  it('5. the attack goes on past what was acknowledged: the thread speaks, the message is edited in place', async () => {
    for (const number of [4, 5, 6]) await declineOnce(number);
    await expect.poll(incidents, UNTIL).toMatchObject([{ severity: 'critical', peak: 6, attemptCount: 6 }]);
    const { ts = '' } = (await messageOf('INC-1')) ?? {};
    await expect.poll(async () => (await slack.thread(slack.channels.alerts, ts)).length, UNTIL).toBeGreaterThan(0);
    await expect.poll(async () => (await messageOf('INC-1'))?.text, UNTIL).toContain('6 declines');
    const alerts = (await slack.messages(slack.channels.alerts)).filter(
      (one) => one.metadata?.event_payload.incident === 'INC-1',
    );
    expect(alerts.filter((one) => one.thread_ts === undefined)).toHaveLength(1);
  });

  it('6. it is resolved with a verdict, which the sheet has too', async () => {
    await press('resolve');
    await expect.poll(() => slack.views.length, UNTIL).toBe(1);
    expect((await slack.submit(slack.users.ana, { verdict: 'fraud', note: 'card testing' })).status).toBe(200);
    await expect.poll(incidents, UNTIL).toMatchObject([{ status: 'resolved', resolved: { verdict: 'fraud' } }]);
  });

  it('7. an attack that goes on after that is never silent: a new incident continues the old', async () => {
    for (const number of [7, 8, 9]) await declineOnce(number);
    await expect.poll(incidents, UNTIL).toMatchObject([
      { id: 'INC-2', status: 'open', continues: 'INC-1' },
      { id: 'INC-1', status: 'resolved' },
    ]);
  });
});
