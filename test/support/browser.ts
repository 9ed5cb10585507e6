// A Chromium for tests: the one that comes inside the npm package, else one that the system has.
import { existsSync } from 'node:fs';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';

const SYSTEM = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
/** Of the package's own switches: they would take away what these tests are about, or are not needed here. */
const UNWANTED = new Set(['--disable-web-security', '--allow-running-insecure-content', '--single-process']);

const CURE =
  'Install the library libnss3 (apt-get install libnss3), which the Chromium in the package @sparticuz/chromium needs, or install Chromium or Google Chrome.';

/** Throws with what each of them said, and the cure. */
export async function openBrowser(): Promise<Browser> {
  const problems: string[] = [];
  for (const candidate of candidates()) {
    try {
      const { executablePath, args } = await candidate();
      return await playwright.launch({ executablePath, args, headless: true });
    } catch (error) {
      problems.push(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
    }
  }
  throw new Error(`No browser could be started. ${CURE}\n${problems.join('\n')}`);
}

type Candidate = () => Promise<{ readonly executablePath: string; readonly args: string[] }>;

function candidates(): readonly Candidate[] {
  const packaged: Candidate = async () => ({
    executablePath: await chromium.executablePath(),
    args: chromium.args.filter((arg) => !UNWANTED.has(arg)),
  });
  const installed = SYSTEM.filter((path) => existsSync(path)).map(
    (executablePath): Candidate =>
      async () => ({ executablePath, args: ['--no-sandbox'] }),
  );
  return process.platform === 'linux' ? [packaged, ...installed] : installed;
}

/** `ratio` by WCAG 2: 1 to 21. */
export type Contrast = { readonly what: string; readonly ratio: number };

/** To be evaluated in a page: of every text its contrast against the first opaque background behind it. */
export const CONTRASTS = `(() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const backdrop = (element) => {
    if (element === null) return getComputedStyle(document.body).backgroundColor;
    const colour = getComputedStyle(element).backgroundColor;
    return channels(colour)[3] === 0 ? backdrop(element.parentElement) : colour;
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
  return [...document.querySelectorAll('body *:not(svg *)')].filter((element) => hasText(element) && element.checkVisibility()).map((element) => {
    const [light, dark] = [luminance(getComputedStyle(element).color), luminance(backdrop(element))].sort((a, b) => b - a);
    return { what: element.tagName + '.' + element.className + ' ' + element.textContent.slice(0, 30), ratio: (light + 0.05) / (dark + 0.05) };
  });
})()`;
