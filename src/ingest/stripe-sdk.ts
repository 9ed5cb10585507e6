// Stripe's SDK as everything here uses it: at Stripe or at another address, with a time-out, without telemetry and without
// retries of its own, so that every request is one that was asked for.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import Stripe from 'stripe';
import { AppError } from '../model/errors.ts';

export type SdkOptions = {
  readonly apiKey: string;
  /** Another server in Stripe's place, `http://host:port`; null: Stripe. */
  readonly apiUrl: string | null;
  /** Default 30 s. */
  readonly timeoutMs?: number | undefined;
};

export type Sdk = {
  readonly stripe: Stripe;
  /** Lets go of its connections. */
  close(): void;
};

const TIMEOUT_MS = 30_000;
const CONNECTIONS = 4;

/** Throws AppError `bad_environment` for an address that the SDK cannot use. */
export function createSdk({ apiKey, apiUrl, timeoutMs = TIMEOUT_MS }: SdkOptions): Sdk {
  const { agent, ...address } = addressOf(apiUrl);
  const stripe = new Stripe(apiKey, {
    ...address,
    // The SDK's own API version: what it is matters little, for events are listed in the account's version and the
    // normaliser reads charges of any.
    httpAgent: agent,
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    telemetry: false,
  });
  return { stripe, close: () => agent.destroy() };
}

type Address = { readonly agent: HttpAgent | HttpsAgent } & Partial<{
  host: string;
  port: string;
  protocol: 'http' | 'https';
}>;

function addressOf(apiUrl: string | null): Address {
  const options = { keepAlive: true, maxSockets: CONNECTIONS };
  if (apiUrl === null) return { agent: new HttpsAgent(options) };
  const { hostname, port, protocol, pathname, search } = new URL(apiUrl);
  if (pathname !== '/' || search !== '')
    throw new AppError('bad_environment', 'STRIPE_API_URL has a path.', {
      help: 'Write it as http://host:port: Stripe’s own paths are put behind it.',
    });
  const isPlain = protocol === 'http:';
  return {
    agent: isPlain ? new HttpAgent(options) : new HttpsAgent(options),
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isPlain ? '80' : '443') : port,
    protocol: isPlain ? 'http' : 'https',
  };
}
