// Entities as they leave the windows (design §4.9): e-mail and IP as a keyed hash with a mask for people, everything else
// as it is, bounded and without characters that could deceive a reader.
import { createHmac } from 'node:crypto';
import type { AttemptFields } from './attempt.ts';
import type { Entity, LabelledEntity } from './entity.ts';
import { erasedIdentity, erasedLabel } from './mask-names.ts';

const IDENTITY_HEX = 32;
const SHOWN_HEX = 6;
const MAX_IDENTITY = 96;
const MAX_LABEL = 64;

/**
 * What is told of an entity. `value` is the same for the same entity, key and installation: of e-mail and IP 32 hex digits
 * (128 bits) of an HMAC-SHA-256, else the plain value. `fields`: of any attempt on the entity, for a card's label.
 */
export function maskEntity(entity: Entity, fields: AttemptFields | null, piiKey: string): LabelledEntity {
  const { kind, value } = entity;
  const erased = erasedIdentity(value, piiKey);
  if (erased !== null) return { kind, value: erased, label: erasedLabel(erased) };
  switch (kind) {
    case 'email':
    case 'ip': {
      const digest = personalHash(entity, piiKey);
      const mask = kind === 'email' ? maskEmail(value) : maskIp(value);
      return { kind, value: digest, label: `${mask} (${digest.slice(0, SHOWN_HEX)})` };
    }
    case 'account':
      return { kind, value: 'account', label: 'whole account' };
    case 'card': {
      const shown = identityOf(entity, piiKey);
      return { kind, value: shown, label: (fields && cardLabel(fields)) ?? cut(`card ${shown}`, MAX_LABEL) };
    }
    default: {
      const shown = identityOf(entity, piiKey);
      return { kind, value: shown, label: cut(shown, MAX_LABEL) };
    }
  }
}

/** 32 hex digits. Kinds do not share hashes. To find a person's incidents, hash what they give and compare. */
function personalHash({ kind, value }: Entity, piiKey: string): string {
  return createHmac('sha256', piiKey).update(`${kind}\u0000${value}`).digest('hex').slice(0, IDENTITY_HEX);
}

/** `visa •••• 4242`; null if nothing is known of the card. */
export function cardLabel({ brand, last4 }: Pick<AttemptFields, 'brand' | 'last4'>): string | null {
  const name = clean(brand ?? '').slice(0, 16);
  const digits = /^\d{4}$/.test(last4 ?? '') ? (last4 ?? '') : '';
  if (name === '' && digits === '') return null;
  return `${name || 'card'} •••• ${digits || '????'}`;
}

/** Without control, format, bidirectional and unassigned characters, lone surrogates included. */
export function clean(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, '');
}

/** A value that had to be cleaned or cut stays apart from every other by its hash. */
function identityOf(entity: Entity, piiKey: string): string {
  const cleaned = clean(entity.value);
  if (cleaned === entity.value && cleaned.length <= MAX_IDENTITY) return cleaned;
  return `${cut(cleaned, MAX_IDENTITY - IDENTITY_HEX - 1)}~${personalHash(entity, piiKey)}`;
}

/** At most `length` UTF-16 units, never half a character. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** `j•••@e•••.com`: the first letter of both sides, and the top-level domain. */
function maskEmail(value: string): string {
  const text = clean(value);
  const at = text.lastIndexOf('@');
  if (at < 0) return '•••';
  const domain = text.slice(at + 1);
  const top = /\.([a-z0-9-]{2,12})$/i.exec(domain)?.[1];
  return `${first(text.slice(0, at))}•••@${first(domain)}•••${top === undefined ? '' : `.${top}`}`;
}

/** `203.0.•••.•••`, `2001:db8:•••`: half of it at most. */
function maskIp(value: string): string {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}$/.exec(value);
  if (v4) return `${v4[1]}.${v4[2]}.•••.•••`;
  const v6 = /^([0-9a-f]{1,4}):([0-9a-f]{1,4}):/i.exec(value);
  return v6 ? `${v6[1]}:${v6[2]}:•••` : '•••';
}

function first(text: string): string {
  return [...text.slice(0, 2)][0] ?? '';
}
