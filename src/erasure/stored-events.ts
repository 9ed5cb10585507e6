// Stored events of Stripe's that an erase will take a person out of, counted before it is done: as erase-record.ts has it, but by
// what the person is plainly called, which needs no hash of everybody who is passed by.
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { EntityKind } from '../model/detector.ts';
import type { Entity } from '../model/entity.ts';
import { MAX_ERASED_ATTEMPTS } from '../model/erasure.ts';
import { AppError } from '../model/errors.ts';
import { erasedIdentity } from '../model/mask-names.ts';
import { eraseEvent, idsOfEvent } from './erase-event.ts';
import type { Found } from './find.ts';

export type StoredOptions = {
  readonly log: Pick<EventLog, 'read' | 'ends'>;
  readonly piiKey: string;
  readonly signal: AbortSignal;
  /** Records looked at, and how many there are to look at. */
  readonly onProgress: (records: number, of: number) => void;
  /** Whether the record of that place waits as a dead letter. */
  readonly isDeadLetter: (partition: number, offset: number) => boolean;
};

export type StoredEvents = { readonly events: number; readonly deadLetters: number };

type Person = Pick<Found, 'entities' | 'attempts'>;

/** Records between two turns of everything else. */
const YIELD_EVERY = 100;
/** Whoever stands on an erased attempt is the person. */
const OWN: ReadonlySet<EntityKind> = new Set<EntityKind>(['customer', 'email', 'card']);

export async function countStoredEvents(options: StoredOptions, person: Person): Promise<StoredEvents> {
  const { log, signal, onProgress, isDeadLetter } = options;
  const isNamed = namesOf(person, options.piiKey);
  const all = await log.ends('stripe-events');
  const of = all.reduce((sum, { first, next }) => sum + next - first, 0);
  let [done, events, deadLetters] = [0, 0, 0];
  for (const { partition, first, next } of all) {
    if (first >= next) continue;
    for await (const page of log.read('stripe-events', partition, first, next)) {
      for (const { value, offset } of page) {
        done += 1;
        if (done % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
        if (!isNamed(eventIn(value))) continue;
        events += 1;
        if (isDeadLetter(partition, offset)) deadLetters += 1;
      }
      onProgress(done, of);
    }
  }
  return { events, deadLetters };
}

function namesOf({ entities, attempts }: Person, piiKey: string): (event: unknown) => boolean {
  const names = new Set(entities.map(idOf));
  // An attempt without an id of Stripe's own is named by those of its intent and event.
  const own = new Set(attempts.slice(-MAX_ERASED_ATTEMPTS).flatMap((attempt) => [attempt, ...attempt.split(':')]));
  return (event) => {
    const isTheirs = idsOfEvent(event).some((id) => own.has(id));
    const isErased = (entity: Entity): boolean =>
      names.has(idOf(entity)) || (isTheirs && OWN.has(entity.kind) && erasedIdentity(entity.value, piiKey) === null);
    return eraseEvent(event, isErased) !== null;
  };
}

const idOf = ({ kind, value }: Entity): string => `${kind}\u0000${value}`;

/** undefined: it cannot be read, and stays as it is. */
function eventIn(value: string): unknown {
  try {
    return decode<{ readonly event?: unknown }>('stripe-events', value).event;
  } catch (error) {
    if (error instanceof AppError && (error.code === 'bad_record' || error.code === 'newer_schema')) return undefined;
    throw error;
  }
}
