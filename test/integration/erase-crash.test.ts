// An erase that is broken off at any moment goes on or can be asked for again; with nothing running the command does it itself;
// several at once are done one after the other.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eraseCommand } from '../../src/cli/erase.ts';
import { VARIABLES } from '../../src/config/variables.ts';
import type { EraseStatus } from '../../src/model/erase-status.ts';
import type { IncidentJson } from '../../src/model/incident.ts';
import { declineOf, declinesPer, expectErased, lasting, personOf } from '../support/erase-person.ts';
import { eventually } from '../support/eventually.ts';
import {
  createInstallation,
  type Installation,
  PII_KEY,
  type RunningProcess,
  WEBHOOK_SECRET,
} from '../support/installation.ts';
import { send } from '../support/stripe-sender.ts';
import { runCommand } from '../unit/cli/run-command.ts';

let installation: Installation;
let running: RunningProcess;

beforeEach(async () => {
  installation = createInstallation({ detectors: declinesPer('customer', 'email', 'card') });
  await start();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await installation.close();
});

async function start(): Promise<void> {
  running = await installation.start();
  vi.stubEnv('DECLINEWATCH_URL', running.consoleUrl);
}

async function attack(person: string, count = 4): Promise<void> {
  const root = running.webhookUrl.replace(/\/webhooks\/stripe$/, '');
  for (let n = 0; n < count; n += 1) {
    const event = declineOf(`${person}${n}`, personOf(person));
    expect((await send(root, event, { secret: WEBHOOK_SECRET })).status).toBe(200);
  }
}

async function incidents(): Promise<readonly IncidentJson[]> {
  const answer = await fetch(`${running.consoleUrl}/api/incidents`);
  return ((await answer.json()) as { readonly incidents: readonly IncidentJson[] }).incidents;
}

async function opened(count: number): Promise<readonly IncidentJson[]> {
  return await eventually(
    async () => {
      const all = await incidents();
      return all.filter(({ attemptCount }) => attemptCount === 4).length === count ? all : null;
    },
    {
      what: `${count} incidents`,
      withinMs: 90_000,
      told: async () => [await incidents(), running.output().slice(-2_000)],
    },
  );
}

async function post(
  body: object,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const answer = await fetch(`${running.consoleUrl}/api/erase`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Readonly<Record<string, unknown>> };
}

function filesWith(person: string): string[] {
  const marks = Object.values(personOf(person)).map((mark) => Buffer.from(mark));
  const files = readdirSync(join(installation.folder, 'data'), { recursive: true, withFileTypes: true });
  return files
    .filter((entry) => entry.isFile())
    .filter(({ parentPath, name }) => {
      const bytes = readFileSync(join(parentPath, name));
      return marks.some((mark) => bytes.includes(mark));
    })
    .map(({ name }) => name);
}

describe('an erase that is broken off', () => {
  it('is over in the end, whenever the program is killed, and changes no count', async () => {
    await attack('marked');
    const before = await opened(3);
    expect(filesWith('marked')).not.toEqual([]);
    // From before it has begun to after it is done: how far it comes is the machine's to say.
    for (const waitMs of [0, 5, 20, 60, 150, 400, 1_200]) {
      expect((await post({ customer: 'cus_marked' })).status).toBe(202);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await running.kill();
      await start();
    }
    expect(await runCommand(eraseCommand, ['--customer', 'cus_marked', '--yes'])).toMatchObject({ code: 0, err: '' });
    await eventually(() => filesWith('marked').length === 0, {
      what: 'no file that has the person',
      withinMs: 90_000,
      told: () => [filesWith('marked'), running.output().slice(-2_000)],
    });
    const after = await incidents();
    expect(lasting(after)).toEqual(lasting(before));
    expectErased(after);
  }, 300_000);
});

describe('with nothing running', () => {
  it('the command takes the lock and does it; the service goes on with what is left', async () => {
    await attack('marked');
    const before = await opened(3);
    expect(await running.stop()).toBe(0);
    for (const { name } of VARIABLES) for (const one of [name, `${name}_FILE`]) vi.stubEnv(one, undefined);
    const env = {
      DECLINEWATCH_DATA: join(installation.folder, 'data'),
      DECLINEWATCH_DETECTORS: join(installation.folder, 'detectors.yaml'),
      DECLINEWATCH_PII_KEY: PII_KEY,
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      PORT: '0',
      ADMIN_PORT: '0',
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const dry = await runCommand(eraseCommand, ['--card', 'fp_marked', '--dry-run']);
    expect([dry.code, dry.err]).toEqual([0, '']);
    expect(dry.out).toContain('Would take out: 1 customer, 1 e-mail, 1 card.');
    expect(filesWith('marked')).not.toEqual([]);
    const done = await runCommand(eraseCommand, ['--card', 'fp_marked', '--yes']);
    expect([done.code, done.err]).toEqual([0, '']);
    expect(filesWith('marked')).toEqual([]);
    await start();
    await eventually(async () => (await incidents()).length === 3, { what: 'the incidents', withinMs: 60_000 });
    await attack('somebody');
    const after = await opened(6);
    expect(lasting(after.slice(-3))).toEqual(lasting(before));
    expectErased(after.slice(-3));
    expect(filesWith('marked')).toEqual([]);
  }, 240_000);
});

describe('several at once', () => {
  it('are done one after the other, and of the same person only once', async () => {
    await attack('one');
    await attack('two');
    const before = await opened(6);
    const asked = [
      { customer: 'cus_one' },
      { email: 'One@mail.example' },
      { customer: 'cus_two' },
      { card: 'fp_two' },
      { customer: 'cus_nobody' },
    ];
    const answers = await Promise.all(asked.map(async (body) => await post(body)));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    const ids = answers.map(({ body }) => (body.erase as EraseStatus).id);
    const done = await eventually(
      async () => {
        const all = await Promise.all(
          ids.map(async (id) => {
            const answer = await fetch(`${running.consoleUrl}/api/erase?id=${id}`);
            return ((await answer.json()) as { readonly erase: EraseStatus }).erase;
          }),
        );
        return all.every(({ state }) => state === 'done' || state === 'failed') ? all : null;
      },
      { what: 'all of them done', withinMs: 120_000 },
    );
    expect(done.map(({ state, found }) => [state, found?.isKnown])).toEqual([
      ['done', true],
      ['done', false],
      ['done', true],
      ['done', false],
      ['done', false],
    ]);
    const after = await incidents();
    expect(lasting(after)).toEqual(lasting(before));
    // Three of each: nobody is taken for the other.
    expect(new Set(after.map(({ entity }) => entity.value)).size).toBe(6);
    expect([filesWith('one'), filesWith('two')]).toEqual([[], []]);
  }, 240_000);

  it('a request that is not understood is refused, and what is wrong is named', async () => {
    const wrong: readonly (readonly [object, string])[] = [
      [{}, ''],
      [[], ''],
      [{ customer: 'cus_1', email: 'a@b.example' }, ''],
      [{ customer: '' }, 'customer'],
      [{ customer: 7 }, 'customer'],
      [{ email: 'no address' }, 'email'],
      [{ card: '4242 4242 4242 4242' }, 'card'],
      [{ card: 'x'.repeat(321) }, 'card'],
      [{ customer: 'cus_1', dryRun: 'yes' }, 'dryRun'],
      [{ customer: 'cus_1', all: true }, 'all'],
    ];
    for (const [body, path] of wrong) {
      const answer = await post(body);
      expect([body, answer.status]).toEqual([body, 400]);
      expect(answer.body.error).toMatchObject({ code: 'invalid_request', details: [{ path }] });
      expect(JSON.stringify(answer.body)).not.toContain('4242');
    }
    expect((await fetch(`${running.consoleUrl}/api/erase?id=unknown`)).status).toBe(404);
    expect(await (await fetch(`${running.consoleUrl}/api/erase`)).json()).toEqual({ erase: null });
  });
});
