// A stored Stripe event that names somebody who was erased: what is left of it is that it was there. Pure.
import { publicAddress } from '../ingest/ip.ts';
import type { Entity } from '../model/entity.ts';

type Json = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 32;
const EMAIL = /[^\s"'<>(),;:]+@[^\s"'<>(),;:]+/g;

/** Its id, type and time, and the id of its object: for what is told apart or looked up by them. Null: it names nobody. */
export function eraseEvent(event: unknown, isErased: (entity: Entity) => boolean): object | null {
  if (!isObject(event) || !names(event, { key: '', inMetadata: false, depth: 0 }, isErased)) return null;
  const { id, type, created, api_version, account, livemode } = event;
  const data = isObject(event.data) && isObject(event.data.object) ? event.data.object : {};
  const charge = typeof data.charge === 'string' ? { charge: data.charge } : {};
  const object = { object: data.object, id: data.id, ...charge };
  return { id, object: 'event', type, created, api_version, account, livemode, data: { object } };
}

/** Of the event and of what it is about. */
export function idsOfEvent(event: unknown): readonly string[] {
  if (!isObject(event)) return [];
  const object = isObject(event.data) && isObject(event.data.object) ? event.data.object : {};
  const ids = [event.id, object.id, object.charge, object.latest_charge];
  return ids.filter((id): id is string => typeof id === 'string');
}

type Place = { readonly key: string; readonly inMetadata: boolean; readonly depth: number };

function names(value: unknown, place: Place, isErased: (entity: Entity) => boolean): boolean {
  if (typeof value === 'string') return entitiesIn(value, place).some(isErased);
  if (typeof value !== 'object' || value === null || place.depth > MAX_DEPTH) return false;
  const depth = place.depth + 1;
  const inMetadata = place.inMetadata || place.key === 'metadata';
  if (Array.isArray(value)) return value.some((item) => names(item, { ...place, inMetadata, depth }, isErased));
  return Object.entries(value).some(([key, inner]) => names(inner, { key, inMetadata, depth }, isErased));
}

/** Whom a text may be about, by its form and by what it is called. */
function entitiesIn(text: string, { key, inMetadata }: Place): readonly Entity[] {
  const found: Entity[] = [];
  if (key === 'fingerprint') found.push({ kind: 'card', value: text });
  if (key === 'customer' || text.startsWith('cus_')) found.push({ kind: 'customer', value: text });
  if (text.includes('@'))
    for (const [email] of text.matchAll(EMAIL)) found.push({ kind: 'email', value: email.trim().toLowerCase() });
  if (inMetadata) found.push({ kind: `metadata.${key}`, value: text });
  const address = inMetadata || key.endsWith('ip') ? publicAddress(text) : null;
  if (address !== null) found.push({ kind: 'ip', value: address });
  return found;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
