// The incident manager: the one writer of `incidents` and `detector-settings` (design §3). Reads commands, decides, writes.
import type { Logger } from 'pino';
import { encode } from '../log/codec.ts';
import type { Batch, EventLog, NewRecord, StoredRecord } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { AcceptedSettings, Change, ChangeType, Command } from '../model/commands.ts';
import { AppError, messageOf } from '../model/errors.ts';
import { type ErasureRelay, openErasureRelay } from './erasure-relay.ts';
import { evolve } from './evolve.ts';
import { loadState } from './load.ts';
import { readCommand } from './read-command.ts';
import { isUnresolved } from './reconcile.ts';
import { decide } from './reducer.ts';
import { createSettingsRelay, type SettingsRelay } from './settings-relay.ts';
import { nextDeadline, type State } from './state.ts';
import { startTimers } from './timers.ts';

export type ManagerMetrics = {
  /** One change; `asked` is what its command asked for. */
  change(asked: Command['body']['type'] | '', type: ChangeType): void;
};

export type ManagerOptions = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: ManagerMetrics;
};

export type ManagerStatus = {
  /** This process decides; false: another replica does, or it has not begun yet. */
  readonly active: boolean;
  /** Offset of the last command decided; -1: none. */
  readonly offset: number;
  /** Commands in the log that are not decided yet, as last seen. */
  readonly behind: number;
  readonly incidents: number;
  readonly unresolved: number;
  /** Why it stopped for good (`newer_schema`); null: it goes on. */
  readonly stopped: { readonly code: string; readonly message: string } | null;
};

export type IncidentManager = {
  status(): ManagerStatus;
  /** Finishes the batch under way. */
  close(): Promise<void>;
};

type Session = {
  state: State;
  /** Decided and folded, but not yet surely in the log: written before anything else. */
  unwritten: Change[];
  readonly accepted: Map<string, readonly AcceptedSettings[]>;
  readonly relay: SettingsRelay;
  readonly erasures: ErasureRelay;
  readonly rearm: () => void;
  readonly stop: () => Promise<void>;
};

const GROUP = 'incident-manager';
/** Changes in one append. */
const MAX_APPENDED = 100;
/** Versions of one detector that are kept at hand. */
const MAX_VERSIONS = 500;
const REPEAT_RULES_MS = 86_400_000;

/** Resolves once it reads; it decides while this process holds the partition of `commands`. */
export async function startIncidentManager(options: ManagerOptions): Promise<IncidentManager> {
  const { log, logger } = options;
  let session: Session | null = null;
  let behind = 0;
  let stopped: ManagerStatus['stopped'] = null;
  /** A newer program has written here: deciding on would undo what it did, and skipping would lose it. */
  const stopForGood = async (error: AppError, signal: AbortSignal): Promise<never> => {
    stopped = { code: error.code, message: error.message };
    await session?.stop();
    logger.fatal({ code: error.code, help: error.help, error: error.message }, 'the incident manager has stopped');
    await aborted(signal);
    throw error;
  };
  const begin = async (): Promise<number> => {
    await session?.stop();
    session = null;
    const begun = await beginSession(options);
    session = begun.session;
    return begun.resumeAt;
  };
  const closing = new AbortController();
  const consumer = await log.consume({
    topic: 'commands',
    group: GROUP,
    assigned: () =>
      begin().catch((error: unknown) => (isNewer(error) ? stopForGood(error, closing.signal) : rethrow(error))),
    revoked: async () => {
      await session?.stop();
      session = null;
    },
    batch: async (batch) => {
      try {
        if (session === null) return await begin();
        await handleBatch(options, session, batch);
        behind = Math.max(0, batch.next - session.state.offset - 1);
        return null;
      } catch (error) {
        if (!isNewer(error)) throw error;
        // What came before it counts.
        if (session !== null) await write(options, session);
        return await stopForGood(error, AbortSignal.any([batch.signal, closing.signal]));
      }
    },
  });
  return {
    status: () => ({
      ...countsOf(session?.state ?? null),
      active: session !== null && stopped === null,
      behind,
      stopped,
    }),
    close: async () => {
      closing.abort();
      await consumer.close();
      await session?.stop();
    },
  };
}

async function beginSession(options: ManagerOptions): Promise<{ session: Session; resumeAt: number }> {
  const { log, clock, logger } = options;
  const { state, resumeAt, accepted, unrecorded, erasures: decided } = await loadState(log);
  const relay = createSettingsRelay(options);
  await relay.send(unrecorded);
  const erasures = await openErasureRelay(options);
  await erasures.send(decided);
  await relay.repeat(accepted.values());
  const stopping = new AbortController();
  const timers = startTimers({ log, clock, logger, deadline: () => nextDeadline(state) });
  const known = new Map(accepted);
  const repeating = repeatDaily(options, { relay, known, signal: stopping.signal });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all([timers.stop(), repeating]);
  };
  const session: Session = { state, unwritten: [], accepted: known, relay, erasures, rearm: timers.rearm, stop };
  logger.info(
    { resumeAt, incidents: state.incidents.size, numbered: state.numbered },
    'the incident manager has begun',
  );
  return { session, resumeAt };
}

async function handleBatch(options: ManagerOptions, session: Session, { records, signal }: Batch): Promise<void> {
  for (const record of records) {
    // Decided before: an append failed then, or a page is delivered again.
    if (record.offset <= session.state.offset) continue;
    if (signal.aborted) break;
    const changes = await changesOf(options, session.state, record);
    evolve(session.state, changes);
    session.unwritten.push(...changes);
    if (session.unwritten.length >= MAX_APPENDED) await write(options, session);
  }
  await write(options, session);
  session.rearm();
}

/** What cannot be decided is kept aside for a person, and counts as handled. */
async function changesOf(options: ManagerOptions, state: State, record: StoredRecord): Promise<readonly Change[]> {
  try {
    return decide(state, readCommand(record.value), record.offset);
  } catch (error) {
    if (isNewer(error)) throw error;
    await bury(options, record, error);
    return decide(state, null, record.offset);
  }
}

async function bury({ log, clock, logger }: ManagerOptions, record: StoredRecord, error: unknown): Promise<void> {
  const reason = error instanceof AppError ? error.code : 'undecidable';
  logger.error({ offset: record.offset, reason, error: messageOf(error) }, 'a command cannot be decided');
  const { partition, offset } = record;
  const letter = { source: 'commands', partition, offset, reason, message: messageOf(error).slice(0, 500), tries: 1 };
  const at = clock.now();
  const value = encode('dead-letters', { ...letter, at, subject: null });
  await log.append('dead-letters', [{ key: `commands/${partition}/${offset}`, value, timeMs: at }]);
}

/** The changes first: what they accepted can be read off them again, if the process ends before it is relayed. */
async function write({ log, metrics }: ManagerOptions, session: Session): Promise<void> {
  const { unwritten, relay, erasures } = session;
  for (let i = 0; i < unwritten.length; i += MAX_APPENDED)
    await log.append('incidents', unwritten.slice(i, i + MAX_APPENDED).map(recordOf));
  session.unwritten = [];
  for (const { asked = '', type } of unwritten) metrics?.change(asked, type);
  const news = unwritten.flatMap(({ accepted }) => (accepted === undefined || !add(session, accepted) ? [] : accepted));
  await relay.send(news);
  await erasures.send(unwritten.flatMap(({ erasure }) => erasure ?? []));
}

/** False: known already; the newest command of before is decided again at every start. */
function add({ accepted }: Session, one: AcceptedSettings): boolean {
  const known = accepted.get(one.rule.detector) ?? [];
  if ((known.at(-1)?.rule.version ?? 0) >= one.rule.version) return false;
  accepted.set(one.rule.detector, [...known, one].slice(-MAX_VERSIONS));
  return true;
}

function recordOf(change: Change): NewRecord {
  return { key: change.incident?.id ?? null, value: encode('incidents', change), timeMs: change.at };
}

type Repeating = {
  readonly relay: SettingsRelay;
  readonly known: ReadonlyMap<string, readonly AcceptedSettings[]>;
  readonly signal: AbortSignal;
};

/** `attempts` lets go of its records after weeks: whoever reads it from its beginning must find the rules there. */
async function repeatDaily({ clock, logger }: ManagerOptions, { relay, known, signal }: Repeating): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(REPEAT_RULES_MS, signal);
    if (signal.aborted) return;
    await relay.repeat(known.values()).catch((error: unknown) => {
      logger.warn({ error: messageOf(error) }, 'the rules could not be repeated today');
    });
  }
}

function countsOf(state: State | null): Pick<ManagerStatus, 'offset' | 'incidents' | 'unresolved'> {
  if (state === null) return { offset: -1, incidents: 0, unresolved: 0 };
  let unresolved = 0;
  for (const incident of state.incidents.values()) if (isUnresolved(incident)) unresolved += 1;
  return { offset: state.offset, incidents: state.incidents.size, unresolved };
}

const isNewer = (error: unknown): error is AppError => error instanceof AppError && error.code === 'newer_schema';

function rethrow(error: unknown): never {
  throw error;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
