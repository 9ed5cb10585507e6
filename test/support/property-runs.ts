// How often the property tests try, and with which seed: PROPERTY_CASES and PROPERTY_SEED change both.
/** Share of the cases that CI runs in all. */
const CASES = Number(process.env.PROPERTY_CASES ?? 10_000);
export const SEED = Number(process.env.PROPERTY_SEED ?? 20_261_026);

/** `share` of all cases; the limit of time is the test's, not fast-check's. */
export function runsOf(share: number): { numRuns: number; seed: number; endOnFailure: boolean } {
  return {
    numRuns: Math.max(1, Math.ceil(CASES * share)),
    seed: SEED,
    endOnFailure: process.env.PROPERTY_SHRINK === '0',
  };
}

export const PROPERTY_TIMEOUT_MS = 170_000 * Math.max(1, CASES / 10_000);
