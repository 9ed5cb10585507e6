// Who pays in a simulated account.
import { type Card, type Payer, someCard } from './events.ts';
import type { Random } from './random.ts';

export type Person = { readonly payer: Payer; readonly card: Card };

export function somePayer(random: Random): Payer {
  return {
    customer: `cus_${random.token(14)}`,
    email: `payer.${random.token(8).toLowerCase()}@example.com`,
    ip: someAddress(random),
  };
}

export const somePerson = (random: Random): Person => ({ payer: somePayer(random), card: someCard(random) });

export const someCharge = (random: Random): string => `ch_${random.token(24)}`;

/** Of the networks for examples, which nobody has: the IPv6 one is large enough that two payers seldom share an address. */
export function someAddress(random: Random): string {
  return `2001:db8:${random.between(1, 0xffff).toString(16)}:${random.between(1, 0xffff).toString(16)}::1`;
}
