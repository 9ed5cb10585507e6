// A person is erased from the console in Chromium, with script and without: looked for, confirmed by giving it again, followed.
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { IncidentJson } from '../../src/model/incident.ts';
import { browserPages, expectReadable, expectToFit } from '../support/browser-page.ts';
import { openConsoleDesk } from '../support/console-desk.ts';
import { type Embedded, startEmbedded } from '../support/embedded-app.ts';
import { declineOf, declinesPer, personOf } from '../support/erase-person.ts';
import { standingErases } from '../support/erase-status.ts';
import { eventually } from '../support/eventually.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

let embedded: Embedded;
let page: Page;
const pages = browserPages(async () => undefined);

beforeAll(async () => {
  embedded = await startEmbedded({ detectors: declinesPer('card') });
  for (const name of ['ana', 'ben'])
    for (let n = 0; n < 3; n += 1) expect(await embedded.post(declineOf(`${name}${n}`, personOf(name)))).toBe(200);
  await eventually(async () => ((await embedded.get('/api/incidents')).body.incidents as IncidentJson[]).length === 2, {
    what: 'an incident of each card',
    withinMs: 60_000,
  });
});
afterAll(async () => await embedded?.close());

async function open(url: string, options?: BrowserContextOptions): Promise<void> {
  page = await pages.open(url, options);
}

async function look(email: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: 'Erase' }).click();
  await page.getByLabel('E-mail').check();
  await page.getByLabel('Id, address or fingerprint').fill(email);
  await page.getByRole('button', { name: 'Look what is known' }).click();
}

/** Looks, is refused with another one, confirms, and waits for the end. */
async function erase(name: string): Promise<void> {
  await look(personOf(name).email);
  await page.getByRole('heading', { name: 'What would be erased' }).waitFor();
  expect(await page.locator('tbody tr').filter({ hasText: 'Attempts' }).locator('.number').textContent()).toBe('3');
  const again = page.getByLabel('The e-mail address, once more');
  await again.fill(personOf('nobody').email);
  await page.getByRole('button', { name: 'Erase for good' }).click();
  await page.getByRole('alert').getByText('Nothing was done.').waitFor();
  pages.expectComplaints(/status of 400/);
  await again.fill(personOf(name).email);
  await page.getByRole('button', { name: 'Erase for good' }).click();
  await page.getByRole('heading', { name: 'Erased', exact: true }).waitFor({ timeout: 30_000 });
  expect(page.url()).toMatch(/\/erase\/[0-9a-f-]{36}$/);
  expect(await page.content()).not.toContain(personOf(name).email);
}

describe('erasing a person', () => {
  it('goes from the navigation over what is known of them to the end, and a reload shows the same', async () => {
    await open(embedded.app.consoleUrl);
    await look('nobody@mail.example');
    await page.getByRole('heading', { name: 'Nothing is known of this e-mail' }).waitFor();
    await erase('ana');
    await page.reload();
    await page.getByRole('heading', { name: 'Erased', exact: true }).waitFor();
  });

  it('works without script', async () => {
    await open(embedded.app.consoleUrl, { javaScriptEnabled: false });
    await erase('ben');
  });

  it('can be read in the light, in the dark, and on a phone, whatever it shows', async () => {
    const erases = standingErases();
    const desk = await openConsoleDesk({ erases });
    const actor = { kind: 'console', id: 'ana', name: 'Ana' } as const;
    const askedAt = new Date(desk.clock.now() - 5_000).toISOString();
    const progress = { what: 'stripe-events', records: 41, of: 100 };
    const error = { code: 'log_unavailable', message: 'The log is away.', help: 'Look at its health.' } as const;
    const shared = { actor, askedAt, by: 'email' } as const;
    erases.put({ ...shared, id: 'preview', dryRun: true });
    erases.put({ ...shared, id: 'done', outstanding: { messages: 1, rows: 1 } });
    erases.put({ ...shared, id: 'failed', state: 'failed', found: null, error });
    erases.put({ ...shared, id: 'running', state: 'redacting', progress });
    erases.put({ ...shared, id: 'waiting', state: 'waiting', found: null });
    for (const path of ['', '/preview', '/running', '/waiting', '/done', '/failed'])
      for (const width of [1280, 375]) {
        await open(`${desk.url}/erase${path}`, { viewport: { width, height: 812 } });
        await expectReadable(page);
        await expectToFit(page);
        await pages.shoot(`console-erase${path.replace('/', '-')}-${width}`);
        await page.context().close();
      }
    await desk.close();
  });
});
