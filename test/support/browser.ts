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
