// Names that stand in the place of who was erased: they say nothing of the person, nobody else can make one, and they are
// the same wherever the person stood, so that every count stays what it was.
import { createHmac } from 'node:crypto';
import type { Entity } from './entity.ts';

const PREFIX = 'erased-';
const NAME = /^erased-([0-9a-f]{12})([0-9a-f]{12})(?:@.*)?$/s;
const LABEL_LENGTH = PREFIX.length + 6;

/**
 * `erased-` and 24 hex digits; of an e-mail, if given, with its domain, which filters may ask for. `nonce`: another one gives the
 * same person another name, so that who is erased twice is not recognised.
 */
export function erasedName(
  { kind, value }: Entity,
  {
    piiKey,
    nonce,
    domain = null,
  }: { readonly piiKey: string; readonly nonce: string; readonly domain?: string | null },
): string {
  const own = hmac(piiKey, ['erased', kind, value, nonce]);
  return `${PREFIX}${own}${checkOf(own, piiKey)}${domain === null ? '' : `@${domain}`}`;
}

/** The name without a domain, as incidents have it; null for what is none: the second half shows that it was made here. */
export function erasedIdentity(value: string, piiKey: string): string | null {
  if (!value.startsWith(PREFIX)) return null;
  const [, own = '', check = ''] = NAME.exec(value) ?? [];
  return own !== '' && check === checkOf(own, piiKey) ? `${PREFIX}${own}${check}` : null;
}

/** Of a name that is known to be one. */
export const identityOfName = (name: string): string => name.slice(0, PREFIX.length + 24);

/** `erased-3f9a2c`. */
export const erasedLabel = (name: string): string => name.slice(0, LABEL_LENGTH);

const checkOf = (own: string, piiKey: string): string => hmac(piiKey, ['erased name', own]);

function hmac(piiKey: string, parts: readonly string[]): string {
  return createHmac('sha256', piiKey).update(parts.join('\u0000')).digest('hex').slice(0, 12);
}
