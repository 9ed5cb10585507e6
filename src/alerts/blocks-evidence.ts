// The evidence of an alert: money, reasons, shape over time, and where to look closer.
import { describeCode } from '../attempts/codes.ts';
import type { MemberSummary } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';
import { formatMoney } from '../model/money.ts';
import { formatCount, formatDuration, OUTCOME_WORDS, plural } from '../model/words.ts';
import { safe } from './blocks-inert.ts';
import { sparkline } from './sparkline.ts';

const LINKED_ATTEMPTS = 3;
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
export function outcomesInWords({ evidence }: Incident): string | null {
  const words: Readonly<Record<string, string>> = OUTCOME_WORDS;
  const seen = Object.entries(evidence.outcomes).filter(([outcome, count]) => outcome !== '' && count > 0);
  if (seen.length === 0) return null;
  return seen
    .slice(0, 6)
    .map(([outcome, count]) => `${formatCount(count)} ${words[outcome] ?? safe(outcome, 30)}`)
    .join(', ');
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
export function shapeOverTime({ evidence: { series } }: Incident): string | null {
  const bars = sparkline(series.values);
  if (bars === '') return null;
  return `${bars} over ${formatDuration(series.values.length * series.stepS)}`;
}

export type Link = { readonly url: string; readonly label: string };

/** The console, the newest attempts and the customer in Stripe's dashboard. Only ids of Stripe's own form become links. */
export function links(incident: Incident, consoleUrl: string): readonly Link[] {
  const { entity, evidence } = incident;
  const root = dashboardRoot(incident);
  const attempts = [...(evidence.trigger === null ? [] : [evidence.trigger]), ...evidence.newest].flatMap((member) => {
    const path = pathOf(member);
    return path === null ? [] : [{ url: `${root}/${path}`, label: `In Stripe: ${attemptLabel(member)}` }];
  });
  const customer = entity.kind === 'customer' && isStripeId(entity.value) ? [entity.value] : [];
  return [
    { url: `${consoleUrl}/incidents/${incident.id}`, label: `${incident.id} in the console` },
    ...customer.map((id) => ({ url: `${root}/customers/${id}`, label: 'In Stripe: the customer' })),
    ...attempts.slice(0, LINKED_ATTEMPTS),
  ];
}

/** Stripe's dashboard: the connected account first, then `test`, then the object. */
function dashboardRoot({ account, livemode }: Incident): string {
  const scope = account !== null && isStripeId(account) ? `/${account}` : '';
  return `https://dashboard.stripe.com${scope}${livemode ? '' : '/test'}`;
}

function pathOf(member: MemberSummary): string | null {
  const id = isStripeId(member.id) ? member.id : member.intent;
  if (id === null || !isStripeId(id)) return null;
  if (/^(ch|py|pi)_/.test(id)) return `payments/${id}`;
  if (/^seti_/.test(id)) return `setup_intents/${id}`;
  if (/^(dp|du)_/.test(id)) return `disputes/${id}`;
  if (/^prv_/.test(id)) return `radar/reviews/${id}`;
  return member.intent !== null && member.intent !== id ? pathOf({ ...member, id: member.intent }) : null;
}

const attemptLabel = ({ amount, currency, code }: MemberSummary): string => {
  const money = amount === null || currency === null ? 'attempt' : formatMoney(amount, safe(currency, 3));
  return code === '' ? money : `${money}, ${safe(describeCode(code), 40)}`;
};

const isStripeId = (id: string): boolean => /^[a-z]{2,12}_[A-Za-z0-9_]{1,200}$/.test(id);
