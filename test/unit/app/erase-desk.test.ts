import { describe, expect, it } from 'vitest';
import { createEraseDesk } from '../../../src/app/erase-desk.ts';
import type { EraseJobs, EraseRequest } from '../../../src/app/erase-jobs.ts';
import type { EraseStatus } from '../../../src/model/erase-status.ts';
import { ANA, BEN } from '../../support/decider.ts';
import { sampleErase } from '../../support/erase-status.ts';

/** Jobs that are over as soon as they are asked for. */
function desk(facts: Partial<EraseStatus> = {}) {
  const requests: EraseRequest[] = [];
  const jobs = new Map<string, EraseStatus>();
  const erases: EraseJobs = {
    start: (request) => {
      requests.push(request);
      const { asked, dryRun, actor } = request;
      const status = sampleErase({ id: `job-${requests.length}`, by: asked.kind, dryRun, actor, ...facts });
      jobs.set(status.id, status);
      return status;
    },
    status: (id) => (id === null ? null : (jobs.get(id) ?? null)),
    list: () => [...jobs.values()].toReversed(),
    close: async () => undefined,
  };
  return { desk: createEraseDesk({ erases }), requests, jobs };
}

describe('the desk of erases', () => {
  it('looks first, and erases what was looked for if it is given again', () => {
    const { desk: one, requests } = desk();
    const looked = one.look({ kind: 'email', value: ' Ana@Shop.example ' }, ANA);
    expect(looked).toMatchObject({ dryRun: true, by: 'email', actor: ANA });
    const begun = one.confirm(looked.id, 'ANA@shop.example', BEN);
    expect(begun).toMatchObject({ dryRun: false, by: 'email', actor: BEN });
    expect(requests.map(({ asked }) => asked)).toEqual(
      Array.from({ length: 2 }, () => ({ kind: 'email', value: 'ana@shop.example' })),
    );
    expect(one.get(looked.id)).toEqual(begun);
  });

  it('asked twice, it is one erase', () => {
    const { desk: one, requests } = desk();
    const { id } = one.look({ kind: 'customer', value: 'cus_1' }, ANA);
    const begun = one.confirm(id, 'cus_1', ANA);
    expect(one.confirm(id, 'cus_1', BEN)).toEqual(begun);
    expect(requests.length).toBe(2);
    expect(() => one.confirm(id, 'cus_2', BEN)).toThrow('not the customer that was looked for');
  });

  it.each(['', 'cus_2', 'cus_', 'cus_1x', 'erase'])('%j is not what was looked for: nothing is done', (value) => {
    const { desk: one, requests } = desk();
    const { id } = one.look({ kind: 'customer', value: 'cus_1' }, ANA);
    expect(() => one.confirm(id, value, ANA)).toThrow('not the customer that was looked for');
    expect(requests.length).toBe(1);
  });

  it('does nothing for what is not known, not looked for yet, or gone', () => {
    for (const facts of [
      { state: 'looking', found: null },
      { state: 'failed', found: null },
      { found: { ...sampleErase().found, isKnown: false } as EraseStatus['found'] },
    ] as const) {
      const { desk: one, requests } = desk(facts);
      const { id } = one.look({ kind: 'customer', value: 'cus_1' }, ANA);
      expect(() => one.confirm(id, 'cus_1', ANA)).toThrow('nothing to be erased');
      expect(requests.length).toBe(1);
    }
    const { desk: one, jobs } = desk();
    expect(() => one.confirm('job-1', 'cus_1', ANA)).toThrow('not known here any more');
    const { id } = one.look({ kind: 'customer', value: 'cus_1' }, ANA);
    jobs.clear();
    expect(() => one.confirm(id, 'cus_1', ANA)).toThrow('not known here any more');
  });

  it('refuses what is of no kind, and what cannot be a value', () => {
    const { desk: one, requests } = desk();
    for (const kind of ['', 'phone', 'dryRun', '__proto__'])
      expect(() => one.look({ kind, value: 'cus_1' }, ANA)).toThrow('not known what to look for');
    expect(() => one.look({ kind: 'customer', value: ' ' }, ANA)).toThrow('not understood');
    expect(requests).toEqual([]);
  });

  it('what was an erase from the beginning cannot be confirmed', () => {
    const { desk: one, jobs } = desk();
    jobs.set('api', sampleErase({ id: 'api', dryRun: true }));
    expect(one.get('api')?.id).toBe('api');
    expect(() => one.confirm('api', 'cus_1', ANA)).toThrow('not known here any more');
  });
});
