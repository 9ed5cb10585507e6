// A person at the console, in Chromium: sees an incident appear, opens it, acknowledges and resolves it, by mouse and by
// keyboard, in light and dark, on a phone; nothing is written to the browser's console. Screenshots: test/output/.
import type { BrowserContextOptions, Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { renderAlert } from '../../src/alerts/blocks.ts';
import type { PreviewedMessage } from '../../src/console/options.ts';
import type { Incident } from '../../src/model/incident.ts';
import { browserPages, expectReadable, expectToFit } from '../support/browser-page.ts';
import { type ConsoleDesk, openConsoleDesk } from '../support/console-desk.ts';
import { ANA, episode, evidence, report, T0_MS, T0_S } from '../support/decider.ts';

const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';

let desk: ConsoleDesk;
let page: Page;
const pages = browserPages(async () => await desk.close());

beforeEach(async () => {
  desk = await openConsoleDesk({
    preview: () => ({
      slack: () => [...desk.feed.all()].map(messageOf),
      sheet: () => ({
        headers: ['Incident', 'Status', 'On', 'Peak'],
        rows: [...desk.feed.all()].map(({ id, status, entity, peak }) => [id, status, entity.label, peak]),
      }),
    }),
    demo: { lines: ['Stripe: set STRIPE_WEBHOOK_SECRET to the signing secret of your webhook endpoint.'] },
  });
});

function messageOf(incident: Incident): PreviewedMessage {
  const { text, blocks } = renderAlert(incident, { consoleUrl: desk.url });
  return { incident: incident.id, postedAt: incident.openedAt + 2_000, editedAt: null, text, blocks, thread: [] };
}

async function open(path: string, options?: BrowserContextOptions): Promise<Page> {
  page = await pages.open(desk.url + path, options);
  return page;
}

function attack(offset: number, card: string, size: number) {
  const values = Array.from({ length: 24 }, (_, step) =>
    Math.max(1, Math.round(size * Math.sin(((step + 2) / 26) * Math.PI))),
  );
  const codes = [
    { code: 'stolen_card', count: size - 3 },
    { code: 'incorrect_cvc', count: 2 },
    { code: 'do_not_honor', count: 1 },
  ];
  const ids = Array.from({ length: size }, (_, index) => `ch_3Q${card}x${index}`);
  const severity = size >= 8 ? 'critical' : 'warning';
  return report(
    offset,
    [
      episode(-540, 0, {
        attemptCount: size,
        severity,
        threshold: severity === 'critical' ? 8 : 3,
        evidence: evidence(ids, { codes, series: { fromS: T0_S - 600, stepS: 25, values } }),
      }),
    ],
    { entity: { kind: 'card', value: `fp_${card}`, label: `visa •••• ${card}` }, receivedAt: T0_MS - 350 },
  );
}

describe('the console', () => {
  it('shows an incident as it appears, opens it, acknowledges and resolves it', async () => {
    await desk.tell(attack(1, '1881', 4));
    await open('/');
    await page.locator('#live-text', { hasText: /^live$/ }).waitFor();
    expect(await page.locator('.incident').count()).toBe(1);
    await page.evaluate('globalThis.isSamePage = true');

    await desk.tell(attack(2, '4242', 14));
    await page.getByRole('link', { name: '14 declines on visa •••• 4242' }).waitFor();
    expect(await page.evaluate('globalThis.isSamePage')).toBe(true);
    await expect.poll(() => page.locator('#announcer').textContent()).toContain('New incident: INC-2, critical');
    expect(await page.locator('.incident').first().getAttribute('id')).toBe('INC-2');
    await pages.shoot('console-list');

    await page.getByRole('link', { name: '14 declines on visa •••• 4242' }).click();
    await page.getByRole('heading', { level: 1, name: '14 declines on visa •••• 4242' }).waitFor();
    await page.locator('.plot canvas').waitFor();
    expect(await page.locator('.plot canvas').count()).toBe(1);
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByText('INC-2: acknowledged.').waitFor();
    expect(desk.feed.get('INC-2')).toMatchObject({ status: 'acknowledged', acknowledged: { by: { kind: 'console' } } });
    await pages.shoot('console-incident');

    await page.locator('summary', { hasText: 'Resolve…' }).click();
    await page.getByLabel('fraud', { exact: true }).check();
    await page.locator('textarea[name=note]').first().fill(`Card blocked. ${HOSTILE}`);
    await page.getByRole('button', { name: 'Resolve', exact: true }).click();
    await page.getByText('INC-2: resolved.').waitFor();
    expect(desk.feed.get('INC-2')?.resolved).toMatchObject({ verdict: 'fraud', note: `Card blocked. ${HOSTILE}` });
    expect(await page.title()).not.toBe('owned');
    expect(await page.locator('blockquote').textContent()).toContain('<script>');
  });

  it('follows one incident while it grows, and leaves a half-written note alone', async () => {
    await desk.tell(attack(1, '4242', 5));
    await open('/incidents/INC-1');
    await page.locator('#live-text', { hasText: /^live$/ }).waitFor();
    await page.locator('summary', { hasText: 'Note…' }).click();
    const note = page.locator('form[action$="/note"] textarea');
    await note.fill('half-wri');
    await desk.tell(attack(2, '4242', 11));
    await page.getByRole('heading', { level: 1, name: '11 declines' }).waitFor();
    await page.locator('.timeline').getByText('Severity raised').waitFor();
    expect(await note.inputValue()).toBe('half-wri');
    expect(await note.isVisible()).toBe(true);
  });

  it('tells somebody who is late who was first', async () => {
    await desk.tell(attack(1, '4242', 5));
    // Without script the page stays as it was.
    await open('/incidents/INC-1', { javaScriptEnabled: false });
    await desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA);
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByRole('alert').getByText('INC-1 was already acknowledged by ana').waitFor();
    // The answer is a 409: the browser notes that, and nothing else.
    pages.expectComplaints(/409/);
  });

  it('is used by keyboard alone', async () => {
    await desk.tell(attack(1, '1881', 4));
    await desk.tell(attack(2, '4242', 14));
    await open('/');
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Skip to the content');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    expect(await page.locator(':focus').getAttribute('href')).toBe('/incidents/INC-2');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await page.keyboard.press('Enter');
    const resolve = page.locator('summary', { hasText: 'Resolve…' });
    await resolve.waitFor();
    await resolve.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('input[name=verdict]:checked').getAttribute('value')).toBe('customer_trouble');
    await page.keyboard.press('Escape');
    expect(await page.locator('details.menu[open]').count()).toBe(0);
    expect(await page.locator(':focus').textContent()).toBe('Resolve…');
    await page.getByRole('button', { name: 'Acknowledge' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('INC-2: acknowledged.').waitFor();
  });

  it('is dark where the reader wants it, with readable contrast', async () => {
    await desk.tell(attack(1, '4242', 14));
    await open('/incidents/INC-1', { colorScheme: 'dark' });
    await expectReadable(page);
    await pages.shoot('console-incident-dark');
  });

  it('fits a phone without scrolling sideways', async () => {
    await desk.tell(attack(1, '4242', 14));
    for (const path of ['/', '/incidents/INC-1', '/detectors', '/detectors/card-declines', '/preview', '/health']) {
      await open(path, { viewport: { width: 375, height: 812 } });
      await expectToFit(page);
      if (path === '/incidents/INC-1') await pages.shoot('console-incident-phone');
      if (path !== '/health') await page.context().close();
    }
  });

  it('works without script: list, picture, acknowledge, resolve', async () => {
    await desk.tell(attack(1, '4242', 14));
    await open('/', { javaScriptEnabled: false });
    await page.getByRole('link', { name: '14 declines on visa •••• 4242' }).click();
    expect(await page.locator('.plot svg path.line').count()).toBe(1);
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByText('INC-1: acknowledged.').waitFor();
    await page.locator('summary', { hasText: 'Resolve…' }).click();
    await page.getByLabel('unsure').check();
    await page.getByRole('button', { name: 'Resolve', exact: true }).click();
    await page.getByText('INC-1: resolved.').waitFor();
    expect(desk.feed.get('INC-1')?.resolved?.verdict).toBe('unsure');
  });

  it('shows Slack and the sheet as they would look, with buttons that act', async () => {
    await desk.tell(attack(1, '4242', 14));
    await open('/preview');
    await page.getByRole('heading', { level: 3, name: 'CRITICAL · 14 declines on visa •••• 4242' }).waitFor();
    await pages.shoot('console-preview');
    await page.locator('.message').getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByText('INC-1: acknowledged.').waitFor();
    await page.locator('.message').getByText('Acknowledged by console').waitFor();
    await page.locator('.message summary', { hasText: '⋯' }).click();
    await page.getByRole('button', { name: 'Assign to me' }).click();
    await page.getByText('INC-1: assigned.').waitFor();
    expect(desk.feed.get('INC-1')?.owner).toBe('console');
    expect(await page.getByRole('cell', { name: 'INC-1' }).count()).toBe(1);
  });

  it('changes a threshold, and says why one is not accepted', async () => {
    await open('/detectors/card-declines');
    await page.getByLabel('warning').fill('9');
    await page.getByLabel('Why').fill('fewer at night');
    await page.getByRole('button', { name: 'Change' }).click();
    await page.getByRole('alert').getByText('must be above').waitFor();
    expect(await page.getByLabel('warning').inputValue()).toBe('9');
    pages.expectComplaints(/422/);
    await page.getByLabel('warning').fill('4');
    await page.getByRole('button', { name: 'Change' }).click();
    await page.getByText('fewer at night').waitFor();
    expect(desk.feed.settings()[0]?.rule.settings?.thresholds).toEqual({ warning: 4, critical: 8 });
    await pages.shoot('console-detector');
  });
});
