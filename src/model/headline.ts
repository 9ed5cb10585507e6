// What an incident is about, in one line for people: how many of what, on whom, in which time, against which threshold.
import { type CountKind, ladder } from './detector.ts';
import type { Incident } from './incident.ts';
import { formatMoney } from './money.ts';
import { formatCount, formatDuration, formatPeak, plural } from './words.ts';

/**
 * `14 declines on visa •••• 4242 in 10 min (alerts at 3)`. `clean` makes what comes from outside harmless where it is
 * shown, and cuts it to so many characters.
 */
export function whatHappened(incident: Incident, clean: (text: string, max: number) => string): string {
  const { kind, entity, windowS } = incident;
  const on = clean(entity.label || entity.value, 48);
  if (kind === 'operator') return clean(incident.title, 100);
  if (kind === 'storm') return `storm: ${plural(incident.peak, 'incident')} of “${clean(incident.title, 60)}”`;
  const lowest = ladder(incident.thresholds)[0]?.value ?? incident.threshold;
  const where = entity.kind === 'account' ? 'on the whole account' : `on ${on}`;
  return `${measured(incident)} ${where} in ${formatDuration(windowS)} (alerts at ${valueInWords(lowest, incident)})`;
}

const DISTINCT: Readonly<Partial<Record<CountKind, string>>> = {
  'distinct(card)': 'distinct card',
  'distinct(email)': 'distinct e-mail',
  'distinct(customer)': 'distinct customer',
  'distinct(ip)': 'distinct address',
};

/** The peak in its own words: `14 declines`, `5 distinct cards`, `42 % declined`, `1,200.00 EUR`. */
export function measured(incident: Incident, value: number = incident.peak): string {
  const { count = 'attempts' } = incident;
  if (count === 'ratio') return `${formatPeak(value, 'ratio')} of attempts`;
  if (count === 'sum(amount)') return valueInWords(value, incident);
  const distinct = DISTINCT[count];
  if (distinct === 'distinct address') return plural(value, distinct, 'distinct addresses');
  return plural(value, distinct ?? noun(incident));
}

/** A value of the detector's own kind: `14`, `42 %`, `1,200.00 EUR`. */
export function valueInWords(value: number, { count, currency }: Pick<Incident, 'count' | 'currency'>): string {
  if (count === 'sum(amount)') return formatMoney(value, currency ?? '');
  return count === 'ratio' ? formatPeak(value, 'ratio') : formatCount(value);
}

/** What its members are: declines if that is what nearly all failed as, else the general word. */
function noun({ evidence }: Incident): string {
  const seen = Object.entries(evidence.outcomes).filter(([, count]) => count > 0);
  const only = seen.length === 1 ? seen[0]?.[0] : null;
  if (only === 'blocked') return 'blocked attempt';
  if (only === 'succeeded') return 'successful payment';
  if (only === 'authentication_failed') return 'failed authentication';
  if (only === 'invalid') return 'invalid attempt';
  if (seen.length > 0 && seen.every(([outcome]) => outcome === 'declined' || outcome === 'blocked')) return 'decline';
  return seen.every(([outcome]) => outcome === '') ? 'signal' : 'attempt';
}
