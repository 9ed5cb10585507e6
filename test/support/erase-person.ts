// Somebody who is going to be erased: what is known of them, what Stripe sends of their declines, and the detectors that see it.
import { expect } from 'vitest';
import type { IncidentJson } from '../../src/model/incident.ts';
import { failedCharge } from './local-stripe.ts';

export type Person = { readonly customer: string; readonly email: string; readonly card: string };

/** Marked by the name, so that it is found wherever any of it is left. */
export const personOf = (name: string): Person => ({
  customer: `cus_${name}`,
  email: `${name}@mail.example`,
  card: `fp_${name}`,
});

/** detectors.yaml: three declines of each of these is an incident. */
export const declinesPer = (...kinds: readonly string[]): string => `
settle: 0s
detectors:
${kinds
  .map(
    (kind) =>
      `  - { name: of-${kind}, title: Declines of one ${kind}, why: A test of erasing., where: outcome == "declined", count: attempts, per: ${kind}, window: 10m, quietFor: 20m, thresholds: { warning: 3 } }`,
  )
  .join('\n')}
`;

/** A decline of now, as Stripe tells of it. */
export function declineOf(id: string, { customer, email, card }: Person): object {
  return failedCharge(id, Math.floor(Date.now() / 1000), {
    livemode: true,
    customer,
    billing_details: { email },
    payment_method_details: { type: 'card', card: { fingerprint: card, brand: 'visa', last4: '7391' } },
  }).event;
}

/** Of incidents what an erase must not change. */
export const lasting = (all: readonly IncidentJson[]): unknown =>
  all
    .map(({ id, status, peak, attemptCount, firstBreachAt }) => ({ id, status, peak, attemptCount, firstBreachAt }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));

/** Each is on a name that says nothing. */
export function expectErased(incidents: readonly IncidentJson[]): void {
  for (const { entity } of incidents) expect(entity.label).toMatch(/^erased-[0-9a-f]{6}$/);
}
