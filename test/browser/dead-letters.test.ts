// A person goes from the health page to what could not be handled, looks at one, retries and drops, in Chromium and without script.
import type { BrowserContextOptions, Page } from 'playwright-core';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { encode } from '../../src/log/codec.ts';
import { browserPages, expectReadable, expectToFit } from '../support/browser-page.ts';
import { type ConsoleDesk, openConsoleDesk } from '../support/console-desk.ts';
import { bury, consoleTuning } from '../support/console-tuning.ts';
import { T0_MS, T0_S } from '../support/decider.ts';
import { failedCharge } from '../support/local-stripe.ts';

const HOSTILE = '<img src=x onerror="document.title=\'owned\'">';

vi.setConfig({ testTimeout: 90_000 });
const until = { timeout: 20_000, interval: 50 };

let desk: ConsoleDesk;
let page: Page;
const pages = browserPages(async () => await desk.close());

beforeEach(async () => {
  desk = await openConsoleDesk({ more: consoleTuning });
  // One that is as good as any by now, one that is as bad as before, and one whose record the log has no more.
  const { event } = failedCharge('good', T0_S - 60, { billing_details: { email: 'ana@shop.example' } });
  const records = [{ event }, { event: { id: 'evt_bad', type: HOSTILE, created: 'never', note: 'Cardholder Name' } }];
  await desk.log.append(
    'stripe-events',
    records.map((record, n) => ({
      key: `evt_${n}`,
      value: encode('stripe-events', record),
      timeMs: T0_MS,
      partition: 0,
    })),
  );
  await bury(desk.log, { offset: 0, subject: 'evt_good', message: 'It was received too early.' }, T0_MS - 3_000);
  await bury(desk.log, { offset: 1, subject: 'evt_bad', message: `It has no time. ${HOSTILE}` }, T0_MS - 2_000);
  await bury(
    desk.log,
    { source: 'commands', offset: 99, reason: 'bad_record', message: 'It is of no kind.' },
    T0_MS - 1_000,
  );
});

async function open(path: string, options?: BrowserContextOptions): Promise<Page> {
  page = await pages.open(desk.url + path, options);
  return page;
}

const rows = () => page.locator('tbody tr');

describe('dead letters', () => {
  it('are reached from health, shown without what tells of a person, retried and dropped', async () => {
    await open('/health');
    await page.getByText('3 dead letters').waitFor();
    await page.getByRole('link', { name: 'Dead letters' }).click();
    await expect.poll(() => rows().count(), until).toBe(3);
    await pages.shoot('console-dead-letters');

    await rows().filter({ hasText: 'evt_good' }).getByRole('link').click();
    await page.locator('.outline', { hasText: 'charge.failed' }).waitFor();
    const outline = (await page.locator('.outline').textContent()) ?? '';
    expect(outline).toContain('id: "evt_');
    expect(outline).not.toContain('ana@shop.example');
    await pages.shoot('console-dead-letter');
    await page.locator('summary', { hasText: 'Retry…' }).click();
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    await page.getByText('Retried: it is listed no more.').waitFor();
    await expect.poll(() => rows().count(), until).toBe(2);
    expect((await desk.log.ends('attempts'))[0]?.next).toBeGreaterThan(0);

    await rows().filter({ hasText: 'evt_bad' }).getByRole('link').click();
    expect(await page.locator('.outline').textContent()).not.toMatch(/Ana|img/);
    await page.locator('summary', { hasText: 'Retry…' }).click();
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    await page.getByRole('alert').getByText('as bad as before').waitFor();
    await page.getByText('2 times').waitFor();
    expect(await page.title()).not.toBe('owned');
    await page.locator('summary', { hasText: 'Drop…' }).click();
    await page.getByRole('button', { name: 'Drop', exact: true }).click();
    await page.getByText('Dropped: it is listed no more.').waitFor();
    await expect.poll(() => rows().count(), until).toBe(1);
  });

  it('are retried and dropped all at once, only after a second press, and only those that are listed', async () => {
    await open('/dead-letters');
    await expect.poll(() => rows().count(), until).toBe(3);
    await page.locator('summary', { hasText: 'Drop all…' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Drop 3 dead letters' }).waitFor();
    await page.keyboard.press('Escape');
    expect(await page.locator('details.menu[open]').count()).toBe(0);
    await page.getByLabel('source').selectOption('commands');
    await page.getByRole('button', { name: 'Show' }).click();
    await expect.poll(() => rows().count(), until).toBe(1);
    await page.locator('summary', { hasText: 'Drop all…' }).click();
    await page.getByRole('button', { name: 'Drop 1 dead letter' }).click();
    await page.getByText('Dropped: it is listed no more.').waitFor();
    await expect.poll(() => rows().count(), until).toBe(2);

    await page.locator('summary', { hasText: 'Retry all…' }).click();
    await page.getByRole('button', { name: 'Retry 2 dead letters' }).click();
    await page.getByRole('alert').getByText('as bad as before').waitFor();
    await expect.poll(() => rows().count(), until).toBe(1);
  });

  it('are handled without script, in the dark, and on a phone', async () => {
    await open('/dead-letters', { javaScriptEnabled: false });
    await page.locator('summary', { hasText: 'Drop all…' }).click();
    await page.getByRole('button', { name: 'Drop 3 dead letters' }).click();
    await page.getByText('Dropped: it is listed no more.').waitFor();
    await page.getByText('Nothing waits.').waitFor();
    await page.context().close();

    const id = await bury(desk.log, { offset: 0, partition: 1, subject: 'evt_late' }, T0_MS);
    const paths = ['/dead-letters', `/dead-letters/${id}`];
    for (const path of paths) {
      await open(path, { colorScheme: 'dark', viewport: { width: 375, height: 812 } });
      await expectReadable(page);
      await expectToFit(page);
      if (path === paths[0]) {
        await pages.shoot('console-dead-letters-phone');
        await page.context().close();
      }
    }
  });
});
