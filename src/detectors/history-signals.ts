// Signals of a stretch take card, customer and e-mail from charges that may be far from it: which of them are needed.
import { signalVariables } from './cel.ts';
import type { FoldRecord } from './fold.ts';
import { type FoldState, findAttempt, idInScope } from './state.ts';

export type ChargesOfSignals = {
  see(record: FoldRecord): void;
  /** Named within their scopes: those that the state does not hold. */
  missing(): ReadonlySet<string>;
};

/** Most that are looked for at once. */
const MAX_CHARGES = 100_000;

export function createChargesOfSignals(state: FoldState): ChargesOfSignals {
  const filters = [...state.detectors.values()].flatMap(({ revisions }) =>
    [...revisions.values()].filter(({ settings }) => settings.on === 'signal'),
  );
  const named = new Map<
    string,
    { readonly account: string | null; readonly livemode: boolean; readonly charge: string }
  >();
  return {
    see: (record) => {
      if (filters.length === 0 || record.record !== 'signal' || record.charge === null) return;
      if (named.size >= MAX_CHARGES) return;
      const { signal, reason, amount, currency, account, livemode, charge } = record;
      // Whether it will count is not known before its charge is: a signal that no detector asks for is left out.
      const variables = signalVariables({ signal, reason, amount, currency, livemode, ...ANYBODY });
      const mayCount = filters.some(({ where, of, at }) => where(variables) || of?.(variables) || at?.(variables));
      if (mayCount) named.set(idInScope(record, charge), { account, livemode, charge });
    },
    missing: () => {
      const missing = new Set<string>();
      for (const [id, { charge, ...scope }] of named) if (findAttempt(state, scope, charge) === null) missing.add(id);
      return missing;
    },
  };
}

const ANYBODY = { card: 'any', customer: 'any', email: 'any' };
