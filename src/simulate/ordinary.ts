// Ordinary traffic: people who pay, mistype, lack money, try again, take another card, share one with the family or an
// address with the office, save cards, and are refunded; subscriptions that are collected beside them.
import { type Act, type Card, someCard, type Try } from './events.ts';
import { type Person, someAddress, someCharge, somePerson } from './people.ts';
import type { Random } from './random.ts';

/** Gives the next act; `at` in seconds. */
export type Actor = (at: number) => Act;

export type OrdinaryOptions = {
  /** Tries of every hundred that are declined at first. */
  readonly declinePercent: number;
};

const PEOPLE = 3_000;
const OFFICES = 3;
const MAX_LATER = 1_000;
const MAX_TRIES = 5;

/** The share of each among a hundred declines. Issuers mostly speak of money, or say nothing. */
const CODES: readonly (readonly [code: string, percent: number])[] = [
  ['insufficient_funds', 45],
  ['generic_decline', 15],
  ['do_not_honor', 15],
  ['incorrect_cvc', 8],
  ['expired_card', 6],
  ['transaction_not_allowed', 4],
  ['card_velocity_exceeded', 4],
  ['processing_error', 2.75],
  ['lost_card', 0.25],
];

export function ordinaryTraffic(random: Random, { declinePercent }: OrdinaryOptions = { declinePercent: 6 }): Actor {
  const people: Person[] = [];
  const offices = Array.from({ length: OFFICES }, () => someAddress(random));
  /** What follows from an earlier try, by when it is due. */
  const later: Act[] = [];
  const chance = (percent: number): boolean => random.next() * 100 < percent;

  const someone = (): Person => {
    const index = random.between(0, PEOPLE - 1);
    const known = people[index % Math.max(1, people.length)];
    const isNew = known === undefined || index >= people.length;
    const person = isNew ? somePerson(random) : known;
    if (isNew) people.push(person);
    const ip = chance(2) ? random.pick([offices[0] ?? '', ...offices]) : person.payer.ip;
    const borrowed = chance(3) ? people[random.between(0, people.length - 1)]?.card : undefined;
    return { payer: { ...person.payer, ip }, card: borrowed ?? person.card };
  };

  const payment = (at: number): Try => {
    const result = chance(declinePercent)
      ? declineCode(random)
      : chance(0.2)
        ? 'blocked:highest_risk_level'
        : 'approved';
    const amount = random.between(500, 15_000);
    return { at, kind: 'payment', ...someone(), amount, currency: 'usd', result, charge: someCharge(random) };
  };

  const follow = (attempt: Try, tries: number): void => {
    if (attempt.result === 'approved') {
      if (chance(0.7) && attempt.charge !== undefined) plan(refundOf(attempt, random));
      return;
    }
    if (tries >= MAX_TRIES || !chance(50)) return;
    const again = retry(attempt, random);
    plan(again);
    follow(again, tries + 1);
  };

  const plan = (act: Act): void => {
    if (later.length < MAX_LATER) later.push(act);
  };

  return (at) => {
    const due = later.findIndex((act) => act.at <= at);
    const [act] = due === -1 ? [] : later.splice(due, 1);
    if (act !== undefined) return { ...act, at };
    if (chance(3)) return collected(at, { person: someone(), random });
    if (chance(4)) return saved(at, { person: someone(), random });
    const attempt = payment(at);
    follow(attempt, 1);
    return attempt;
  };
}

function declineCode(random: Random): string {
  let left = random.next() * 100;
  for (const [code, percent] of CODES) {
    left -= percent;
    if (left < 0) return code;
  }
  return 'generic_decline';
}

/**
 * Half give up. Of the others two fifths try the same card again, typed more carefully or hoped for, three fifths another
 * one. No public figures are known: this makes three declines of one card in ten minutes of 1.4 % of what banks refuse.
 */
function retry(attempt: Try, random: Random): Try {
  const card: Card = random.next() < 0.4 ? attempt.card : someCard(random);
  const result = random.next() < 0.6 && card === attempt.card ? attempt.result : 'approved';
  return { ...attempt, at: attempt.at + random.between(15, 90), card, result, charge: someCharge(random) };
}

function refundOf({ at, charge = '', amount, currency }: Try, random: Random): Act {
  const reason = 'requested_by_customer';
  return { at: at + random.between(600, 7_200), kind: 'refund', charge, amount, currency, reason };
}

type Own = { readonly person: Person; readonly random: Random };

/** A subscription's own retry: no payer is there. */
export function collected(at: number, { person, random }: Own): Try {
  const result =
    random.next() < 0.25 ? 'approved' : random.pick(['insufficient_funds', 'expired_card', 'do_not_honor']);
  const invoice = `in_${random.token(24)}`;
  return { at, kind: 'payment', ...person, amount: random.pick([900, 1_900, 4_900]), currency: 'usd', result, invoice };
}

function saved(at: number, { person, random }: Own): Try {
  const result = random.next() < 0.93 ? 'approved' : random.pick(['incorrect_cvc', 'generic_decline']);
  return { at, kind: 'setup', ...person, amount: 0, currency: 'usd', result };
}
