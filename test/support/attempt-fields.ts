// Any fields of an attempt, for tests of what must hold them.
import fc from 'fast-check';
import { type AttemptFields, OUTCOMES } from '../../src/model/attempt.ts';

export function fieldsArbOf(text: fc.Arbitrary<string>): fc.Arbitrary<AttemptFields> {
  const result = fc.record({
    outcome: fc.constantFrom(...OUTCOMES),
    code: text,
    class: fc.constantFrom('G' as const, 'B' as const, '' as const),
  });
  const amount = fc.oneof(fc.nat(), fc.integer(), fc.maxSafeInteger(), fc.constantFrom(0.5, 1e21));
  const texts = {
    currency: text,
    card: text,
    brand: text,
    last4: text,
    funding: text,
    country: text,
    wallet: text,
    customer: text,
    email: text,
    ip: text,
    method: text,
    intent: text,
  };
  const metadata = fc.dictionary(text, text, { maxKeys: 3 });
  return fc.record({ result, amount, ...texts, metadata }, { requiredKeys: [] });
}
