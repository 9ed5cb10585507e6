// What happens in a simulated account: ordinary traffic, and a play of the attack library on top of it. A scenario says
// who does what next; labels come from here, never from the detectors.
import { PLAYS, type PlayName } from './attacks.ts';
import type { Act } from './events.ts';
import { type Actor, ordinaryTraffic } from './ordinary.ts';
import type { Random } from './random.ts';

const PLAY_NAMES = Object.keys(PLAYS) as readonly PlayName[];

export const SCENARIOS = ['demo', 'ordinary', ...PLAY_NAMES] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** What an act belongs to: `ordinary`, or a play's name. */
export type Label = Exclude<ScenarioName, 'demo'>;

export type LabelledAct = { readonly act: Act; readonly label: Label };

/** Gives the next act; `at` in seconds, `elapsedMs` since the scenario began. */
export type Scenario = (at: number, elapsedMs: number) => LabelledAct;

export type ScenarioLine = { readonly name: ScenarioName; readonly about: string; readonly isAttack: boolean };

/** For people who choose one. */
export function scenarioLines(): readonly ScenarioLine[] {
  return [
    { name: 'demo', about: 'ordinary traffic, and a minute of card testing every five minutes', isAttack: true },
    { name: 'ordinary', about: 'people who pay, mistype, lack money, try again and are refunded', isAttack: false },
    ...PLAY_NAMES.map((name) => ({ name, about: PLAYS[name].about, isAttack: PLAYS[name].isAttack })),
  ];
}

export function scenario(name: ScenarioName, random: Random): Scenario {
  const calm = labelled('ordinary', ordinaryTraffic(random));
  if (name === 'ordinary') return calm;
  const played = name === 'demo' ? 'card-testing' : name;
  const play = labelled(played, PLAYS[played].actor(random));
  if (name !== 'demo') return (at) => (random.next() < 0.3 ? calm(at) : play(at));
  return (at, elapsedMs) => {
    const underAttack = elapsedMs > DEMO_QUIET_MS && (elapsedMs - DEMO_QUIET_MS) % DEMO_ROUND_MS < DEMO_ATTACK_MS;
    return underAttack && random.next() < 0.7 ? play(at) : calm(at);
  };
}

function labelled(label: Label, actor: Actor): (at: number) => LabelledAct {
  return (at) => ({ act: actor(at), label });
}

/** The demo is calm for some seconds, then attacked for a while in every round. */
const DEMO_QUIET_MS = 4_000;
const DEMO_ATTACK_MS = 60_000;
const DEMO_ROUND_MS = 300_000;
