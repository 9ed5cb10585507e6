// A page of the console in Chromium, as a test file uses it: one browser, a page at a time, and whatever the browser itself
// complains of (errors, refusals of the content policy, failed requests) fails the test. Screenshots: test/output/.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { CONTRASTS, type Contrast, openBrowser } from './browser.ts';

const OUTPUT = join(import.meta.dirname, '../output');

export type BrowserPages = {
  /** In a context of its own; those before it are left as they are. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** Of the whole page that was opened last. */
  shoot(name: string): Promise<void>;
  /** What the browser notes by itself, of an answer that the test is about. */
  expectComplaints(about: RegExp): void;
};

/** Registers what opens the browser and looks at its complaints. `close`: what else ends with each test, after its page. */
export function browserPages(close: () => Promise<void>): BrowserPages {
  let browser: Browser;
  let page: Page | null = null;
  let complaints: string[] = [];
  beforeAll(async () => {
    mkdirSync(OUTPUT, { recursive: true });
    browser = await openBrowser();
  });
  afterAll(async () => await browser?.close());
  beforeEach(() => {
    complaints = [];
  });
  afterEach(async () => {
    await page?.context().close();
    page = null;
    await close();
    expect(complaints).toEqual([]);
  });
  return {
    open: async (url, options = {}) => {
      const viewport = { width: 1280, height: 860 };
      const context = await browser.newContext({ viewport, locale: 'en-GB', timezoneId: 'UTC', ...options });
      const opened = await context.newPage();
      page = opened;
      opened.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
      });
      opened.on('pageerror', (error) => complaints.push(error.message));
      await opened.goto(url);
      return opened;
    },
    shoot: async (name) => {
      await page?.evaluate('scrollTo(0, 0)');
      await page?.screenshot({ path: join(OUTPUT, `${name}.png`), fullPage: true });
    },
    expectComplaints: (about) => {
      complaints = complaints.filter((complaint) => !about.test(complaint));
    },
  };
}

/** Every text has its contrast (WCAG 2, AA), in the light and in the dark. The page stays in the dark. */
export async function expectReadable(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const { what, ratio } of await page.evaluate<readonly Contrast[]>(CONTRASTS))
      expect([page.url(), colorScheme, what, ratio >= 4.5]).toEqual([page.url(), colorScheme, what, true]);
  }
}

/** Nothing is to be scrolled to at its side. */
export async function expectToFit(page: Page): Promise<void> {
  const wider = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  expect([page.url(), wider <= 0]).toEqual([page.url(), true]);
}
