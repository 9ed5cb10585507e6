// Strings from outside as an attacker would write them, and what must not be left of them in a message.
import { expect } from 'vitest';

export const HOSTILE = '<!channel> <@U1> <https://evil.example|Stripe> @here \u202Eg\u0000 & `x`';

/** No mention, no link, no control or direction character of theirs takes effect. */
export function expectInert(value: unknown): void {
  expect(JSON.stringify(value)).not.toMatch(/<!channel|<@U1>|<https:\/\/evil|https:\/\/evil|@here|\u202e|\\u0000/);
}
