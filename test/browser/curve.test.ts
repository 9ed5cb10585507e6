// A person tunes a detector at the console, in Chromium, over the real curve and the real proposals: looks at the curve, takes a
// threshold from it, sees what it would have done, applies it, takes it back. By mouse, by keyboard and without script; light,
// dark and on a phone. Screenshots: test/output/.
import type { BrowserContextOptions, Page } from 'playwright-core';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { browserPages, expectReadable, expectToFit } from '../support/browser-page.ts';
import { type ConsoleDesk, openConsoleDesk } from '../support/console-desk.ts';
import { appendMonth, consoleTuning } from '../support/console-tuning.ts';

const CURVE = '/detectors/card-declines/curve';

vi.setConfig({ testTimeout: 90_000 });
const until = { timeout: 20_000, interval: 50 };

let desk: ConsoleDesk;
let page: Page;
const pages = browserPages(async () => await desk.close());

beforeEach(async () => {
  desk = await openConsoleDesk({ more: consoleTuning });
  await appendMonth(desk.log);
});

async function open(path: string, options?: BrowserContextOptions): Promise<Page> {
  page = await pages.open(desk.url + path, options);
  return page;
}

const thresholds = () => desk.feed.settings()[0]?.rule.settings?.thresholds;
/** The pictures are there: the past is read. */
const isRead = async (): Promise<void> => await page.locator('[data-curve]').first().waitFor();

describe('the curve of a detector', () => {
  it('is drawn once the past is read, follows the window, and gives a threshold to the form', async () => {
    await open('/detectors/card-declines');
    await page.getByRole('link', { name: 'What other thresholds would have done' }).click();
    await isRead();
    await page.getByRole('slider', { name: 'Alerts a week' }).waitFor();
    expect(await page.locator('.plot canvas').count()).toBeGreaterThanOrEqual(2);
    expect(await page.locator('.pill[aria-current]').textContent()).toContain('10 min');
    await expect.poll(() => page.locator('[data-says]').textContent(), until).toMatch(/^3: [\d.]+ alerts a week/);
    await pages.shoot('console-curve');

    await page.getByRole('link', { name: '1 h', exact: true }).click();
    await page.locator('.pill[aria-current]', { hasText: '1 h' }).waitFor();
    await page.getByRole('slider', { name: 'Alerts a week' }).waitFor();
    const over = page.locator('[data-curve] .u-over').first();
    const box = await over.boundingBox();
    if (box === null) throw new Error('the chart has no place');
    await page.mouse.move(box.x + box.width * 0.6, box.y + 40);
    await expect.poll(() => page.locator('[data-says]').textContent(), until).not.toMatch(/^3:/);
    const says = (await page.locator('[data-says]').textContent()) ?? '';
    await page.mouse.click(box.x + box.width * 0.6, box.y + 40);
    expect(await page.getByLabel('warning', { exact: true }).inputValue()).toBe(says.split(':')[0]);
    expect(await page.locator('select[name=window]').inputValue()).toBe('1h');
  });

  it('is walked by keyboard, and what it says is there for a screen reader', async () => {
    await open(CURVE);
    await isRead();
    const slider = page.getByRole('slider', { name: 'Alerts a week' });
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => slider.getAttribute('aria-valuetext'), until).toMatch(/^5: /);
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await page.keyboard.press('Enter');
    const field = page.getByLabel('warning', { exact: true });
    expect(await field.inputValue()).toBe('5');
    expect(await field.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    await field.fill('2');
    await expect.poll(() => slider.getAttribute('aria-valuetext'), until).toMatch(/^2: /);
  });

  it('tries a change, applies it, and takes it back', async () => {
    await open(CURVE);
    await isRead();
    await page.getByLabel('warning', { exact: true }).fill('5');
    await page.getByLabel('Why').fill('too loud at night');
    await page.getByRole('button', { name: 'See what it would have done' }).click();
    await page.getByText('Proposed. What it would have done is read below').waitFor();
    const proposal = page.locator('.proposal');
    await proposal.getByText('warning 3 → 5').waitFor();
    await proposal.getByText(/incidents in 30 days/).waitFor();
    expect(thresholds()).toEqual({ warning: 3, critical: 8 });
    await proposal.locator('summary').click();
    await proposal.getByRole('table').first().waitFor();
    await pages.shoot('console-curve-proposed');
    await proposal.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('Applied. It is in force 10 seconds').waitFor();
    await expect.poll(thresholds, until).toEqual({ warning: 5, critical: 8 });
    expect(desk.feed.settings()[0]?.why).toMatch(/^too loud at night: .*incidents in 30 days/);

    await page.locator('summary', { hasText: 'Revert to version 1…' }).click();
    await page.getByRole('button', { name: 'Go back to version 1' }).click();
    await page.getByText('Taken back. It is in force').waitFor();
    await expect.poll(thresholds, until).toEqual({ warning: 3, critical: 8 });
  });

  it('proposes what the past suggests, and discards it', async () => {
    await open(CURVE);
    await isRead();
    const offer = page.locator('.offers li', { hasText: 'No missed dispute' });
    await offer.getByText('alerts a day (now').waitFor();
    await offer.getByRole('button', { name: 'Propose' }).click();
    await page
      .locator('.proposal', { hasText: 'no missed dispute' })
      .getByText(/incidents in/)
      .waitFor();
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByText('Discarded.').waitFor();
    await page.locator('.proposal.discarded').waitFor();
    expect(thresholds()).toEqual({ warning: 3, critical: 8 });
  });

  it('says why a change cannot be, and keeps what was typed', async () => {
    await open(CURVE);
    await isRead();
    await page.getByLabel('warning', { exact: true }).fill('9');
    await page.getByRole('button', { name: 'See what it would have done' }).click();
    await page.getByRole('alert').getByText('must be above').waitFor();
    expect(await page.getByLabel('warning', { exact: true }).inputValue()).toBe('9');
    await page.getByLabel('warning', { exact: true }).fill('3');
    await page.getByRole('button', { name: 'See what it would have done' }).click();
    await page.getByRole('alert').getByText('Nothing differs').waitFor();
    // The answers are a 422 and a 400: the browser notes that, and nothing else.
    pages.expectComplaints(/\b4(00|22)\b/);
  });

  it('works without script: picture, table, a change tried and applied', async () => {
    await open(CURVE, { javaScriptEnabled: false });
    // It reads itself again while the past is being read.
    await isRead();
    expect(await page.locator('.plot svg path.line').count()).toBeGreaterThanOrEqual(2);
    await page.locator('summary', { hasText: 'As a table' }).click();
    const inForce = page.getByRole('row', { name: /in force/ });
    expect(await inForce.getByRole('rowheader').textContent()).toBe('3');
    await page.getByLabel('warning', { exact: true }).fill('4');
    await page.getByRole('button', { name: 'See what it would have done' }).click();
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('Applied. It is in force 10 seconds').waitFor();
    await expect.poll(thresholds, until).toEqual({ warning: 4, critical: 8 });
  });

  it('is dark where the reader wants it, with readable contrast, and fits a phone', async () => {
    await open(CURVE, { colorScheme: 'dark' });
    await isRead();
    await page.getByLabel('warning', { exact: true }).fill('4');
    await page.getByRole('button', { name: 'See what it would have done' }).click();
    await page.getByText(/incidents in 30 days/).waitFor();
    await expectReadable(page);
    await pages.shoot('console-curve-dark');
    await page.context().close();
    await open(CURVE, { viewport: { width: 375, height: 812 } });
    await isRead();
    await expectToFit(page);
    await pages.shoot('console-curve-phone');
  });
});
