// Erases, one after the other: look for the person, ask the incident manager, wait until nothing of them is left here. What was
// decided goes on without this job, also after a kill.
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { PartitionStatus } from '../detectors/worker.ts';
import { eraseCommands } from '../erasure/ask.ts';
import type { Erasures } from '../erasure/erasures.ts';
import { type Found, findPerson } from '../erasure/find.ts';
import { countStoredEvents, type StoredEvents } from '../erasure/stored-events.ts';
import type { Sweep } from '../erasure/sweep.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { submitCommand } from '../feed/submit.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { type DeadLetter, deadLetterId } from '../model/dead-letter.ts';
import type { Delivery } from '../model/delivery.ts';
import type { Asked, EraseStatus, FoundFacts } from '../model/erase-status.ts';
import { AppError } from '../model/errors.ts';
import type { Actor } from '../model/incident.ts';

export type EraseRequest = { readonly asked: Asked; readonly dryRun: boolean; readonly actor: Actor };

export type EraseJobs = {
  /** Throws AppError `too_many_requests`. */
  start(request: EraseRequest): EraseStatus;
  /** Of that id, or of the newest; null: there is none. */
  status(id: string | null): EraseStatus | null;
  /** Those that are remembered, newest first. */
  list(): readonly EraseStatus[];
  close(): Promise<void>;
};

export type EraseJobsOptions = {
  readonly log: EventLog;
  readonly feed: IncidentFeed;
  readonly piiKey: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly erasures: Erasures;
  /** null: the log cannot be rewritten, or another process does it. */
  readonly sweep: Sweep | null;
  /** Of the windows in this process. */
  readonly partitions: () => readonly PartitionStatus[];
  readonly deliveriesOf: (incident: string) => readonly Delivery[];
  /** Those that wait. */
  readonly deadLetters: () => readonly DeadLetter[];
};

/** It does not keep what was asked for: nothing remembers that longer than it takes. */
type Job = { status: EraseStatus; incidents: readonly string[] };

const MAX_KEPT = 50;
const MAX_WAITING = 20;
const LOOK_EVERY_MS = 50;
const DECIDED_WITHIN_MS = 60_000;

export function createEraseJobs(options: EraseJobsOptions): EraseJobs {
  const { logger } = options;
  const jobs = new Map<string, Job>();
  const stop = new AbortController();
  let queue: Promise<void> = Promise.resolve();
  const run = async (job: Job, request: EraseRequest): Promise<void> => {
    try {
      await erase(options, job, { request, signal: stop.signal });
    } catch (error) {
      const { code, message, help } =
        error instanceof AppError ? error : new AppError('internal', 'The erase failed.', { cause: error });
      set(job, { state: 'failed', progress: null, error: { code, message, help } });
      logger.error({ code, error: message }, 'an erase failed');
    }
  };
  return {
    start: (request) => {
      const waiting = [...jobs.values()].filter(({ status }) => status.state === 'waiting').length;
      if (waiting >= MAX_WAITING)
        throw new AppError('too_many_requests', `${waiting} erases wait already.`, { help: 'Ask again in a minute.' });
      const job: Job = { status: newStatus(request, options.clock.now()), incidents: [] };
      jobs.set(job.status.id, job);
      const [eldest] = jobs.keys();
      if (jobs.size > MAX_KEPT && eldest !== undefined) jobs.delete(eldest);
      queue = queue.then(async () => await run(job, request));
      return shown(options, job);
    },
    status: (id) => {
      const job = id === null ? [...jobs.values()].at(-1) : jobs.get(id);
      return job === undefined ? null : shown(options, job);
    },
    list: () => [...jobs.values()].toReversed().map((job) => shown(options, job)),
    close: async () => {
      stop.abort(
        new AppError('stopped', 'declinewatch was stopped.', { help: 'What was decided goes on at the next start.' }),
      );
      await queue;
    },
  };
}

const newStatus = ({ asked, dryRun, actor }: EraseRequest, nowMs: number): EraseStatus => ({
  id: randomUUID(),
  by: asked.kind,
  actor,
  askedAt: new Date(nowMs).toISOString(),
  dryRun,
  state: 'waiting',
  progress: null,
  found: null,
  outstanding: { messages: 0, rows: 0 },
  error: null,
});

function set(job: Job, change: Partial<EraseStatus>): void {
  job.status = { ...job.status, ...change };
}

type Run = { readonly request: EraseRequest; readonly signal: AbortSignal };

async function erase(options: EraseJobsOptions, job: Job, { request, signal }: Run): Promise<void> {
  const { log, feed, piiKey, clock } = options;
  const { asked, dryRun, actor } = request;
  set(job, { state: 'looking' });
  await feed.caughtUp();
  const onProgress = progressOf(job, 'attempts');
  const found = await findPerson({ log, incidents: () => feed.all(), piiKey, signal, onProgress }, asked);
  const facts = factsOf(options, found, await storedEvents(options, job, { found, signal }));
  set(job, { found: facts, progress: null });
  job.incidents = facts.incidents;
  if (!facts.isKnown || dryRun) return set(job, { state: 'done' });
  set(job, { state: 'asking' });
  const commands = eraseCommands(found, { piiKey, nowMs: clock.now(), nonce: job.status.id });
  let number = 0;
  for (const body of commands) number = await decided(options, { body, actor }, signal);
  set(job, { state: 'redacting' });
  await redacted(options, job, { number, signal });
  set(job, { state: 'done', progress: null });
}

const progressOf =
  (job: Job, what: string) =>
  (records: number, of: number): void =>
    set(job, { progress: { what, records: Math.min(records, of), of } });

async function storedEvents(
  { log, piiKey, deadLetters }: EraseJobsOptions,
  job: Job,
  { found, signal }: { readonly found: Found; readonly signal: AbortSignal },
): Promise<StoredEvents> {
  const waiting = new Set(deadLetters().map(deadLetterId));
  const isDeadLetter = (partition: number, offset: number): boolean =>
    waiting.has(`stripe-events/${partition}/${offset}`);
  const onProgress = progressOf(job, 'stripe-events');
  return await countStoredEvents({ log, piiKey, signal, onProgress, isDeadLetter }, found);
}

function factsOf({ deliveriesOf }: EraseJobsOptions, found: Found, stored: StoredEvents): FoundFacts {
  const values: Record<string, number> = {};
  const { attempts, incidents, days } = found;
  const isKnown = attempts.length + incidents.length + days + stored.events > 0;
  if (isKnown) for (const { kind } of found.entities) values[kind] = (values[kind] ?? 0) + 1;
  const told = incidents.flatMap(({ id }) => placesOf(deliveriesOf(id)));
  return {
    isKnown,
    attempts: attempts.length,
    values,
    incidents: incidents.map(({ id }) => id),
    messages: told.filter(isMessage).length,
    rows: told.filter(isRow).length,
    days,
    ...stored,
  };
}

const placesOf = (deliveries: readonly Delivery[]): readonly Delivery[] =>
  deliveries.filter(({ place, slot }) => place !== null && !slot.startsWith('thread:'));
const isMessage = ({ slot }: Delivery): boolean => slot === 'message';
const isRow = ({ slot }: Delivery): boolean => slot === 'row';

/** The number of the erase. */
async function decided(
  { log, feed, clock }: EraseJobsOptions,
  command: Omit<Parameters<typeof submitCommand>[1], 'id'>,
  signal: AbortSignal,
): Promise<number> {
  const { id } = await submitCommand({ log, clock }, command);
  const change = await feed.waitForCommand(id, DECIDED_WITHIN_MS);
  signal.throwIfAborted();
  if (change === null)
    throw new AppError('log_unavailable', 'The erase is recorded and not decided yet: no process decides.', {
      help: 'It is done as soon as a process of role respond runs; ask again then.',
      retriable: true,
    });
  if (change.refusal !== null) throw new AppError('invalid_request', change.refusal.message);
  return change.erasure?.number ?? 0;
}

/** Until this process knows, its windows are made anew, and the log is rewritten where it can be. */
async function redacted(
  { erasures, sweep, partitions, clock }: EraseJobsOptions,
  job: Job,
  { number, signal }: { readonly number: number; readonly signal: AbortSignal },
): Promise<void> {
  const isDone = (): boolean =>
    erasures.newest() >= number &&
    (sweep === null || sweep.status().done >= number) &&
    partitions().every(({ erased }) => erased === null || erased >= number);
  while (!isDone()) {
    signal.throwIfAborted();
    const { running = null } = sweep?.status() ?? {};
    set(job, { progress: running && { what: running.topic, records: running.records, of: running.of } });
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

function shown({ feed, deliveriesOf }: EraseJobsOptions, { status, incidents }: Job): EraseStatus {
  if (status.dryRun || (status.state !== 'redacting' && status.state !== 'done')) return status;
  const behind = incidents.flatMap((id) =>
    placesOf(deliveriesOf(id)).filter(
      ({ state, version }) => state !== 'posted' || version < (feed.get(id)?.version ?? 0),
    ),
  );
  return { ...status, outstanding: { messages: behind.filter(isMessage).length, rows: behind.filter(isRow).length } };
}
