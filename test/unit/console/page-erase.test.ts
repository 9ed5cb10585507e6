import { describe, expect, it } from 'vitest';
import type { FormContext } from '../../../src/console/incident-forms.ts';
import { askPage, erasePage } from '../../../src/console/page-erase.ts';
import type { EraseStatus } from '../../../src/model/erase-status.ts';
import type { Actor } from '../../../src/model/incident.ts';
import { BEN } from '../../support/decider.ts';
import { sampleErase } from '../../support/erase-status.ts';

const forms: FormContext = { caller: { actor: BEN, session: null, formToken: 'page-token' }, back: null };
const ask = (erases: readonly EraseStatus[] = [], kind: string | null = null): string =>
  String(askPage({ kind, erases, forms }));
const one = (facts: Partial<EraseStatus>, others: readonly EraseStatus[] = []): string => {
  const status = sampleErase(facts);
  return String(erasePage({ status, erases: [status, ...others], forms }));
};
const nobody = { ...sampleErase().found, isKnown: false } as EraseStatus['found'];

describe('the page that asks whom to erase', () => {
  it('has a form that keeps what was chosen, and never the value', () => {
    expect(ask()).toContain('value="customer" required checked');
    expect(ask([], 'card')).toContain('value="card" required checked');
    expect(ask([], 'nonsense')).not.toContain('checked');
    expect(ask()).toContain('name="form" value="page-token"');
    expect(ask()).toMatch(/<input name="value" required autocomplete="off"/);
    expect(ask()).toContain('Nobody was erased.');
  });

  it('tells of another that is under way, and of those that are over, but not of looks', () => {
    const running = sampleErase({ id: 'now', state: 'redacting', actor: BEN });
    const text = ask([running, sampleErase({ id: 'then' }), sampleErase({ id: 'look', dryRun: true })]);
    expect(text).toMatch(/An erase is under way, asked by <bdi>Ben<\/bdi>.*href="\/erase\/now"/s);
    expect(text).toContain('What is asked meanwhile waits for it.');
    expect(text).toContain('href="/erase/then"');
    expect(text).not.toContain('href="/erase/look"');
    expect(ask([sampleErase({ state: 'looking', dryRun: true })])).toContain('Somebody is being looked for');
    expect(ask([sampleErase()])).not.toContain('under way');
  });
});

describe('the page of an erase', () => {
  it('says what would be taken out, place by place, and asks for the value once more', () => {
    const text = one({ dryRun: true, by: 'email' });
    expect(text).toContain('1 customer, 2 e-mails, 1 value of metadata.user');
    const cells = [...text.matchAll(/<th scope="row">([^<]+)<\/th><td class="number">([^<]+)</g)];
    expect(cells.map(([, place, count]) => [place, count])).toEqual([
      ['Attempts', '12'],
      ['Stored Stripe events', '13'],
      ['Incidents', '2'],
      ['Slack messages', '2'],
      ['Rows of the sheet', '1'],
      ['Days of the totals', '0'],
    ]);
    expect(text).toContain('1 of them is a dead letter');
    expect(text).toContain('href="/incidents/INC-7"');
    expect(text).toMatch(/<form method="post" action="\/erase\/job"/);
    expect(text).toContain('The e-mail address, once more');
  });

  it.each([
    [{ state: 'waiting' }, 'Waits to be erased'],
    [{ state: 'waiting', dryRun: true }, 'Waits to be looked for'],
    [{ state: 'looking', dryRun: true }, 'Looking'],
    [{ state: 'redacting' }, 'Erasing'],
    [{ state: 'done' }, 'Erased'],
    [{ state: 'done', found: nobody }, 'Nothing is known of this customer'],
    [{ state: 'done', dryRun: true, found: nobody, by: 'card' }, 'Nothing is known of this card'],
  ] as const)('%j is called %s', (facts, title) => {
    const text = one(facts);
    expect(text).toContain(`<h1>${title}</h1>`);
    expect(text.includes('Erase for good')).toBe(false);
  });

  it('says how far it is, and for whom it waits', () => {
    const progress = { what: 'stripe-events', records: 41, of: 100 };
    expect(one({ state: 'redacting', progress })).toContain('Takes them out, in stripe events: 41 %');
    const other = sampleErase({ id: 'other', state: 'redacting' });
    expect(one({ state: 'waiting' }, [other])).toMatch(/An erase is under way.*href="\/erase\/other"/s);
  });

  it('says what is left to be told, and what went wrong with the cure', () => {
    expect(one({ outstanding: { messages: 1, rows: 1 } })).toContain('2 messages and rows are still to be told anew');
    expect(one({})).toContain('Every message and row is told anew.');
    const text = one({ state: 'failed', error: { code: 'too_large', message: 'Too many.', help: 'Fewer.' } });
    expect(text).toMatch(/The erase failed.*Too many\..*Fewer\./s);
  });

  it('lets no markup through', () => {
    const evil = '"\'><script>alert(1)</script>\u202e';
    const actor: Actor = { kind: 'slack', id: evil, name: evil };
    const found = { ...sampleErase().found, values: { [evil]: 1 }, incidents: [evil] } as EraseStatus['found'];
    const error = { code: 'internal', message: evil, help: evil } as const;
    const progress = { what: evil, records: 1, of: 2 };
    for (const facts of [{ found }, { error, state: 'failed' }, { progress, state: 'redacting' }] as const) {
      const status = sampleErase({ ...facts, id: evil, actor });
      expect(one(status) + ask([status])).not.toMatch(/<script|\u202e/);
    }
  });
});
