// Stripe's signature of a webhook: several secrets (rotation, Connect), at most 5 minutes old or ahead.
import { isUtf8 } from 'node:buffer';
import Stripe from 'stripe';

const SIGNATURE_TOLERANCE_S = 300;

export type SignatureProblem = 'missing_signature' | 'bad_signature' | 'expired_signature' | 'future_signature';

const PART = /^[a-z][a-z0-9]*=[\w.-]+$/;

/** What can be said before the body is read: is there a header with one stamp, and is the stamp within the tolerance. */
export function headerProblem(header: string | undefined, nowMs: number): SignatureProblem | null {
  if (header === undefined || header === '') return 'missing_signature';
  const parts = header.split(',');
  const stamps = parts.filter((part) => part.startsWith('t='));
  const [stamp = ''] = stamps;
  // With two stamps one could be checked and the other be signed; what is no plain name=value makes Stripe's code throw.
  if (stamps.length !== 1 || !/^t=\d{1,12}$/.test(stamp) || !parts.every((part) => PART.test(part)))
    return 'bad_signature';
  const ageS = Math.floor(nowMs / 1000) - Number(stamp.slice(2));
  if (ageS > SIGNATURE_TOLERANCE_S) return 'expired_signature';
  // Stripe's own check lets the future pass: such a body would stay replayable for as long as it is ahead.
  return ageS < -SIGNATURE_TOLERANCE_S ? 'future_signature' : null;
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export type SignedBody = { readonly body: Buffer; readonly header: string; readonly nowMs: number };

/** True if one of the secrets signed exactly these bytes. Compared in constant time; every secret is tried. */
export function isSignedByStripe({ body, header, nowMs }: SignedBody, secrets: readonly string[]): boolean {
  // Stripe's code checks the text, not the bytes: what does not come back from it unchanged is not what was signed.
  if (!isUtf8(body) || body.subarray(0, 3).equals(BYTE_ORDER_MARK)) return false;
  let isSigned = false;
  for (const secret of secrets) if (verifies({ body, header, nowMs }, secret)) isSigned = true;
  return isSigned;
}

function verifies({ body, header, nowMs }: SignedBody, secret: string): boolean {
  try {
    return (
      Stripe.webhooks.signature?.verifyHeader(body, header, secret, SIGNATURE_TOLERANCE_S, undefined, nowMs) ?? false
    );
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
    throw error;
  }
}
