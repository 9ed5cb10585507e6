// What usually follows, and what to do about it: one sentence for whoever reads the alert at three in the morning. Pure.
import { classify } from '../attempts/codes.ts';
import type { Incident } from '../model/incident.ts';
import { formatCount } from '../model/words.ts';
import type { Past } from './aside.ts';

const STORM =
  'The numbers that pass are used or sold within days: look at what got through, and let Radar or the checkout slow the rest.';
const SUCCESS =
  'After the first success usually comes a larger purchase within the hour: consider refunding this one now.';
const LIST = 'Whoever tries a list of cards goes on with those that pass: look at each success and refund it.';
const STOLEN =
  'What passes on a stolen card usually comes back as a dispute within weeks: refund a success before it ships.';
const GUESSED = 'Guessing ends with a hit, and then a larger purchase within minutes: look whether one got through.';
const WARNED = 'Most early fraud warnings become disputes: a refund now avoids the dispute and its fee.';
const DISPUTED = 'More disputes of the same customer usually follow: look at the other payments before they age.';
const WHOLE =
  'Either somebody tests cards, or an issuer or the checkout has trouble: the reasons tell which, and it seldom ends by itself.';
const POOR = 'Usually the customer takes another card, and nothing follows.';
const OTHER = 'Usually either the customer gives up, or one attempt gets through within minutes: look for it.';

/** Null for what operators are told: it says itself what to do. */
export function whatFollows(incident: Incident): string | null {
  const { kind, count = 'attempts', evidence, entity } = incident;
  if (kind === 'operator') return null;
  if (kind === 'storm') return STORM;
  if (evidence.trigger?.outcome === 'succeeded') return SUCCESS;
  if (isOfSignals(incident)) return evidence.newest.some(({ id }) => /^(dp|du)_/.test(id)) ? DISPUTED : WARNED;
  if (count === 'distinct(card)') return LIST;
  const most = mostlyOf(incident);
  if (most === 'F') return STOLEN;
  if (most === 'T') return GUESSED;
  if (entity.kind === 'account') return WHOLE;
  return most === 'B' ? POOR : OTHER;
}

/** `Of the last 12 like it that were judged, 9 were fraud.` */
export function pastInWords(past: Past | null): string | null {
  if (past === null) return null;
  const fraud = past.fraud === past.judged ? 'all' : past.fraud === 0 ? 'none' : formatCount(past.fraud);
  const were = past.fraud === 1 && past.judged !== 1 ? 'was' : 'were';
  return `Of the last ${formatCount(past.judged)} like it that were judged, ${fraud} ${were} fraud.`;
}

/** Its members are signals: they have no outcome. */
function isOfSignals({ evidence: { outcomes } }: Incident): boolean {
  const seen = Object.entries(outcomes).filter(([, count]) => count > 0);
  return seen.length > 0 && seen.every(([outcome]) => outcome === '');
}

/** The class of more than half of the codes; null: mixed. */
function mostlyOf({ evidence: { codes }, livemode }: Incident): string | null {
  const sums = new Map<string, number>();
  let all = 0;
  for (const { code, count } of codes) {
    const codeClass = classify({ outcome: 'declined', code, livemode });
    sums.set(codeClass, (sums.get(codeClass) ?? 0) + count);
    all += count;
  }
  return [...sums].find(([, sum]) => sum * 2 > all)?.[0] ?? null;
}
