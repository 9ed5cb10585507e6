// Everything that is known of a person, by one thing that is known of them: their attempts, what stands beside it on those, and
// the incidents that tell of any of it.
import { entitiesOfView } from '../attempts/erase-view.ts';
import { decodeAttemptsRecord } from '../attempts/wire.ts';
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { View } from '../model/attempt.ts';
import type { TotalsRecord } from '../model/daily-totals.ts';
import type { EntityKind } from '../model/detector.ts';
import type { Entity } from '../model/entity.ts';
import type { Asked } from '../model/erase-status.ts';
import { AppError } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';
import { maskEntity } from '../model/mask.ts';
import { tokenOf } from '../model/mask-erased.ts';
import { erasedIdentity } from '../model/mask-names.ts';

export type Found = {
  /** Plain, the one that was asked for last: once it is gone nobody finds the others. */
  readonly entities: readonly Entity[];
  /** Ids, newest last. */
  readonly attempts: readonly string[];
  /** Incidents on one of the entities, or that tell of one of the attempts. */
  readonly incidents: readonly Incident[];
  /** Days whose totals name one of them. */
  readonly days: number;
  /** E-mail domains that others have too: filters may ask for them, and they name nobody. */
  readonly sharedDomains: ReadonlySet<string>;
};

export type FindOptions = {
  readonly log: Pick<EventLog, 'read' | 'ends'>;
  readonly incidents: () => Iterable<Incident>;
  readonly piiKey: string;
  readonly signal: AbortSignal;
  /** Records looked at, and how many there are to look at. */
  readonly onProgress: (records: number, of: number) => void;
};

/** Beyond it whoever asks is not one person. */
const MAX_FOUND = 100_000;
const ROUNDS = 3;
/** They are the person's wherever they stand; of an address or a word of the merchant's only one that nobody else has is. */
const OWN: ReadonlySet<EntityKind> = new Set<EntityKind>(['customer', 'email', 'card']);

export async function findPerson(options: FindOptions, asked: Asked): Promise<Found> {
  const read = readerOf(options);
  const attempts = new Set<string>();
  for await (const view of read()) if (view.fields[asked.kind] === asked.value) add(attempts, view.attempt);
  const beside = new Map<string, Entity>();
  for await (const view of read())
    if (attempts.has(view.attempt))
      for (const entity of entitiesOfView(view)) if (isPlain(entity, options)) beside.set(idOf(entity), entity);
  if (beside.size > MAX_FOUND) throw tooMany();
  const domains = new Set([...beside.values()].flatMap(domainOf));
  const sharedDomains = new Set<string>();
  const shared = new Set<string>();
  for await (const view of read()) {
    for (const entity of entitiesOfView(view)) {
      const id = idOf(entity);
      if (beside.has(id) && !attempts.has(view.attempt)) shared.add(id);
      const [domain] = domainOf(entity);
      if (domain !== undefined && domains.has(domain) && !beside.has(id)) sharedDomains.add(domain);
    }
  }
  const own = [...beside.values()].filter((entity) => OWN.has(entity.kind) || !shared.has(idOf(entity)));
  const entities = [...own.filter((entity) => idOf(entity) !== idOf(asked)), asked];
  const incidents = incidentsOf(options, { entities, beside: [...beside.values()], attempts });
  const days = await daysOf(options, entities);
  return { entities, attempts: [...attempts], incidents, days, sharedDomains };
}

const idOf = ({ kind, value }: Entity): string => `${kind}\u0000${value}`;

/** What stands in the place of somebody is nobody. */
const isPlain = ({ value }: Entity, { piiKey }: FindOptions): boolean => erasedIdentity(value, piiKey) === null;

function domainOf({ kind, value }: Entity): string[] {
  const at = kind === 'email' ? value.lastIndexOf('@') : -1;
  return at < 0 ? [] : [value.slice(at + 1)];
}

function add(attempts: Set<string>, id: string): void {
  attempts.add(id);
  if (attempts.size > MAX_FOUND) throw tooMany();
}

const tooMany = (): AppError =>
  new AppError('too_large', `More than ${MAX_FOUND} attempts or values belong to it.`, {
    help: 'That is not one person. Erase by what is theirs alone: the e-mail, or the card.',
  });

/** Views of the whole log, again at each call. */
function readerOf({ log, signal, onProgress }: FindOptions): () => AsyncGenerator<View> {
  let done = 0;
  return async function* views() {
    const all = await log.ends('attempts');
    const of = ROUNDS * all.reduce((sum, { first, next }) => sum + next - first, 0);
    for (const { partition, first, next } of all) {
      if (first >= next) continue;
      for await (const page of log.read('attempts', partition, first, next)) {
        signal.throwIfAborted();
        for (const { value } of page) {
          const view = viewIn(value);
          if (view !== null) yield view;
        }
        done += page.length;
        onProgress(done, of);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
}

function viewIn(value: string): View | null {
  try {
    const record = decodeAttemptsRecord(value);
    return record.record === 'view' ? record : null;
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return null;
    throw error;
  }
}

type Person = {
  readonly entities: readonly Entity[];
  /** On their attempts, whosever it is. */
  readonly beside: readonly Entity[];
  readonly attempts: ReadonlySet<string>;
};

/** Also those on what they share with others: such an alert may name the person as one of several. */
function incidentsOf({ incidents, piiKey }: FindOptions, { entities, beside, attempts }: Person): readonly Incident[] {
  const masked = new Set([...entities, ...beside].map((entity) => idOf(maskEntity(entity, null, piiKey))));
  return [...incidents()].filter(({ entity, evidence }) => {
    const members = evidence.trigger === null ? evidence.newest : [...evidence.newest, evidence.trigger];
    return masked.has(idOf(entity)) || members.some(({ id }) => attempts.has(id));
  });
}

async function daysOf({ log, piiKey, signal }: FindOptions, entities: readonly Entity[]): Promise<number> {
  const tokens = new Set(entities.map((entity) => tokenOf(maskEntity(entity, null, piiKey))));
  const days = new Map<string, boolean>();
  for (const { partition, first, next } of await log.ends('daily-totals')) {
    if (first >= next) continue;
    for await (const page of log.read('daily-totals', partition, first, next)) {
      signal.throwIfAborted();
      for (const { key, value } of page) if (key !== null) days.set(key, namesOne(value, tokens));
    }
  }
  return [...days.values()].filter(Boolean).length;
}

function namesOne(value: string, tokens: ReadonlySet<string>): boolean {
  try {
    const record = decode<TotalsRecord>('daily-totals', value);
    if (!('totals' in record)) return false;
    return record.totals.proofs.some(
      ({ paid }) => paid?.entities.some((entity) => tokens.has(tokenOf(entity))) === true,
    );
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return false;
    throw error;
  }
}
