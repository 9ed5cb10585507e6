// What `doctor` looks at on this machine: the secrets' form, the service that may run, its ports, the data folder, the
// detectors file.
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Config } from '../config/config.ts';
import { openSqliteReader } from '../log/sqlite-reader.ts';
import { AppError, messageOf } from '../model/errors.ts';
import { plural } from '../model/words.ts';
import { readDetectorsFile, SHIPPED_DETECTORS } from './settings-file.ts';

/** What a part answers. */
export type Found = { readonly name: string; readonly problem: string | null; readonly found: string };

const fine = (name: string, found: string): Found => ({ name, problem: null, found });
const wrong = (name: string, problem: string): Found => ({ name, problem, found: '' });

const SHORTEST_TOKEN = 16;
const PII_KEY_FORM = /^[0-9a-f]{64}$/i;

/** Their form only: whether they are accepted is asked of whoever gave them. */
export function checkSecrets(config: Config): readonly Found[] {
  return [webhookSecret(config), consoleTokens(config), personalKey(config)];
}

function webhookSecret({ demo, stripe: { webhookSecrets } }: Config): Found {
  const name = 'STRIPE_WEBHOOK_SECRET';
  if (demo) return fine(name, 'not set: start runs the demo');
  if (webhookSecrets.length === 0)
    return wrong(
      name,
      'It is not set: every webhook is refused. Set it to the signing secret of the endpoint (docs/stripe.md).',
    );
  const odd = webhookSecrets.findIndex((secret) => !secret.startsWith('whsec_'));
  if (odd >= 0)
    return wrong(
      name,
      `Secret ${odd + 1} of ${webhookSecrets.length} does not begin with whsec_, so it is no signing secret. Reveal that of the endpoint in the Dashboard (Developers → Webhooks).`,
    );
  return fine(name, plural(webhookSecrets.length, 'signing secret'));
}

function consoleTokens({ tokens, adminHost }: Config): Found {
  const name = 'DECLINEWATCH_TOKENS';
  if (tokens.length === 0) {
    if (LOOPBACK.test(adminHost)) return fine(name, 'not set: the console listens on loopback only');
    return wrong(
      name,
      `It is not set, and ADMIN_HOST is ${adminHost}: start will refuse that. Set name:token,…, or leave ADMIN_HOST on loopback.`,
    );
  }
  const short = tokens.filter(({ token }) => token.length < SHORTEST_TOKEN).map((one) => one.name);
  if (short.length > 0)
    return wrong(
      name,
      `The token of ${short.join(', ')} has fewer than ${SHORTEST_TOKEN} characters. Make it with: openssl rand -hex 32`,
    );
  return fine(name, plural(tokens.length, 'token'));
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

function personalKey({ piiKey, kafka, dataFolder }: Config): Found {
  const name = 'DECLINEWATCH_PII_KEY';
  if (piiKey !== null)
    return PII_KEY_FORM.test(piiKey)
      ? fine(name, 'set')
      : wrong(name, 'It is not 64 hex digits. Make it with: openssl rand -hex 32');
  if (kafka === null) return fine(name, 'kept in the data folder');
  return fine(name, `kept in ${dataFolder}: set it before a second replica, so that both show the same masks`);
}

const ASK_MS = 5_000;
/** Slack is not asked whether clicks arrive: it does not say. The service knows when one did. */
const BUTTONS = 'slack buttons';

type Part = { readonly name: string; readonly state: string; readonly detail: string; readonly cure: string };

/** Whether one runs, and what it says of itself. Nothing running is no fault: then its ports must be free. */
export async function checkService(config: Config): Promise<readonly Found[]> {
  const { url, adminHost, adminPort, tokens } = config;
  const host = /^(0\.0\.0\.0|::)$/.test(adminHost) ? '127.0.0.1' : adminHost;
  const at = url ?? `http://${host.includes(':') ? `[${host}]` : host}:${adminPort}`;
  const token = tokens[0]?.token;
  const name = 'declinewatch';
  let answer: Response;
  try {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    answer = await fetch(`${at}/api/status`, { headers, signal: AbortSignal.timeout(ASK_MS) });
  } catch {
    const ports = [checkPort('PORT', config.host, config.port), checkPort('ADMIN_PORT', adminHost, adminPort)];
    return [fine(name, `does not run at ${at}`), ...(await Promise.all(ports))];
  }
  if (answer.status === 401 || answer.status === 403)
    return [wrong(name, `${at} answers and does not let this command in. Give it the same DECLINEWATCH_TOKENS.`)];
  const body = (await answer.json().catch(() => null)) as { readonly parts?: readonly Part[] } | null;
  if (!answer.ok || !Array.isArray(body?.parts))
    return [
      wrong(
        name,
        `What answers at ${at} is no declinewatch. Set ADMIN_PORT to another port, or DECLINEWATCH_URL to the right one.`,
      ),
    ];
  const parts = body.parts as readonly Part[];
  const ill = parts.filter(({ state }) => state !== 'fine');
  return [
    fine(name, `runs at ${at}, ${parts.length - ill.length} of ${plural(parts.length, 'part')} fine`),
    ...parts.filter((part) => part.name === BUTTONS && part.state === 'fine').map((part) => fine(BUTTONS, part.detail)),
    ...ill.map((part) => wrong(part.name, `${part.state}: ${part.detail} ${part.cure}`.trim())),
  ];
}

async function checkPort(name: string, host: string, port: number): Promise<Found> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, resolve);
    });
    return fine(name, port === 0 ? 'any free one' : `${port} is free`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      return wrong(name, `Another program listens on ${host}:${port}. Stop it, or set ${name}.`);
    return wrong(
      name,
      `${host}:${port} cannot be listened on: ${messageOf(error)}. Set ${name} to a port above 1023 of an address of this machine.`,
    );
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

const DATABASE = 'declinewatch.db';
const LOW_BYTES = 1_073_741_824;
const OPEN_TO_OTHERS = 0o077;

export function checkData({ dataFolder, kafka, demo }: Config): readonly Found[] {
  const lines = [folderLine(dataFolder)];
  const keyFile = join(dataFolder, 'pii-key');
  if (existsSync(keyFile) && process.platform !== 'win32') {
    const isOpen = (statSync(keyFile).mode & OPEN_TO_OTHERS) !== 0;
    lines.push(
      isOpen
        ? wrong('pii-key', `Others on this machine may read ${keyFile}. Run: chmod 600 ${keyFile}`)
        : fine('pii-key', 'for this user only'),
    );
  }
  if (kafka === null) lines.push(databaseLine(join(dataFolder, demo ? 'demo' : '', DATABASE)));
  return lines;
}

function folderLine(dataFolder: string): Found {
  const name = 'DECLINEWATCH_DATA';
  const there = nearest(dataFolder);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(there);
    const freeBytes = bavail * bsize;
    const free = `${Math.round(freeBytes / 107_374_182.4) / 10} GB free`;
    if (freeBytes < LOW_BYTES)
      return wrong(
        name,
        `Only ${free} in ${dataFolder}: soon no event can be taken. Make room, or set DECLINEWATCH_DATA to another disk.`,
      );
    return fine(name, `${dataFolder}${there === dataFolder ? '' : ', made at the first start'}; ${free}`);
  } catch (error) {
    return wrong(
      name,
      `${there} cannot be written (${messageOf(error)}). Give this user write access, or set DECLINEWATCH_DATA to another folder.`,
    );
  }
}

/** The folder itself, or the first above it that is there. */
function nearest(folder: string): string {
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

function databaseLine(file: string): Found {
  const name = 'log';
  if (!existsSync(file)) return fine(name, 'none yet; start makes it');
  try {
    const reader = openSqliteReader(file);
    void reader.close();
  } catch (error) {
    return wrong(name, error instanceof AppError ? `${error.message} ${error.help}` : messageOf(error));
  }
  const owner = `${file}.lock.owner`;
  const writer = existsSync(owner) ? `written by ${readFileSync(owner, 'utf8').trim()}` : 'nothing writes to it now';
  return fine(name, `${Math.round(statSync(file).size / 104_857.6) / 10} MB, ${writer}`);
}

export async function checkDetectors({ detectorsFile }: Config): Promise<Found> {
  const name = 'DECLINEWATCH_DETECTORS';
  const path = detectorsFile ?? SHIPPED_DETECTORS;
  try {
    const { detectors } = await readDetectorsFile(path);
    return fine(
      name,
      `${plural(detectors.length, 'detector')}, tests pass${detectorsFile === null ? ' (the shipped file)' : ''}`,
    );
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const first = error.details[0];
    const named = first === undefined ? '' : ` ${first.path} ${first.message}`;
    return wrong(name, `${error.message}${named} ${error.help}`.trim());
  }
}
