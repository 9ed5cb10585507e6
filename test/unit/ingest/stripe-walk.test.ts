import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventPage, EventQuery } from '../../../src/ingest/stripe-client.ts';
import { stripeError } from '../../../src/ingest/stripe-errors.ts';
import { walkEvents } from '../../../src/ingest/stripe-walk.ts';

type Made = { readonly id: string; readonly created: number };

/** A list that answers as Stripe's, in memory; the API's own behaviour is held against HTTP elsewhere. */
function listOf(events: Made[]) {
  const queries: EventQuery[] = [];
  const api = {
    queries,
    add: (event: Made) => {
      const at = events.findIndex(({ created }) => created > event.created);
      events.splice(at === -1 ? events.length : at, 0, event);
    },
    /** Before each answer. */
    meanwhile: (_query: EventQuery): void => {},
    events: async (query: EventQuery): Promise<EventPage> => {
      queries.push(query);
      api.meanwhile(query);
      const newestFirst = events.toReversed();
      const cursor = query.endingBefore ?? query.startingAfter;
      const at = newestFirst.findIndex(({ id }) => id === cursor);
      if (cursor !== undefined && at === -1)
        throw stripeError(
          { statusCode: 400, code: 'resource_missing', param: 'ending_before', message: 'gone' },
          'listing',
        );
      const { beforeS = Number.POSITIVE_INFINITY } = query;
      let listed = newestFirst.filter(({ created }) => created < beforeS);
      if (query.startingAfter !== undefined) listed = newestFirst.slice(at + 1);
      if (query.endingBefore !== undefined) listed = newestFirst.slice(0, at);
      const page = query.endingBefore === undefined ? listed.slice(0, query.limit) : listed.slice(-query.limit);
      return { events: page, hasMore: page.length < listed.length };
    },
  };
  return api;
}

async function walk(api: Pick<ReturnType<typeof listOf>, 'events'>, fromS: number, untilS: number) {
  const ids: string[] = [];
  const reached: number[] = [];
  for await (const page of walkEvents({ api, account: null, fromS, untilS })) {
    expect(page.events.length).toBeLessThanOrEqual(100);
    ids.push(...page.events.map(({ id }) => id as string));
    reached.push(page.reachedS);
  }
  return { ids, reached };
}

const made = (times: readonly number[]): Made[] =>
  times.toSorted((a, b) => a - b).map((created, index) => ({ id: `evt_${index}`, created }));

describe('walking forward', () => {
  it('gives every event of the range once, oldest first, whatever the list holds', async () => {
    const times = fc.oneof(
      fc.array(fc.integer({ min: 0, max: 3_000_000 }), { maxLength: 450 }),
      fc.array(fc.integer({ min: 1_000, max: 1_004 }), { maxLength: 600 }),
    );
    const range = fc.tuple(fc.integer({ min: 0, max: 3_000_000 }), fc.integer({ min: 0, max: 3_000_000 }));
    await fc.assert(
      fc.asyncProperty(times, fc.oneof(range, fc.constant([1_001, 1_003] as const)), async (list, [a, b]) => {
        const [fromS, untilS] = [Math.min(a, b), Math.max(a, b)];
        const events = made(list);
        const { ids, reached } = await walk(listOf(events), fromS, untilS);
        expect(ids).toEqual(events.filter(({ created }) => created >= fromS && created <= untilS).map(({ id }) => id));
        expect(reached).toEqual(reached.toSorted((x, y) => x - y));
        for (const at of reached) expect(at).toBeLessThanOrEqual(untilS);
      }),
      { numRuns: 200 },
    );
  });

  it('finds the oldest of 30 days in a few requests', async () => {
    const events = made(Array.from({ length: 20_000 }, (_, index) => 1_000_000 + index * 129));
    const api = listOf(events);
    for await (const page of walkEvents({ api, account: null, fromS: 999_000, untilS: 3_600_000 })) {
      expect(page.events[0]).toEqual(events[0]);
      break;
    }
    expect(api.queries.length).toBeLessThan(25);
  });

  it('gives what arrives while it walks, if it is in the range', async () => {
    const api = listOf(made(Array.from({ length: 250 }, (_, index) => 1_000 + index)));
    let more = 0;
    api.meanwhile = () => api.add({ id: `evt_new_${++more}`, created: 2_000 + more });
    const { ids } = await walk(api, 0, 2_003);
    expect(ids).toHaveLength(253);
    expect(ids.slice(-3)).toEqual(['evt_new_1', 'evt_new_2', 'evt_new_3']);
  });

  it('begins anew where it was when the event to go on from has become too old', async () => {
    const events = made(Array.from({ length: 500 }, (_, index) => 1_000 + index));
    const api = listOf(events);
    let pages = 0;
    api.meanwhile = ({ endingBefore }) => {
      if (endingBefore !== undefined) pages += 1;
      if (pages === 3 && events.length === 500) events.splice(0, 350);
    };
    const { ids } = await walk(api, 0, 5_000);
    const before = ids.indexOf('evt_350');
    expect(ids.slice(0, before)).toEqual(Array.from({ length: before }, (_, index) => `evt_${index}`));
    expect(ids.slice(before)).toEqual(Array.from({ length: 150 }, (_, index) => `evt_${350 + index}`));
    expect(before).toBeGreaterThanOrEqual(200);
    expect(before).toBeLessThan(350);
  });

  it.each([
    ['gives the same page again and again', async () => ({ events: [{ id: 'evt_1', created: 5 }], hasMore: true })],
    [
      'gives empty pages that say more follow',
      async ({ endingBefore }: EventQuery) => ({
        events: endingBefore ? [] : [{ id: 'evt_1', created: 5 }],
        hasMore: true,
      }),
    ],
  ])('is no endless loop with a server that %s', async (_name, events) => {
    await expect(walk({ events }, 10, 20)).rejects.toMatchObject({ code: 'stripe_bad_answer' });
  });
});
