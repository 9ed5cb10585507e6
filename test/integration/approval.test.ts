// A detector that asks for a second person, by every door of the house: the API, the command line, the console's form and
// the file. (The sheet and Slack have tests of their own.)
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { detectorsCommand } from '../../src/cli/detectors.ts';
import { type Embedded, startEmbedded } from '../support/embedded-app.ts';
import { runCommand } from '../unit/cli/run-command.ts';

const detectors = (warning: number, approval = 'loosening'): string => `
approval: ${approval}
detectors:
  - name: card-declines
    count: attempts
    where: outcome == "declined"
    per: card
    window: 10m
    thresholds: { warning: ${warning} }
  - name: free
    count: attempts
    where: outcome == "declined"
    per: email
    window: 10m
    thresholds: { warning: 3 }
    approval: none
`;
const until = { timeout: 20_000, interval: 50 };
const TOKENS = { ana: 'ana-secret-0123456789', bo: 'bo-secret-0123456789' } as const;
type Person = keyof typeof TOKENS;

let embedded: Embedded;
beforeEach(async () => {
  const env = { DECLINEWATCH_TOKENS: `ana:${TOKENS.ana},bo:${TOKENS.bo}` };
  embedded = await startEmbedded({ detectors: detectors(3), env });
  vi.stubEnv('DECLINEWATCH_URL', embedded.app.consoleUrl);
  await expect.poll(async () => (await call('ana', 'GET', PATH)).status, until).toBe(200);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await embedded.close();
});

const PATH = '/api/detectors/card-declines';

async function call(person: Person, method: string, path: string, body?: object) {
  const answer = await fetch(`${embedded.app.consoleUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKENS[person]}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: an answer of the API, looked at by its fields.
  return { status: answer.status, body: (await answer.json()) as any };
}

const put = async (person: Person, body: object) => await call(person, 'PUT', PATH, body);
const inForce = async () => (await call('ana', 'GET', PATH)).body;
const cli = async (person: Person, ...args: string[]) => {
  vi.stubEnv('DECLINEWATCH_TOKENS', `${person}:${TOKENS[person]}`);
  return await runCommand(detectorsCommand, args);
};
const isProposed = async (id: string) =>
  await expect
    .poll(async () => (await call('ana', 'GET', `/api/proposals?id=${id}`)).body.proposal.state, until)
    .toBe('proposed');

describe('a detector that asks for a second person', () => {
  it('is made louder by one, and quieter only by two', async () => {
    expect(await put('ana', { thresholds: { warning: 2 }, basedOn: 1 })).toMatchObject({ status: 200 });
    const alone = await put('ana', { thresholds: { warning: 6 }, basedOn: 2 });
    expect(alone).toMatchObject({ status: 409, body: { error: { code: 'approval_needed' } } });
    expect(alone.body.error.message).toMatch(/quieter \(thresholds\.warning\).* Propose it/);
    expect(await put('ana', { approval: null, basedOn: 2 })).toMatchObject({ status: 409 });
    expect(await inForce()).toMatchObject({ version: 2, settings: { approval: 'loosening' } });
    const asked = { detector: 'card-declines', set: { thresholds: { warning: 6 } }, why: 'too loud' };
    const { body } = await call('ana', 'POST', '/api/proposals', asked);
    const { id } = body.proposal;
    expect(body.proposal).toMatchObject({
      changes: ['warning 2 → 6'],
      secondPerson: expect.stringContaining('quieter'),
    });
    await isProposed(id);
    const own = await call('ana', 'POST', '/api/proposals/apply', { id });
    expect(own).toMatchObject({ status: 409, body: { error: { code: 'approval_needed' } } });
    expect(own.body.error.message).toContain('Ana proposed it, so somebody else must apply it.');
    await isProposed(id);
    expect(await call('bo', 'POST', '/api/proposals/apply', { id })).toEqual({ status: 200, body: { version: 3 } });
    const [newest] = (await inForce()).history;
    expect(newest).toMatchObject({
      version: 3,
      by: { name: 'bo' },
      proposedBy: { name: 'ana' },
      why: expect.stringMatching(/^too loud: .*, proposed by ana$/),
      settings: { thresholds: { warning: 6 } },
    });
  });

  it('is not taken back by one either: that is proposed instead', async () => {
    await put('ana', { thresholds: { warning: 2 }, basedOn: 1 });
    const made = await call('ana', 'POST', '/api/proposals/revert', { detector: 'card-declines' });
    expect(made).toMatchObject({ status: 202, body: { proposal: { changes: ['warning 2 → 3'] } } });
    const { id } = made.body.proposal;
    await isProposed(id);
    expect(await call('bo', 'POST', '/api/proposals/apply', { id })).toMatchObject({ status: 200 });
    expect((await inForce()).settings.thresholds).toEqual({ warning: 3 });
  });

  it('asks the command line as well, whose change becomes a proposal', async () => {
    const set = await cli('ana', 'set', 'card-declines', 'mode=off', '--why', 'holiday');
    expect(set).toMatchObject({ code: 0 });
    const id = /proposed as (\w+)/.exec(set.out)?.[1] ?? '';
    expect(set.out).toContain(
      `card-declines is not changed: proposed as ${id}\nThis makes card-declines quieter (mode)`,
    );
    await isProposed(id);
    const listed = await cli('bo', 'proposals');
    expect(listed.out).toContain(`${id}  proposed  card-declines: mode alert → off\n      by ana (cli), `);
    expect(await cli('ana', 'apply', id)).toMatchObject({ code: 1, err: expect.stringContaining('somebody else') });
    expect(await cli('bo', 'apply', id)).toMatchObject({ code: 0, out: 'applied: version 2\n' });
    expect((await inForce()).settings.mode).toBe('off');
    expect(await cli('bo', 'revert', 'card-declines', '1')).toMatchObject({
      out: 'card-declines is at version 3\n      mode: off → alert\n',
    });
    const again = await cli('bo', 'revert', 'card-declines', '2');
    const other = /proposed as (\w+)/.exec(again.out)?.[1] ?? '';
    expect(await cli('bo', 'discard', other)).toMatchObject({ code: 0, out: 'discarded\n' });
    expect((await cli('bo', 'proposals')).out).toContain(`${other}  discarded`);
  });

  it('leaves a detector in peace that does not ask, and the file free to change both', async () => {
    const free = await call('ana', 'PUT', '/api/detectors/free', { mode: 'off', basedOn: 1 });
    expect(free).toMatchObject({ status: 200, body: { version: 2 } });
    writeFileSync(join(embedded.folder, 'detectors.yaml'), detectors(9, 'all'));
    await expect
      .poll(async () => (await inForce()).settings, until)
      .toMatchObject({
        thresholds: { warning: 9 },
        approval: 'all',
      });
    const louder = await put('ana', { thresholds: { warning: 2 }, basedOn: 2 });
    expect(louder.body.error.message).toMatch(/^Each change of card-declines needs a second person/);
  });
});
