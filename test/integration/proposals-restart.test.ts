// Proposals over a power cut: the real command, embedded, ended at once between proposing and deciding.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createInstallation, type Installation, type RunningProcess } from '../support/installation.ts';

const UNTIL = { timeout: 60_000, interval: 100 };
const TEST_MS = 120_000;
const DETECTORS = `
detectors:
  - { name: card-declines, title: Declines on one card, why: A test., where: outcome == "declined", count: attempts, per: card, window: 10m, thresholds: { warning: 3, critical: 8 } }
`;

type Answer = {
  readonly proposal: { readonly id: string; readonly state: string; readonly words: string; readonly readAt: string };
  readonly proposals: readonly { readonly id: string; readonly state: string }[];
  readonly version: number;
  readonly error: { readonly code: string; readonly message: string };
};

let installation: Installation;
let running: RunningProcess;

beforeEach(async () => {
  installation = createInstallation({ detectors: DETECTORS });
  running = await installation.start();
  await expect.poll(async () => (await call('/api/detectors/card-declines')).body.version, UNTIL).toBe(1);
});
afterEach(async () => await installation.close());

async function call(path: string, body?: object): Promise<{ readonly status: number; readonly body: Answer }> {
  const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(`${running.consoleUrl}${path}`, body === undefined ? {} : sent);
  return { status: answer.status, body: (await answer.json()) as Answer };
}

const shown = async (id: string): Promise<Answer['proposal']> => (await call(`/api/proposals?id=${id}`)).body.proposal;

it(
  'are there after it as they were, are decided once, and of what is decided the state stays',
  async () => {
    const propose = async (set: object): Promise<string> =>
      (await call('/api/proposals', { detector: 'card-declines', set })).body.proposal.id;
    const [applied, overtaken, discarded] = [
      await propose({ thresholds: { warning: 4 } }),
      await propose({ mode: 'shadow' }),
      await propose({ window: '20m' }),
    ];
    for (const id of [applied, overtaken, discarded])
      await expect.poll(async () => (await shown(id)).state, UNTIL).toBe('proposed');
    expect((await call('/api/proposals/discard', { id: discarded })).status).toBe(200);
    const before = await shown(applied);
    await running.kill();
    running = await installation.start();
    expect(await shown(applied)).toEqual(before);
    expect((await shown(discarded)).state).toBe('discarded');
    expect((await call('/api/proposals/apply', { id: applied })).body).toEqual({ version: 2 });
    const again = await call('/api/proposals/apply', { id: applied });
    expect([again.status, again.body.error.code]).toEqual([409, 'invalid_transition']);
    expect(again.body.error.message).toMatch(/^It was applied already/);
    await running.kill();
    running = await installation.start();
    const { proposals } = (await call('/api/proposals')).body;
    expect(proposals.map(({ id, state }) => [id, state])).toEqual([
      [discarded, 'discarded'],
      [overtaken, 'refused'],
      [applied, 'applied'],
    ]);
    expect((await call('/api/proposals?id=ffffffffffffffff')).status).toBe(404);
  },
  TEST_MS,
);
