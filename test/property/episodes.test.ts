// The engine against the oracle: every field of every episode, whatever the order, the batches, the duplicates and the
// restarts. `PROPERTY_CASES=100000 npx vitest run test/property` tries harder.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { engineEpisodes, randomFrom, runEngine, shuffled } from '../support/engine-runs.ts';
import { oracleEpisodes } from '../support/oracle.ts';
import { caseArb, PREDICATES } from '../support/oracle-cases.ts';
import { PROPERTY_TIMEOUT_MS, runsOf } from '../support/property-runs.ts';

const seedArb = fc.noShrink(fc.integer({ min: 0, max: 0x7fff_ffff }));

describe('episodes', () => {
  it('are those of the oracle, in any order, cut and repetition', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    let episodes = 0;
    fc.assert(
      fc.property(caseArb, seedArb, ({ rules, records }, seed) => {
        const expected = oracleEpisodes({ records, rules, predicates: PREDICATES });
        for (const found of expected.values()) episodes += found.length;
        const random = randomFrom(seed);
        const twice = records.filter(() => random() < 0.2);
        const order = shuffled([...rules, ...records, ...twice], random);
        const state = runEngine(order, { lane: 'live', random, restarts: 0.15, expires: false, isFromLog: true });
        expect(engineEpisodes(state)).toEqual(expected);
      }),
      runsOf(0.5),
    );
    expect(episodes).toBeGreaterThan(10);
  });

  it('are the same in the order of time, with the rules known first', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(caseArb, seedArb, ({ rules, records }, seed) => {
        const expected = oracleEpisodes({ records, rules, predicates: PREDICATES });
        const inTime = [...records].sort((a, b) => a.receivedAt - b.receivedAt);
        const random = randomFrom(seed);
        const state = runEngine([...rules, ...inTime], { lane: 'live', random, restarts: 0.05, expires: false });
        expect(engineEpisodes(state)).toEqual(expected);
      }),
      runsOf(0.25),
    );
  });
});
