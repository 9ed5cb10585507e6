// What `doctor` asks Stripe: is the key accepted, restricted, read-only; is each permission there; is there an endpoint that
// sends what is needed; do the clocks agree. It changes nothing: the one POST is to a charge that cannot exist.
import type { AppError } from '../model/errors.ts';
import { isJson, type Json, objectOf, textOf } from './json.ts';
import { stripeError } from './stripe-errors.ts';
import { createSdk, type Sdk, type SdkOptions } from './stripe-sdk.ts';
import { HANDLED_TYPES, NEEDED_PERMISSIONS, permissionLabel } from './stripe-types.ts';

type StripeCheck = {
  /** `STRIPE_API_KEY`, `rak_charge_read`, `webhook endpoint`, `clock`. */
  readonly name: string;
  /** What is wrong and the cure; null: fine. */
  readonly problem: string | null;
  /** What was found, e.g. the endpoint's API version; '' if nothing. */
  readonly found: string;
};

type StripeCheckOptions = SdkOptions & {
  /** Milliseconds, of this machine. */
  readonly now: () => number;
};

/** A signed body is taken within five minutes; a minute is more than any honest clock is off. */
const MAX_SKEW_MS = 60_000;
/** What must be sent; the other handled types add little. docs/stripe.md lists what to select. */
const ENDPOINT_TYPES = [
  'charge.failed',
  'charge.succeeded',
  'payment_intent.payment_failed',
  'setup_intent.setup_failed',
];

/** Never rejects. A key that is not accepted, or a Stripe that cannot be reached, ends it after the first line. */
export async function checkStripe(options: StripeCheckOptions): Promise<readonly StripeCheck[]> {
  const { apiKey } = options;
  let sdk: Sdk;
  try {
    sdk = createSdk(options);
  } catch (error) {
    return [bad('STRIPE_API_URL', stripeError(error, 'reading the address'))];
  }
  try {
    const first = await ask(sdk, 'GET', NEEDED_PERMISSIONS[0]?.probe ?? '');
    if (first.error !== null && !isAnswered(first.error)) return [bad('STRIPE_API_KEY', first.error)];
    const clock = clockCheck(first.dateMs, options.now());
    const permissions = await Promise.all(NEEDED_PERMISSIONS.map(async (one) => await checkPermission(sdk, one)));
    const [key, endpoint] = await Promise.all([checkKey(sdk, apiKey), checkEndpoint(sdk)]);
    return [key, ...permissions, endpoint, clock];
  } finally {
    sdk.close();
  }
}

const fine = (name: string, found: string): StripeCheck => ({ name, problem: null, found });
const wrong = (name: string, problem: string): StripeCheck => ({ name, problem, found: '' });
const bad = (name: string, { message, help }: AppError): StripeCheck => wrong(name, `${message} ${help}`.trim());

type Asked = { readonly answer: unknown; readonly error: AppError | null; readonly dateMs: number | null };

async function ask({ stripe }: Sdk, method: 'GET' | 'POST', path: string): Promise<Asked> {
  try {
    const answer: unknown = await (method === 'GET'
      ? stripe.rawRequest('GET', path)
      : stripe.rawRequest('POST', path, {}));
    const response = isJson(answer) && isJson(answer.lastResponse) ? answer.lastResponse : null;
    return { answer, error: null, dateMs: dateOf(response) };
  } catch (cause) {
    return {
      answer: null,
      error: stripeError(cause, `asking for ${path}`),
      dateMs: dateOf(isJson(cause) ? cause : null),
    };
  }
}

function dateOf(source: Json | null): number | null {
  const date = textOf(objectOf(source?.headers)?.date);
  const ms = date === null ? Number.NaN : Date.parse(date);
  return Number.isNaN(ms) ? null : ms;
}

/** Stripe itself has said yes, no, or not there. */
const isAnswered = ({ code }: AppError): boolean => code === 'stripe_not_found' || code === 'stripe_forbidden';

async function checkPermission(sdk: Sdk, { slug, probe }: (typeof NEEDED_PERMISSIONS)[number]): Promise<StripeCheck> {
  const { error } = await ask(sdk, 'GET', probe);
  return error === null || error.code === 'stripe_not_found' ? fine(slug, permissionLabel(slug)) : bad(slug, error);
}

async function checkKey(sdk: Sdk, apiKey: string): Promise<StripeCheck> {
  const name = 'STRIPE_API_KEY';
  const mode = apiKey.includes('_test_') ? 'test mode' : 'live mode';
  if (!apiKey.startsWith('rk_'))
    return wrong(
      name,
      `This is no restricted key (${mode}): it may do anything. Make one with Read permissions only (docs/backfill.md).`,
    );
  const { error } = await ask(sdk, 'POST', '/v1/charges/ch_declinewatch_probe');
  if (error?.code === 'stripe_forbidden') return fine(name, `restricted, read-only, ${mode}`);
  if (error !== null && !isAnswered(error)) return bad(name, error);
  return wrong(name, `The key may write charges (${mode}): declinewatch only reads. Set Charges and Refunds to Read.`);
}

async function checkEndpoint(sdk: Sdk): Promise<StripeCheck> {
  const name = 'webhook endpoint';
  const { answer, error } = await ask(sdk, 'GET', '/v1/webhook_endpoints?limit=100');
  if (error?.code === 'stripe_forbidden')
    return fine(name, `not looked at: the key has no ${permissionLabel('rak_webhook_read')}, which nothing else needs`);
  if (error !== null) return bad(name, error);
  const endpoints = isJson(answer) && Array.isArray(answer.data) ? answer.data.filter(isJson) : [];
  const ours = endpoints.filter((endpoint) => /\/webhooks\/stripe\/?$/.test(textOf(endpoint.url) ?? ''));
  if (ours.length === 0) return wrong(name, 'No endpoint ends in /webhooks/stripe. Add one as docs/stripe.md says.');
  const enabled = ours.filter((endpoint) => endpoint.status === 'enabled');
  if (enabled.length === 0)
    return wrong(name, 'The endpoint is disabled. Enable it in the Dashboard (Developers → Webhooks).');
  const sent = new Set(enabled.flatMap(({ enabled_events: events }) => (Array.isArray(events) ? events : [])));
  const missing = ENDPOINT_TYPES.filter((type) => !sent.has('*') && !sent.has(type));
  if (missing.length > 0) return wrong(name, `It does not send ${missing.join(', ')}. Select them in the Dashboard.`);
  const versions = [...new Set(enabled.map((endpoint) => textOf(endpoint.api_version) ?? 'the account’s'))];
  const more = HANDLED_TYPES.filter((type) => !sent.has('*') && !sent.has(type)).length;
  const rest = more === 0 ? '' : `; ${more} of ${HANDLED_TYPES.length} handled types are not sent`;
  return fine(name, `API version ${versions.join(', ')}${rest}`);
}

function clockCheck(dateMs: number | null, nowMs: number): StripeCheck {
  if (dateMs === null) return fine('clock', 'Stripe did not say what time it is');
  const skewMs = nowMs - dateMs;
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return fine('clock', `within ${MAX_SKEW_MS / 1000} s of Stripe’s`);
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  return wrong(
    'clock',
    `This machine’s clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} Stripe’s: signatures will be refused. Turn on time synchronisation.`,
  );
}
