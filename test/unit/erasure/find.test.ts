import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eraseCommands } from '../../../src/erasure/ask.ts';
import { type Found, findPerson } from '../../../src/erasure/find.ts';
import type { Asked } from '../../../src/model/erase-status.ts';
import { MAX_ERASED_CLOSED, MAX_SUBJECTS } from '../../../src/model/erasure.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { maskEntity } from '../../../src/model/mask.ts';
import { tokenOf } from '../../../src/model/mask-erased.ts';
import { erasedIdentity } from '../../../src/model/mask-names.ts';
import { append, START_S, view } from '../../support/detect.ts';
import { handClock } from '../../support/hand-clock.ts';
import { sampleIncident } from '../../support/sample-incident.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const KEY = '55'.repeat(32);
let temp: TempLog;
beforeEach(async () => {
  temp = await openTempLog(handClock(START_S * 1000));
});
afterEach(async () => await temp.close());

async function find(asked: Asked, incidents: readonly Incident[] = []): Promise<Found> {
  return await findPerson(
    {
      log: temp.log,
      incidents: () => incidents,
      piiKey: KEY,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    },
    asked,
  );
}

const CUSTOMER: Asked = { kind: 'customer', value: 'cus_1' };
const names = (found: Found): string[] => found.entities.map(({ kind, value }) => `${kind} ${value}`);

describe('findPerson', () => {
  it('takes what stands beside it on the same attempts, whichever view says so', async () => {
    const gold = { metadata: { user: 'u1', plan: 'gold' } };
    await append(
      temp.log,
      view('ch_1', START_S, {
        fields: { card: 'c1', customer: 'cus_1', email: 'a@x.example', ip: '203.0.113.1', ...gold },
      }),
      // Of the same attempt, and says nothing of the customer.
      view('ch_1', START_S, { source: 'intent', event: 'evt_i', fields: { card: 'c1', email: 'b@own.example' } }),
      view('ch_2', START_S, { fields: { card: 'c2', customer: 'cus_1', ip: '203.0.113.2' } }),
      // Somebody else, with the same card, the domain, the word and one of the addresses.
      view('ch_3', START_S, {
        fields: { card: 'c1', customer: 'cus_2', email: 'c@x.example', ip: '203.0.113.2', metadata: { plan: 'gold' } },
      }),
    );
    const found = await find(CUSTOMER);
    expect(names(found).sort()).toEqual([
      'card c1',
      'card c2',
      'customer cus_1',
      'email a@x.example',
      'email b@own.example',
      'ip 203.0.113.1',
      'metadata.user u1',
    ]);
    // Once it is gone nobody finds the others.
    expect(names(found).at(-1)).toBe('customer cus_1');
    expect(found.attempts).toEqual(['ch_1', 'ch_2']);
    expect([...found.sharedDomains]).toEqual(['x.example']);
  });

  it('finds incidents on any of it, on what is shared, and those that tell of the attempts', async () => {
    await append(
      temp.log,
      view('ch_1', START_S, {
        fields: { card: 'c1', customer: 'cus_1', email: 'a@x.example', metadata: { plan: 'gold' } },
      }),
    );
    await append(temp.log, view('ch_2', START_S, { fields: { card: 'c2', metadata: { plan: 'gold' } } }));
    const on = (id: string, entity: Incident['entity'], members: readonly string[] = []): Incident => {
      const sample = sampleIncident();
      const [member] = sample.evidence.newest;
      if (member === undefined) throw new Error('the sample has no member');
      const newest = members.map((one) => ({ ...member, id: one }));
      return { ...sample, id, entity, evidence: { ...sample.evidence, newest, trigger: null } };
    };
    const label = '';
    const incidents = [
      on('INC-1', { ...maskEntity({ kind: 'email', value: 'a@x.example' }, null, KEY) }),
      on('INC-2', { kind: 'card', value: 'c1', label }),
      on('INC-3', { kind: 'card', value: 'c2', label }),
      on('INC-4', { kind: 'metadata.plan', value: 'gold', label }),
      on('INC-5', { kind: 'account', value: 'account', label }, ['ch_2', 'ch_1']),
      on('INC-6', { kind: 'account', value: 'account', label }, ['ch_2']),
      on('INC-7', { kind: 'customer', value: 'cus_1', label }),
    ];
    const found = await find({ kind: 'email', value: 'a@x.example' }, incidents);
    expect(found.incidents.map(({ id }) => id)).toEqual(['INC-1', 'INC-2', 'INC-4', 'INC-5', 'INC-7']);
    // The log has let go of it: what is told is found all the same.
    expect(
      (await find({ kind: 'card', value: 'c9' }, [on('INC-8', { kind: 'card', value: 'c9', label })])).incidents.length,
    ).toBe(1);
  });

  it('knows nothing of who is not there', async () => {
    await append(temp.log, view('ch_1', START_S, { fields: { card: 'c1' } }));
    const found = await find(CUSTOMER);
    expect([found.attempts, found.incidents, found.days, names(found)]).toEqual([[], [], 0, ['customer cus_1']]);
  });
});

describe('eraseCommands', () => {
  const found = (facts: Partial<Found> = {}): Found => ({
    entities: [CUSTOMER],
    attempts: ['ch_1'],
    incidents: [],
    days: 0,
    sharedDomains: new Set(['x.example']),
    ...facts,
  });
  const options = { piiKey: KEY, nowMs: START_S * 1000, nonce: 'n' };

  it('says whom by tokens, and by names in their places; nothing of it can be read', () => {
    const entities = [
      { kind: 'email', value: 'a@x.example' },
      { kind: 'email', value: 'b@own.example' },
      { kind: 'customer', value: 'cus_1' },
    ] as const;
    const [command, ...more] = eraseCommands(found({ entities }), options);
    expect(more).toEqual([]);
    expect(command?.subjects.map(({ token }) => token)).toEqual(
      entities.map((entity) => tokenOf(maskEntity(entity, null, KEY))),
    );
    expect(command?.subjects.map(({ as }) => erasedIdentity(as, KEY) !== null)).toEqual([true, true, true]);
    expect(command?.subjects.map(({ as }) => as.split('@')[1])).toEqual(['x.example', undefined, undefined]);
    expect(JSON.stringify(command)).not.toMatch(/cus_1|a@x|b@own|own\.example/);
  });

  it('makes more commands of more than one may hold, who was asked for in the last', () => {
    const cards = Array.from({ length: MAX_SUBJECTS }, (_, i) => ({ kind: 'card', value: `c${i}` }) as const);
    const commands = eraseCommands(found({ entities: [...cards, CUSTOMER] }), options);
    expect(commands.map(({ subjects }) => subjects.length)).toEqual([MAX_SUBJECTS, 1]);
    // What comes of the attempts later finds them in each.
    expect(commands.map(({ attempts }) => attempts)).toEqual([['ch_1'], ['ch_1']]);
  });

  it('sends closed incidents along, erased already, that the manager may have let go of', () => {
    const old = {
      ...sampleIncident(),
      status: 'withdrawn',
      lastBreachAt: 0,
      entity: { ...CUSTOMER, label: 'cus_1' },
    } as const;
    const open = { ...old, id: 'INC-9', status: 'open' } as const;
    const many = Array.from({ length: MAX_ERASED_CLOSED + 1 }, (_, i) => ({ ...old, id: `INC-${100 + i}` }));
    const commands = eraseCommands(found({ incidents: [open, ...many] }), options);
    expect(commands.map(({ closed }) => closed.length)).toEqual([1, MAX_ERASED_CLOSED]);
    expect(commands.at(-1)?.incidents.length).toBe(MAX_ERASED_CLOSED + 2);
    expect(JSON.stringify(commands)).not.toContain('cus_1');
  });
});
