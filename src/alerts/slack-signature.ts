// Slack's request signature, checked in the main thread before anything is made of the body.
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Bolt refuses only what is too old; a stamp from the future would stay replayable for as long as it is ahead. */
const MAX_SKEW_S = 300;

export type SignedRequest = {
  readonly rawBody: Buffer;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
};

/** `v0=` + HMAC-SHA256 over `v0:timestamp:body`; at most 5 minutes old or ahead. */
export function isSignedBySlack(request: SignedRequest, secret: string, nowMs: number): boolean {
  const { rawBody, timestamp = '', signature = '' } = request;
  if (secret === '' || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > MAX_SKEW_S) return false;
  const expected = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(rawBody).digest();
  const given = /^v0=([0-9a-f]{64})$/.exec(signature)?.[1];
  return given !== undefined && timingSafeEqual(expected, Buffer.from(given, 'hex'));
}
