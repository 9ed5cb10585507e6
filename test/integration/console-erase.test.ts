// A person is erased from the console, by its forms alone: what is said before is what is then taken out, and the value is in no
// address, page or topic. The whole program, embedded; how a run is told while it lasts, over a desk that stands still.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { IncidentJson } from '../../src/model/incident.ts';
import type { TopicName } from '../../src/model/topics.ts';
import { openConsoleDesk } from '../support/console-desk.ts';
import { type Embedded, startEmbedded } from '../support/embedded-app.ts';
import { declineOf, declinesPer, personOf } from '../support/erase-person.ts';
import { standingErases } from '../support/erase-status.ts';
import { eventually } from '../support/eventually.ts';
import { type Answer, ask, FORM_TYPE } from '../support/http.ts';

const [PERSON, OTHER] = [personOf('marked'), personOf('other')];

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let embedded: Embedded;
let pages: string[] = [];

async function get(path: string): Promise<Answer> {
  const answer = await ask(embedded.app.consoleUrl, { path, headers: { accept: 'text/html' } });
  pages.push(`${path}\n${answer.text}`);
  return answer;
}

/** As a browser without script sends it: from a page, with the token of that page. */
async function send(path: string, fields: Readonly<Record<string, string>>): Promise<Answer> {
  const form = /name="form" value="([\w-]+)"/.exec((await get('/erase')).text)?.[1] ?? '';
  const answer = await ask(embedded.app.consoleUrl, {
    method: 'POST',
    path,
    headers: { ...FORM_TYPE, accept: 'text/html', origin: embedded.app.consoleUrl },
    body: new URLSearchParams({ form, ...fields }).toString(),
  });
  pages.push(`${answer.headers.location}\n${answer.text}`);
  return answer;
}

/** Follows a form's answer until the page is at rest. */
async function atRest({ status, headers }: Answer): Promise<{ readonly path: string; readonly text: string }> {
  expect(status).toBe(303);
  const path = headers.location ?? '';
  return await eventually(
    async () => {
      const { text } = await get(path);
      return text.includes('http-equiv="refresh"') ? null : { path, text };
    },
    { what: 'a page that changes no more', withinMs: 30_000 },
  );
}

const counts = (text: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...text.matchAll(/<th scope="row">([^<]+)<\/th><td class="number">([^<]+)</g)].map(([, place, count]) => [
      place,
      Number(count),
    ]),
  );

const textOf = async (topic: TopicName): Promise<string> =>
  (await embedded.records(topic)).map(({ key, value }) => `${key} ${value}`).join('\n');

beforeAll(async () => {
  embedded = await startEmbedded({ detectors: declinesPer('card', 'account') });
  for (let n = 0; n < 4; n += 1) expect(await embedded.post(declineOf(`person${n}`, PERSON))).toBe(200);
  for (let n = 0; n < 3; n += 1) expect(await embedded.post(declineOf(`other${n}`, OTHER))).toBe(200);
  // It cannot be counted, and names the person.
  expect(await embedded.post({ ...declineOf('bad', PERSON), created: 'never' })).toBe(200);
  await eventually(
    async () => {
      const { incidents } = (await embedded.get('/api/incidents')).body as { incidents: readonly IncidentJson[] };
      return incidents.length === 3 && incidents.some(({ attemptCount }) => attemptCount === 7);
    },
    { what: 'incidents of both cards and of all', withinMs: 60_000 },
  );
});
afterAll(async () => await embedded?.close());

describe('erasing from the console', () => {
  it('is where a person looks for it', async () => {
    expect((await get('/')).text).toContain('<a class="tab" href="/erase">Erase</a>');
    expect((await get('/erase')).text).toContain('<a class="tab" href="/erase" aria-current="page">Erase</a>');
  });

  it.each([
    [{ kind: 'customer', value: '' }, 'customer is a text of 1 to 320 characters'],
    [{ kind: 'email', value: `${'a'.repeat(400)}@x.example` }, 'email is a text of 1 to 320 characters'],
    [{ kind: 'email', value: 'cus_marked' }, 'email is an e-mail address'],
    [{ kind: 'customer', value: PERSON.email }, 'ask for it as one'],
    [{ kind: 'card', value: '4242 4242 4242 4242' }, 'is not a card number'],
    [{ kind: 'phone', value: '1' }, 'Choose customer, e-mail or card'],
    [{ value: 'cus_marked' }, 'Choose customer, e-mail or card'],
  ])('%j is refused on the same page, with the cure and without the value', async (fields, says) => {
    const { status, text } = await send('/erase', fields as Record<string, string>);
    expect(status).toBe(400);
    expect(text).toMatch(/<p class="notice problem" role="alert">/);
    expect(text).toContain(says);
    expect(text).toContain('<h1>Erase a person</h1>');
    if (fields.value) expect(text).not.toContain(`"${fields.value}"`);
  });

  it('says so if nothing is known, and that is no error', async () => {
    const { text } = await atRest(await send('/erase', { kind: 'email', value: 'nobody@mail.example' }));
    expect(text).toContain('<h1>Nothing is known of this e-mail</h1>');
    expect(text).not.toContain('Erase for good');
  });

  it('an erase that is not known here is not found, to look at and to confirm', async () => {
    expect((await get('/erase/nothing')).status).toBe(404);
    expect((await send('/erase/nothing', { value: 'x' })).status).toBe(404);
  });

  it('shows what would go, does it once the value is given again, and has taken out just that', async () => {
    pages = [];
    const before = await textOf('stripe-events');
    const preview = await atRest(await send('/erase', { kind: 'email', value: ` ${PERSON.email.toUpperCase()} ` }));
    expect(preview.text).toContain('1 card, 1 customer, 1 e-mail');
    expect(counts(preview.text)).toMatchObject({ Attempts: 4, 'Stored Stripe events': 5, Incidents: 2 });
    expect(preview.text).toContain('1 of them is a dead letter');
    expect(await textOf('stripe-events')).toBe(before);

    const wrong = await send(preview.path, { value: 'another@mail.example' });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('This is not the e-mail that was looked for. Nothing was done.');
    expect((await embedded.records('erasures')).length).toBe(0);

    const done = await atRest(await send(preview.path, { value: PERSON.email }));
    expect(done.text).toContain('<h1>Erased</h1>');
    expect(counts(done.text)).toEqual(counts(preview.text));

    const known = counts(preview.text);
    const attempts = new Set<string>();
    for (const { value } of await embedded.records('attempts'))
      if (value.includes('erased-')) attempts.add(/"(ch_person\d)"/.exec(value)?.[1] ?? value);
    expect(attempts.size).toBe(known.Attempts);
    expect((await textOf('stripe-events')).match(/"erased":true/g)?.length).toBe(known['Stored Stripe events']);
    const { incidents } = (await embedded.get('/api/incidents')).body as { incidents: readonly IncidentJson[] };
    const isTakenOut = ({ entity, evidence }: IncidentJson): boolean =>
      entity.label.startsWith('erased-') || evidence.newest.some(({ card }) => card === 'visa •••• ????');
    expect(incidents.filter(isTakenOut).length).toBe(known.Incidents);

    // The page of the preview leads to the erase by now; pressed again, it is the same one.
    expect((await get(preview.path)).headers.location).toBe(done.path);
    expect((await send(preview.path, { value: PERSON.email })).headers.location).toBe(done.path);
    expect((await get('/erase')).text).toContain(`href="${done.path}"`);
    const again = await atRest(await send('/erase', { kind: 'customer', value: PERSON.customer }));
    expect(again.text).toContain('Nothing is known of this customer');
  });

  it('never has the value in an address, a page or the log', async () => {
    expect(pages.length).toBeGreaterThan(8);
    for (const topic of ['attempts', 'stripe-events', 'commands', 'incidents', 'erasures', 'dead-letters'] as const)
      pages.push(await textOf(topic));
    for (const page of pages)
      for (const mark of [PERSON.email, PERSON.customer, PERSON.card])
        expect(page.toLowerCase().includes(mark.toLowerCase())).toBe(false);
  });
});

describe('while it runs', () => {
  it('a reload shows how far it is, a second one is told that it waits, and an error is told with its cure', async () => {
    const erases = standingErases();
    const desk = await openConsoleDesk({ erases });
    const page = async (path: string): Promise<string> => (await ask(desk.url, { path })).text;
    const progress = { what: 'attempts', records: 3, of: 4 };
    erases.put({ id: 'first', state: 'redacting', progress });
    const first = await page('/erase/first');
    expect(first).toContain('Takes them out, in attempts: 75 %');
    expect(first).toContain('<noscript><meta http-equiv="refresh" content="3;url=/erase/first"></noscript>');
    expect(first).toContain('data-every="1"');

    const form = /name="form" value="([\w-]+)"/.exec(await page('/erase'))?.[1] ?? '';
    const body = new URLSearchParams({ form, kind: 'card', value: 'fp_2' }).toString();
    const second = await ask(desk.url, { method: 'POST', path: '/erase', headers: FORM_TYPE, body });
    const waits = await page(second.headers.location ?? '');
    expect(waits).toContain('Waits to be looked for');
    expect(waits).toMatch(/An erase is under way.*href="\/erase\/first"/s);

    const error = { code: 'log_unavailable', message: 'The log is away.', help: 'Look at its health.' } as const;
    erases.put({ id: 'first', state: 'failed', error });
    const failed = await page('/erase/first');
    expect(failed).toMatch(/The erase failed.*The log is away\..*Look at its health\./s);
    expect(failed).not.toContain('http-equiv="refresh"');
    await desk.close();
  });

  it('where nothing can be erased there is no page, and nothing leads to it', async () => {
    const desk = await openConsoleDesk();
    expect((await ask(desk.url, { path: '/erase' })).status).toBe(404);
    expect((await ask(desk.url, { path: '/' })).text).not.toContain('/erase');
    await desk.close();
  });
});
