// Links into Stripe's dashboard: the connected account first, then `test`, then the object. Pure. Only ids of Stripe's own
// form become links.
import type { MemberSummary } from './episode.ts';
import type { Incident } from './incident.ts';

type Scoped = Pick<Incident, 'account' | 'livemode'>;

export const isStripeId = (id: string): boolean => /^[a-z]{2,12}_[A-Za-z0-9_]{1,200}$/.test(id);

export function attemptUrl(member: Pick<MemberSummary, 'id' | 'intent'>, scope: Scoped): string | null {
  const path = pathOf(member.id) ?? pathOf(member.intent ?? '');
  return path === null ? null : `${rootOf(scope)}/${path}`;
}

export function customerUrl(customer: string, scope: Scoped): string | null {
  return isStripeId(customer) ? `${rootOf(scope)}/customers/${customer}` : null;
}

function rootOf({ account, livemode }: Scoped): string {
  const own = account !== null && isStripeId(account) ? `/${account}` : '';
  return `https://dashboard.stripe.com${own}${livemode ? '' : '/test'}`;
}

function pathOf(id: string): string | null {
  if (!isStripeId(id)) return null;
  if (/^(ch|py|pi)_/.test(id)) return `payments/${id}`;
  if (/^seti_/.test(id)) return `setup_intents/${id}`;
  if (/^(dp|du)_/.test(id)) return `disputes/${id}`;
  return /^prv_/.test(id) ? `radar/reviews/${id}` : null;
}
