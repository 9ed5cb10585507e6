import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { pastOf } from '../../../src/alerts/aside.ts';
import { type Asides, startAsides } from '../../../src/alerts/asides.ts';
import type { Incident } from '../../../src/model/incident.ts';
import type { Through } from '../../../src/model/through.ts';
import { handClock } from '../../support/hand-clock.ts';
import { resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const logger = pino({ level: 'silent' });
const until = { timeout: 5_000, interval: 5 };
const through = (count: number): Through => ({ count, amounts: [], customers: [] });

let asides: Asides | null = null;
afterEach(async () => await asides?.close());

function started(facts: Partial<Incident> = {}) {
  const clock = handClock(sampleIncident().openedAt);
  const states = new Map([['INC-1', sampleIncident(facts)]]);
  const seen = { reads: 0, news: [] as string[], answer: through(0) as Through | null | Error };
  asides = startAsides({
    throughOf: async () => {
      seen.reads += 1;
      if (seen.answer instanceof Error) throw seen.answer;
      return seen.answer;
    },
    rowUrlOf: (id) => `https://sheet/${id}`,
    all: () => states.values(),
    get: (id) => states.get(id) ?? null,
    onNews: ({ id }) => void seen.news.push(id),
    clock,
    logger,
  });
  return { clock, states, seen, asides };
}

describe('what is told beside an incident', () => {
  it('is read after the alert was shown, and said to be news when it has changed', async () => {
    const { clock, seen, asides: all } = started();
    expect(all.of(sampleIncident())).toEqual({ through: null, rowUrl: 'https://sheet/INC-1', past: null });
    await expect.poll(() => seen.news, until).toEqual(['INC-1']);
    expect(all.of(sampleIncident()).through).toEqual(through(0));
    clock.advance(60_000);
    await expect.poll(() => seen.reads, until).toBe(2);
    seen.answer = through(2);
    clock.advance(60_000);
    await expect.poll(() => seen.news, until).toEqual(['INC-1', 'INC-1']);
    expect(all.of(sampleIncident()).through).toEqual(through(2));
  });

  it('is read at most once a minute, however often the alert is shown', async () => {
    const { clock, seen, asides: all } = started();
    all.of(sampleIncident());
    await expect.poll(() => seen.reads, until).toBe(1);
    for (let second = 0; second < 180; second += 1) {
      all.of(sampleIncident());
      clock.advance(1_000);
      await expect.poll(() => seen.reads, until).toBe(1 + Math.floor((second + 1) / 60));
    }
  });

  it('goes on after a failure, and keeps what was known', async () => {
    const { clock, seen, asides: all } = started();
    all.of(sampleIncident());
    await expect.poll(() => seen.news, until).toHaveLength(1);
    seen.answer = new Error('the log is away');
    clock.advance(60_000);
    await expect.poll(() => seen.reads, until).toBe(2);
    expect(all.of(sampleIncident()).through).toEqual(through(0));
    seen.answer = through(1);
    clock.advance(60_000);
    await expect.poll(() => seen.news, until).toHaveLength(2);
  });

  it('is no longer read once the incident is resolved', async () => {
    const { clock, states, seen, asides: all } = started();
    all.of(sampleIncident());
    await expect.poll(() => seen.reads, until).toBe(1);
    states.set('INC-1', resolvedBy(sampleIncident()));
    all.of(resolvedBy(sampleIncident()));
    clock.advance(60_000);
    clock.advance(60_000);
    states.set('INC-2', sampleIncident({ id: 'INC-2' }));
    all.of(sampleIncident({ id: 'INC-2' }));
    await expect.poll(() => seen.news, until).toEqual(['INC-1', 'INC-2']);
    expect(seen.reads).toBe(2);
  });
});

describe('pastOf', () => {
  const judged = (verdict: 'fraud' | 'dunning' | 'unsure', facts: Partial<Incident> = {}): Incident => {
    const incident = resolvedBy(sampleIncident(facts));
    return { ...incident, resolved: incident.resolved && { ...incident.resolved, verdict } };
  };

  it('counts judgements of the detector; a storm’s children and the unsure are none', () => {
    const all = [
      judged('fraud'),
      judged('fraud'),
      judged('dunning'),
      judged('unsure'),
      judged('fraud', { storm: 'INC-9' }),
      judged('fraud', { detector: 'another' }),
      sampleIncident(),
    ];
    expect(pastOf(all, 'card-declines')).toEqual({ judged: 3, fraud: 2 });
    expect(pastOf(all.slice(1), 'card-declines')).toBeNull();
  });
});
