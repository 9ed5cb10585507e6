// What happens in a simulated account: ordinary traffic, and attacks on top of it. A scenario says who tries what next;
// labels come from here, never from the detectors.

import { type Card, type Payer, someCard, type Try } from './events.ts';
import type { Random } from './random.ts';

export const SCENARIOS = ['ordinary', 'card-testing', 'one-card', 'card-saving', 'radar-blocks', 'demo'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export type LabelledTry = Try & {
  /** What this try belongs to: `ordinary` or an attack's name. */
  readonly label: Exclude<ScenarioName, 'demo'>;
};

/** Gives the next try; `at` in seconds, `elapsedMs` since the scenario began. */
export type Scenario = (at: number, elapsedMs: number) => LabelledTry;

type Actor = (at: number) => Try;

export function scenario(name: ScenarioName, random: Random): Scenario {
  const ordinary = ordinaryTraffic(random);
  const labelled = (label: LabelledTry['label'], actor: Actor) => (at: number) => ({ ...actor(at), label });
  const attacks = {
    'card-testing': labelled('card-testing', cardTesting(random)),
    'one-card': labelled('one-card', oneCard(random)),
    'card-saving': labelled('card-saving', cardSaving(random)),
    'radar-blocks': labelled('radar-blocks', radarBlocks(random)),
  };
  const calm = labelled('ordinary', ordinary);
  if (name === 'ordinary') return calm;
  if (name !== 'demo') return (at) => (random.next() < 0.3 ? calm(at) : attacks[name](at));
  return (at, elapsedMs) => {
    const underAttack = elapsedMs > DEMO_QUIET_MS && (elapsedMs - DEMO_QUIET_MS) % DEMO_ROUND_MS < DEMO_ATTACK_MS;
    return underAttack && random.next() < 0.7 ? attacks['card-testing'](at) : calm(at);
  };
}

/** The demo is calm for some seconds, then attacked for a while in every round. */
const DEMO_QUIET_MS = 4_000;
const DEMO_ATTACK_MS = 60_000;
const DEMO_ROUND_MS = 300_000;

const ORDINARY_PAYERS = 200;

function ordinaryTraffic(random: Random): Actor {
  const people = Array.from({ length: ORDINARY_PAYERS }, () => ({ payer: somePayer(random), card: someCard(random) }));
  return (at) => {
    const person = people[random.between(0, people.length - 1)] ?? { payer: somePayer(random), card: someCard(random) };
    const result =
      random.next() < 0.93 ? 'approved' : random.pick(['insufficient_funds', 'do_not_honor', 'expired_card']);
    return { at, kind: 'payment', ...person, amount: random.between(500, 15_000), currency: 'usd', result };
  };
}

/** Small payments with ever new stolen cards by one visitor who reuses one e-mail and one address. */
function cardTesting(random: Random): Actor {
  const payer = somePayer(random);
  const cards: Card[] = [];
  return (at) => {
    const again = cards.length > 0 && random.next() < 0.3;
    const card = again ? random.pick([cards[0] ?? someCard(random), ...cards]) : someCard(random);
    if (!again && cards.length < 8) cards.push(card);
    // Issuers mostly say nothing; few of the stolen cards are known as stolen yet.
    const result =
      random.next() < 0.04
        ? random.pick(['stolen_card', 'fraudulent'])
        : random.pick(['generic_decline', 'do_not_honor', 'incorrect_cvc', 'incorrect_number']);
    return { at, kind: 'payment', card, payer, amount: random.between(50, 200), currency: 'usd', result };
  };
}

/** One card tried again and again by many customers. */
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

/** Cards saved, not charged: testers prefer it because it is less visible. */
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

function somePayer(random: Random): Payer {
  return {
    customer: `cus_${random.token(14)}`,
    email: `payer.${random.token(8).toLowerCase()}@example.com`,
    ip: `203.0.113.${random.between(1, 254)}`,
  };
}
