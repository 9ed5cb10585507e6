// The evidence of an alert: money, reasons, shape over time, and where to look closer.
import { describeCode } from '../attempts/codes.ts';
import type { MemberSummary } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';
import { formatMoney } from '../model/money.ts';
import { attemptUrl, customerUrl, isStripeId } from '../model/stripe-url.ts';
import type { Through } from '../model/through.ts';
import { formatCount, formatDuration, OUTCOME_WORDS, plural } from '../model/words.ts';
import type { Aside } from './aside.ts';
import { safe } from './blocks-inert.ts';
import { sparkline } from './sparkline.ts';

const LINKED_ATTEMPTS = 3;
const LINKED_CUSTOMERS = 3;
const SHOWN_CODES = 8;

/** `120.00 EUR in 9 attempts, 5,000 JPY in 1 attempt`; null when no amount is known. */
export function amountAtStake({ evidence }: Incident): string | null {
  if (evidence.amounts.length === 0) return null;
  return evidence.amounts
    .slice(0, 3)
    .map(({ currency, amount, count }) => `${formatMoney(amount, safe(currency, 3))} in ${plural(count, 'attempt')}`)
    .join(', ');
}

/** `9 × card reported stolen, 3 × wrong CVC`; null without codes. */
export function codesInWords({ evidence }: Incident): string | null {
  const named = evidence.codes.filter(({ code }) => code !== '').slice(0, SHOWN_CODES);
  if (named.length === 0) return null;
  return named.map(({ code, count }) => `${formatCount(count)} × ${safe(describeCode(code), 60)}`).join(', ');
}

/** `12 declined, 2 blocked by Radar`; null for signals. */
function outcomesInWords({ evidence }: Incident): string | null {
  const words: Readonly<Record<string, string>> = OUTCOME_WORDS;
  const seen = Object.entries(evidence.outcomes).filter(([outcome, count]) => outcome !== '' && count > 0);
  if (seen.length === 0) return null;
  return seen
    .slice(0, 6)
    .map(([outcome, count]) => `${formatCount(count)} ${words[outcome] ?? safe(outcome, 30)}`)
    .join(', ');
}

/** The exact count, by outcome where it is known: `1,430: 1,400 declined, 30 blocked by Radar`. */
export function attemptsInWords(incident: Incident): string {
  const outcomes = outcomesInWords(incident);
  const count = formatCount(incident.attemptCount);
  if (outcomes === null) return count;
  return outcomes.includes(',') ? `${count}: ${outcomes}` : outcomes;
}

/** `3 cards, 2 customers`; only what is more than one tells something. */
export function distinctInWords({ evidence: { distinct } }: Incident): string | null {
  const parts = [
    distinct.cards > 1 ? plural(distinct.cards, 'card') : '',
    distinct.customers > 1 ? plural(distinct.customers, 'customer') : '',
    distinct.emails > 1 ? plural(distinct.emails, 'e-mail address', 'e-mail addresses') : '',
    distinct.ips > 1 ? plural(distinct.ips, 'IP address', 'IP addresses') : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? null : parts.join(', ');
}

/** The bars and what one of them is; null for a series too short to draw. */
export function shapeOverTime({ evidence: { series }, kind }: Incident): string | null {
  // A storm counts who joined: none is a value there.
  const bars = sparkline(series.values, { isZeroGap: kind !== 'storm' });
  if (bars === '') return null;
  return `${bars} over ${formatDuration(series.values.length * series.stepS)}`;
}

/** `2 payments for 40.00 EUR`; null: not read; `nothing` is told too. */
export function throughInWords(through: Through | null): string | null {
  if (through === null) return null;
  if (through.count === 0) return 'nothing';
  const amounts = through.amounts.slice(0, 3).map(({ currency, amount }) => formatMoney(amount, safe(currency, 3)));
  return `${plural(through.count, 'success', 'successes')}${amounts.length === 0 ? '' : ` for ${amounts.join(' and ')}`}`;
}

export type Link = { readonly url: string; readonly label: string };

/** Of the entity if it is one, else of its attempts as far as they were read. Only ids of Stripe's own form. */
export function customersOf({ entity }: Incident, through: Through | null): readonly string[] {
  const ids = entity.kind === 'customer' ? [entity.value] : (through?.customers ?? []);
  return ids.filter(isStripeId).slice(0, LINKED_CUSTOMERS);
}

/** The console, the row, the customers and the newest attempts in Stripe's dashboard. */
export function links(incident: Incident, consoleUrl: string, { rowUrl, through }: Aside): readonly Link[] {
  const { evidence, id } = incident;
  const attempts = [...(evidence.trigger === null ? [] : [evidence.trigger]), ...evidence.newest].flatMap((member) => {
    const url = attemptUrl(member, incident);
    return url === null ? [] : [{ url, label: `In Stripe: ${attemptLabel(member)}` }];
  });
  const customers = customersOf(incident, through).flatMap((customer) => {
    const url = customerUrl(customer, incident);
    return url === null ? [] : [{ url, label: `In Stripe: ${customer}` }];
  });
  return [
    { url: `${consoleUrl}/incidents/${id}`, label: `${id} in the console` },
    ...(isWebUrl(rowUrl) ? [{ url: rowUrl, label: 'Its row in the sheet' }] : []),
    ...customers,
    ...attempts.slice(0, LINKED_ATTEMPTS),
  ];
}

/** The sheet's own address: nothing of it may end the link early. */
const isWebUrl = (url: string | null): url is string => url !== null && /^https?:\/\/[^\s<>|]{1,500}$/.test(url);

const attemptLabel = ({ amount, currency, code }: MemberSummary): string => {
  const money = amount === null || currency === null ? 'attempt' : formatMoney(amount, safe(currency, 3));
  return code === '' ? money : `${money}, ${safe(describeCode(code), 40)}`;
};
