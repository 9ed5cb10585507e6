// The attack library: who does what, at which pace, and from which act on it can be told from a customer's trouble. That
// is said here, by what each attack is, and never by what a detector makes of it.
import { type Card, type Payer, someCard, type Try } from './events.ts';
import { type Actor, collected, ordinaryTraffic } from './ordinary.ts';
import { type Person, someCharge, somePayer, somePerson } from './people.ts';
import type { Random } from './random.ts';

export type Play = {
  readonly about: string;
  /** False: nobody means harm, whatever it looks like. */
  readonly isAttack: boolean;
  /** Seconds between its acts, when it goes by its own pace. */
  readonly everyS: number;
  /** How many acts it takes before anybody could know: time to alert counts from this one (1: the first). */
  readonly evidentAfter: number;
  readonly actor: (random: Random) => Actor;
};

export const PLAYS = {
  'card-testing': {
    about: 'a script tests stolen cards with small payments: one e-mail and address, a card after the other',
    isAttack: true,
    everyS: 1,
    evidentAfter: 1,
    actor: cardTesting,
  },
  'card-testing-slow': {
    about: 'the same by hand, a card every five minutes, to stay below the limits of an hour',
    isAttack: true,
    everyS: 300,
    // Who is declined four times may still look for the right card.
    evidentAfter: 5,
    actor: cardTesting,
  },
  'many-cards': {
    about: 'one customer with an account tries card after card, and some of them work',
    isAttack: true,
    everyS: 8,
    evidentAfter: 1,
    actor: manyCards,
  },
  'one-card': {
    about: 'one card is tried by ever new customers',
    isAttack: true,
    everyS: 5,
    evidentAfter: 1,
    actor: oneCard,
  },
  'small-amounts': {
    about: 'payments of a dollar or two, each by another customer, with another e-mail, address and card',
    isAttack: true,
    everyS: 3,
    evidentAfter: 1,
    actor: smallAmounts,
  },
  'bin-run': {
    about: 'the numbers of one bank in order: most do not exist, every try by another customer',
    isAttack: true,
    everyS: 0.5,
    evidentAfter: 1,
    actor: binRun,
  },
  'card-saving': {
    about: 'cards are saved, not charged: testers prefer it because it is less visible',
    isAttack: true,
    everyS: 5,
    evidentAfter: 1,
    actor: cardSaving,
  },
  'radar-blocks': {
    about: 'one visitor comes back after each block by Radar',
    isAttack: true,
    everyS: 5,
    evidentAfter: 1,
    actor: radarBlocks,
  },
  'trial-abuse': {
    about: 'one person takes the one-dollar trial again and again, with new accounts and two cards',
    isAttack: true,
    everyS: 120,
    // Two cards, and each could be a couple's: the seventh account puts a fourth name on one of them.
    evidentAfter: 7,
    actor: trialAbuse,
  },
  'refund-abuse': {
    about: 'a customer buys and has it refunded, over and over',
    isAttack: true,
    everyS: 900,
    // A purchase and its refund are two acts; the third refund is no accident.
    evidentAfter: 6,
    actor: refundAbuse,
  },
  'dispute-wave': {
    about: 'payments that got through come back as early fraud warnings and disputes',
    isAttack: true,
    everyS: 10,
    // Ten payments like any other; then the first word of their banks.
    evidentAfter: 11,
    actor: disputeWave,
  },
  'broken-checkout': {
    about: 'the shop sends no CVC since its last release: everybody is declined and tries again (no attack)',
    isAttack: false,
    everyS: 5,
    evidentAfter: 1,
    actor: brokenCheckout,
  },
  'dunning-wave': {
    about: 'subscriptions are collected on the first of the month, and many fail (no attack)',
    isAttack: false,
    everyS: 0.5,
    evidentAfter: 1,
    actor: dunningWave,
  },
  'flash-sale': {
    about: 'a hundred times the usual orders, with the usual declines (no attack)',
    isAttack: false,
    everyS: 0.2,
    evidentAfter: 1,
    actor: (random) => ordinaryTraffic(random, { declinePercent: 8 }),
  },
} as const satisfies Readonly<Record<string, Play>>;

export type PlayName = keyof typeof PLAYS;

/** Small payments with ever new stolen cards by one visitor who reuses one e-mail and one address. */
function cardTesting(random: Random): Actor {
  const payer = somePayer(random);
  const cards: Card[] = [];
  return (at) => {
    const again = cards.length > 0 && random.next() < 0.3;
    const card = again ? random.pick([cards[0] ?? someCard(random), ...cards]) : someCard(random);
    if (!again && cards.length < 8) cards.push(card);
    return {
      at,
      kind: 'payment',
      card,
      payer,
      amount: random.between(50, 200),
      currency: 'usd',
      result: refused(random),
    };
  };
}

/** Issuers mostly say nothing; few of the stolen cards are known as stolen yet. */
function refused(random: Random): string {
  return random.next() < 0.04
    ? random.pick(['stolen_card', 'fraudulent'])
    : random.pick(['generic_decline', 'do_not_honor', 'incorrect_cvc', 'incorrect_number']);
}

function manyCards(random: Random): Actor {
  const payer = somePayer(random);
  return (at) => {
    const result = random.next() < 0.3 ? 'approved' : refused(random);
    const amount = random.between(2_000, 30_000);
    return { at, kind: 'payment', card: someCard(random), payer, amount, currency: 'usd', result };
  };
}

function oneCard(random: Random): Actor {
  const card = someCard(random);
  return (at) => ({
    at,
    kind: 'payment',
    card,
    payer: somePayer(random),
    amount: random.between(1_000, 90_000),
    currency: 'usd',
    result: random.pick(['generic_decline', 'do_not_honor', 'incorrect_cvc']),
  });
}

function smallAmounts(random: Random): Actor {
  return (at) => {
    const result = random.next() < 0.15 ? 'approved' : refused(random);
    return { at, kind: 'payment', ...somePerson(random), amount: random.between(50, 200), currency: 'usd', result };
  };
}

function binRun(random: Random): Actor {
  const bank = { brand: 'visa', country: 'US', funding: 'debit' };
  let last4 = random.between(0, 9_999);
  return (at) => {
    last4 = (last4 + 1) % 10_000;
    const card = { ...someCard(random), ...bank, last4: String(last4).padStart(4, '0') };
    const result = random.next() < 0.7 ? 'incorrect_number' : random.pick(['generic_decline', 'incorrect_cvc']);
    return { at, kind: 'payment', card, payer: somePayer(random), amount: 999, currency: 'usd', result };
  };
}

function cardSaving(random: Random): Actor {
  const payer = somePayer(random);
  return (at) => ({
    at,
    kind: 'setup',
    card: someCard(random),
    payer,
    amount: 0,
    currency: 'usd',
    result: random.pick(['generic_decline', 'incorrect_cvc', 'do_not_honor', 'invalid_account']),
  });
}

function radarBlocks(random: Random): Actor {
  const payer = somePayer(random);
  return (at) => ({
    at,
    kind: 'payment',
    card: someCard(random),
    payer,
    amount: random.between(1_000, 60_000),
    currency: 'usd',
    result: random.pick(['blocked:highest_risk_level', 'blocked:rule']),
  });
}

function trialAbuse(random: Random): Actor {
  const cards = [someCard(random), someCard(random)];
  const { ip } = somePayer(random);
  let taken = 0;
  return (at) => {
    const payer: Payer = { ...somePayer(random), ip };
    const card = cards[taken++ % 2] ?? someCard(random);
    return { at, kind: 'payment', card, payer, amount: 100, currency: 'usd', result: 'approved' };
  };
}

function refundAbuse(random: Random): Actor {
  const person = somePerson(random);
  let bought: Try | null = null;
  return (at) => {
    if (bought === null) {
      bought = purchase(at, { person, random });
      return bought;
    }
    const { charge = '', amount, currency } = bought;
    bought = null;
    return { at, kind: 'refund', charge, amount, currency, reason: 'requested_by_customer' };
  };
}

const WAVE = 10;

function disputeWave(random: Random): Actor {
  const paid: Try[] = [];
  let told = 0;
  return (at) => {
    if (paid.length < WAVE) {
      const bought = purchase(at, { person: somePerson(random), random });
      paid.push(bought);
      return bought;
    }
    const { charge = '', amount = 0, currency = 'usd' } = paid[Math.floor(told / 2) % WAVE] ?? {};
    const isWarning = told++ % 2 === 0;
    return isWarning
      ? { at, kind: 'early_fraud_warning', charge, amount, currency, reason: 'made_with_stolen_card' }
      : { at, kind: 'dispute', charge, amount, currency, reason: 'fraudulent' };
  };
}

function purchase(at: number, { person, random }: { readonly person: Person; readonly random: Random }): Try {
  const amount = random.between(5_000, 60_000);
  const charge = someCharge(random);
  return { at, kind: 'payment', ...person, amount, currency: 'usd', result: 'approved', charge };
}

function brokenCheckout(random: Random): Actor {
  let left = 0;
  let person = somePerson(random);
  return (at) => {
    if (left === 0) {
      person = somePerson(random);
      left = random.between(1, 3);
    }
    left -= 1;
    const amount = random.between(1_000, 9_000);
    return { at, kind: 'payment', ...person, amount, currency: 'usd', result: 'incorrect_cvc' };
  };
}

function dunningWave(random: Random): Actor {
  return (at) => collected(at, { person: somePerson(random), random });
}
