// A charge as one more view of its attempt, made from what `GET /v1/charges/:id` (or a `charge.refunded`) says. Pure.
//
// The view must never beat what a true event of the charge says, in whatever order they come, and it must come out the
// same each time. So it is dressed as an event with the least rank a charge view can have: `created` is the charge's own
// (no event of a charge is older than the charge), there is no API version ('' is less than any), and the event id is
// `charge:ch_…` ('c' is less than the 'e' of `evt_`). It thus fills in what is missing and overrules only intent views, as
// every charge view does. Read twice with other contents (metadata changed), the merge decides by the canonical JSON.
//
// Only of cards: a card's attempt has the charge's `created` for its time, which is here. Of other payment methods it has
// the event's, which a charge does not tell; a view dated too early would move the attempt, for the least time counts.
import { isJson, type Json, objectOf, textOf, wholeOf } from './json.ts';

export type ChargeProblem = 'not_a_card' | 'no_outcome_yet' | 'bad_charge';

/** The event for the acceptor, or why the charge makes no view. */
export function eventOfCharge(charge: unknown, account: string | null): Json | ChargeProblem {
  if (!isJson(charge) || charge.object !== 'charge') return 'bad_charge';
  const id = textOf(charge.id);
  const created = wholeOf(charge.created);
  if (id === null || created === null || created < 0 || typeof charge.livemode !== 'boolean') return 'bad_charge';
  if (!isCard(charge)) return 'not_a_card';
  const type = typeOf(textOf(charge.status));
  if (type === null) return 'no_outcome_yet';
  return {
    id: `charge:${id}`,
    object: 'event',
    type,
    api_version: null,
    created,
    livemode: charge.livemode,
    ...(account === null ? {} : { account }),
    data: { object: charge },
  };
}

function isCard(charge: Json): boolean {
  const details = objectOf(charge.payment_method_details);
  if (details !== null) return details.type === 'card';
  const source = objectOf(charge.source);
  return source !== null && (source.object === 'card' || objectOf(source.card) !== null);
}

function typeOf(status: string | null): string | null {
  if (status === 'succeeded') return 'charge.succeeded';
  return status === 'failed' ? 'charge.failed' : null;
}
