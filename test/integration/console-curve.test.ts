// The curve's page and the forms of proposals over real HTTP: who may do what, what is refused and changes nothing.
import { afterEach, describe, expect, it } from 'vitest';
import { type ConsoleDesk, type DeskOptions, openConsoleDesk } from '../support/console-desk.ts';
import { appendMonth, consoleTuning } from '../support/console-tuning.ts';
import { ANA, detectorSettings, settingsCommand, T0_MS } from '../support/decider.ts';
import { type Answer, ask, FORM_TYPE } from '../support/http.ts';

const until = { timeout: 20_000, interval: 30 };
const AT = '/detectors/card-declines';
const PAGE = { accept: 'text/html' };

let desk: ConsoleDesk;
afterEach(async () => await desk.close());

async function open(options: DeskOptions = {}): Promise<void> {
  desk = await openConsoleDesk({ more: consoleTuning, ...options });
  await appendMonth(desk.log);
}

/** A person at the console: a session with tokens, nobody in particular without. */
async function person(token?: string) {
  const login = { method: 'POST', path: '/login', headers: { ...FORM_TYPE, ...PAGE }, body: `token=${token}` };
  const [cookie = ''] = token === undefined ? [] : ((await ask(desk.url, login)).headers['set-cookie'] ?? []);
  const headers = { ...PAGE, cookie: cookie.split(';', 1)[0] ?? '' };
  const get = async (path: string): Promise<Answer> => await ask(desk.url, { path, headers });
  const form = /name="form" value="([^"]+)"/.exec((await get(AT)).text)?.[1] ?? '';
  return {
    get,
    post: async (path: string, fields: Readonly<Record<string, string>> = {}): Promise<Answer> => {
      const body = new URLSearchParams({ form, ...fields }).toString();
      return await ask(desk.url, { method: 'POST', path, headers: { ...FORM_TYPE, ...headers }, body });
    },
  };
}
type Person = Awaited<ReturnType<typeof person>>;

const SAME = { notice: '', warning: '3', critical: '8', window: '10m', mode: 'alert', basedOn: '1', why: '' };

/** The address of the newest proposal's forms, once it can be applied. */
async function proposed(who: Person): Promise<string> {
  const found = async (): Promise<string | undefined> =>
    /action="([^"]+\/proposals\/\w+)\/apply"/.exec((await who.get(`${AT}/curve`)).text)?.[1];
  await expect.poll(found, until).toBeDefined();
  return (await found()) ?? '';
}

const newest = () => desk.feed.settingsHistory('card-declines').at(-1);

describe('the page of a curve', () => {
  it('is not there for a detector that there is not, or was removed, or where another process responds', async () => {
    await open();
    const { get } = await person();
    expect((await get('/detectors/nothing/curve')).status).toBe(404);
    await desk.tell(settingsCommand(null, { basedOn: 1 }), ANA);
    expect((await get(`${AT}/curve`)).status).toBe(404);
    expect((await get(AT)).text).not.toContain('/curve');
    await desk.close();
    desk = await openConsoleDesk();
    const other = await person();
    expect((await other.get(`${AT}/curve`)).status).toBe(404);
    expect((await other.get(AT)).text).not.toContain('/curve');
    expect((await other.get('/dead-letters')).status).toBe(404);
  });

  it('says how far it is, and then shows the window that is asked for', async () => {
    await open();
    const { get } = await person();
    const first = (await get(`${AT}/curve`)).text;
    expect(first).toContain('<progress');
    expect(first).toContain('http-equiv="refresh"');
    await expect.poll(async () => (await get(`${AT}/curve`)).text, until).toContain('data-curve');
    const page = (await get(`${AT}/curve?window=1h`)).text;
    expect(page).not.toContain('http-equiv="refresh"');
    expect(page).toMatch(/href="\?window=1h" aria-current="true"/);
    for (const odd of ['7w', '1s', encodeURIComponent('"><script>')])
      expect((await get(`${AT}/curve?window=${odd}`)).text).toMatch(/href="\?window=10m" aria-current="true"/);
    expect((await get(`${AT}/curve?done=<script>`)).text).not.toContain('class="notice');
  });
});

describe('a proposal from the page', () => {
  it('is by the person of the token, and applied by another one if that is needed', async () => {
    const tokens = ['ana', 'bo'].map((name) => ({ name, token: `${name}-secret-0123456789` }));
    await open({ tokens });
    await desk.tell(settingsCommand(detectorSettings({ approval: 'all' }), { basedOn: 1 }), ANA);
    const [ana, bo] = [await person('ana-secret-0123456789'), await person('bo-secret-0123456789')];
    const made = await ana.post(`${AT}/proposals`, { ...SAME, warning: '4', basedOn: '2', why: 'too loud' });
    expect([made.status, made.headers.location]).toEqual([303, `${AT}/curve?done=proposed&window=10m`]);
    const address = await proposed(ana);
    const alone = await ana.post(`${address}/apply`);
    expect(alone.status).toBe(409);
    expect(alone.text).toContain('somebody else must apply it');
    expect(newest()?.rule.version).toBe(2);
    expect((await bo.post(`${address}/apply`)).status).toBe(303);
    await expect.poll(newest, until).toMatchObject({
      rule: { version: 3, settings: { thresholds: { warning: 4, critical: 8 } } },
      actor: { kind: 'console', name: 'bo' },
      proposedBy: { kind: 'console', name: 'ana' },
    });
    expect(newest()?.why).toMatch(/^too loud: .*, proposed by ana$/);
    expect((await bo.post(`${address}/discard`)).status).toBe(409);
  });

  it('is refused with its reason where it cannot be, and nothing changes', async () => {
    await open();
    const who = await person();
    const refused = async (fields: Readonly<Record<string, string>>, status: number, reason: string) => {
      const answer = await who.post(`${AT}/proposals`, { ...SAME, ...fields });
      expect([fields, answer.status]).toEqual([fields, status]);
      expect(answer.text).toContain(reason);
    };
    await refused({}, 400, 'Nothing differs');
    await refused({ warning: '9' }, 422, 'must be above');
    await refused({ warning: '-1' }, 422, 'It cannot be');
    await refused({ warning: 'many' }, 422, 'It cannot be');
    await refused({ warning: '', critical: '' }, 422, 'It cannot be');
    await refused({ window: '8d' }, 422, 'It cannot be');
    await refused({ window: 'soon' }, 422, 'It cannot be');
    await refused({ mode: 'loud' }, 422, 'It cannot be');
    await refused({ warning: '4', basedOn: '7' }, 422, 'is at version 1');
    await refused({ warning: '4', basedOn: '1.5' }, 400, 'Nothing differs');
    await refused({ suggestion: 'four_a_day', basedOn: '1' }, 409, 'not suggested any more');
    await refused({ suggestion: '__proto__', basedOn: '1' }, 409, 'not suggested any more');
    expect((await who.post('/detectors/nothing/proposals', SAME)).status).toBe(404);
    expect((await who.post(`${AT}/proposals/0123456789abcdef/apply`)).status).toBe(404);
    expect(desk.feed.settingsHistory('card-declines')).toHaveLength(1);
  });

  it('of another detector is not found under this one', async () => {
    await open();
    await desk.tell(settingsCommand(detectorSettings({ name: 'other' })), ANA);
    const who = await person();
    await who.post('/detectors/other/proposals', { ...SAME, warning: '4' });
    const found = async (): Promise<string | undefined> =>
      /proposals\/(\w+)\/apply/.exec((await who.get('/detectors/other/curve')).text)?.[1];
    await expect.poll(found, until).toBeDefined();
    for (const decision of ['apply', 'discard'])
      expect((await who.post(`${AT}/proposals/${await found()}/${decision}`)).status).toBe(404);
    expect(desk.feed.settingsHistory('other')).toHaveLength(1);
  });
});

describe('taking a version back', () => {
  it('is of the version that the page showed, and of no other', async () => {
    await open();
    const who = await person();
    expect((await who.get(`${AT}/curve`)).text).not.toContain('Revert to version');
    await desk.tell(settingsCommand(detectorSettings({ thresholds: { warning: 4 } }), { basedOn: 1 }), ANA);
    expect((await who.get(`${AT}/curve`)).text).toContain('Revert to version 1');
    const stale = await who.post(`${AT}/revert`, { basedOn: '1' });
    expect([stale.status, newest()?.rule.version]).toEqual([409, 2]);
    expect(stale.text).toContain('is at version 2 by now');
    expect((await who.post(`${AT}/revert`, { basedOn: '2' })).status).toBe(303);
    await expect.poll(newest, until).toMatchObject({ rule: { version: 3, settings: { thresholds: { warning: 3 } } } });
    expect(newest()?.at).toBe(T0_MS);
  });
});
