// One round of a delivery session: plan what was taken, look up or deliver, record what became of it.
import type { Logger } from 'pino';
import { encode } from '../log/codec.ts';
import type { EventLog, Hold } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { DeadLetter } from '../model/dead-letter.ts';
import { type Delivery, type DeliveryOutput, deliveryId } from '../model/delivery.ts';
import { messageOf } from '../model/errors.ts';
import { planStep, type Step } from './plan.ts';
import type { Queue, Work } from './queue.ts';
import type { Receipts } from './receipts.ts';
import type { Result, Sink, Turn } from './sink.ts';
import type { DeliveryMetrics } from './status.ts';

/** What a session knows beside its queue and its receipts. */
export type Mind = {
  running: number;
  /** Rounds in a row in which the output as a whole failed. */
  outputTries: number;
  pausedUntil: number;
  nextBatchAt: number;
  lastDeliveredAt: number | null;
  lastError: { readonly at: number; readonly message: string } | null;
  /** Refused deliveries by incident. */
  readonly failed: Map<string, Delivery>;
  /** Delivery ids recorded as `posting` of which it is known that they were not carried out. */
  readonly unsent: Set<string>;
};

export type RunnerParts = {
  readonly output: DeliveryOutput;
  readonly log: EventLog;
  readonly receipts: Receipts;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
  readonly recheckMs: number;
  readonly queue: Queue;
  readonly mind: Mind;
  readonly hold: Hold;
  readonly signal: AbortSignal;
};

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

const pauseOf = (tries: number): number =>
  Math.min(FIRST_PAUSE_MS * 2 ** Math.max(0, Math.min(tries - 1, 10)), LONGEST_PAUSE_MS);

export function createMind(receipts: Receipts, mainSlot: string): Mind {
  const failed = new Map<string, Delivery>();
  for (const delivery of receipts.all()) {
    if (delivery.state === 'failed' && delivery.slot === mainSlot) failed.set(delivery.subject, delivery);
  }
  return {
    running: 0,
    outputTries: 0,
    pausedUntil: 0,
    nextBatchAt: 0,
    lastDeliveredAt: null,
    lastError: null,
    failed,
    unsent: new Set(),
  };
}

type Planned<K extends Step['kind']> = { readonly work: Work; readonly step: Extract<Step, { readonly kind: K }> };

/** What needs a call of the sink. */
export type Due = Planned<'look-up'> | Planned<'deliver'>;

export type Runner = {
  /** Null: nothing to call for; the work has been dropped or put off. */
  plan(work: Work): Due | null;
  /** Sees every work through to its next state. Never rejects. */
  run(due: readonly Due[]): Promise<void>;
};

export function createRunner(parts: RunnerParts): Runner {
  return {
    plan: (work) => plan(parts, work),
    run: async (due) => {
      await guarded(parts, due.filter(isLookUp), lookUpAll);
      await guarded(parts, due.filter(isDelivery), deliverAll);
    },
  };
}

const isLookUp = (due: Due): due is Planned<'look-up'> => due.step.kind === 'look-up';
const isDelivery = (due: Due): due is Planned<'deliver'> => due.step.kind === 'deliver';

function plan({ sink, receipts, clock, queue, mind, output }: RunnerParts, work: Work): Due | null {
  const isUnsent = (subject: string, slot: string): boolean => mind.unsent.has(deliveryId({ output, subject, slot }));
  const step = planStep(work.incident, { sink, receipts, now: clock.now(), isUnsent, isStale: work.isStale });
  if (step.kind === 'look-up') return { work, step };
  if (step.kind === 'deliver') return { work, step };
  if (step.kind === 'defer') queue.later(work, 'deferred', step.at);
  else {
    mind.failed.delete(work.incident.id);
    queue.drop(work);
  }
  return null;
}

/** Back in line if there is more to do, else out of it at once: what is done counts as pending no longer. */
function goOn(parts: RunnerParts, work: Work): void {
  if (plan(parts, work) !== null) parts.queue.again(work);
}

/** A rejection (the log is away while stopping, a defect of the sink) costs a pause and nothing else. */
async function guarded<T extends { readonly work: Work }>(
  parts: RunnerParts,
  planned: readonly T[],
  handle: (parts: RunnerParts, planned: readonly T[]) => Promise<void>,
): Promise<void> {
  if (planned.length === 0) return;
  try {
    await handle(parts, planned);
  } catch (error) {
    outputFailed(parts, messageOf(error), null);
    for (const { work } of planned) if (work.state === 'running') parts.queue.again(work);
  }
}

async function lookUpAll(parts: RunnerParts, planned: readonly Planned<'look-up'>[]): Promise<void> {
  const { sink, receipts, clock, mind, metrics, output, logger, signal } = parts;
  const items = planned.map(({ step }) => ({ ...step.item, sinceMs: step.receipt.at }));
  const places = await sink.lookUp(items, signal);
  const adopted: Delivery[] = [];
  planned.forEach(({ step: { item, receipt } }, index) => {
    const place = places[index] ?? null;
    const id = deliveryId(receipt);
    if (place === 'unknown') {
      metrics.count(output, 'possibly_duplicate');
      logger.warn({ output, incident: item.incident.id, slot: item.slot }, 'sent again without a look-up');
    }
    if (place === null || place === 'unknown') mind.unsent.add(id);
    else {
      metrics.count(output, 'adopted');
      logger.info({ output, incident: item.incident.id, slot: item.slot }, 'found what was sent before');
      adopted.push({ ...receipt, state: 'posted', place, at: clock.now() });
    }
  });
  outputAnswered(mind);
  await receipts.record(adopted, signal);
  for (const { work } of planned) goOn(parts, work);
}

async function deliverAll(parts: RunnerParts, planned: readonly Planned<'deliver'>[]): Promise<void> {
  const { sink, receipts, mind, hold, signal } = parts;
  const posting = planned.map(({ work, step }) => postingOf(parts, work, step));
  await receipts.record(
    posting.filter((delivery, index) => !isRecorded(planned[index]?.step.receipt ?? null, delivery)),
    signal,
  );
  for (const delivery of posting) mind.unsent.delete(deliveryId(delivery));
  const items = planned.map(({ step }) => step.item);
  // What changes from here on is not in this message: it makes it stale anew.
  for (const { work, step } of planned) if (step.item.slot === sink.slot) work.isStale = false;
  const turn: Turn = { signal, isOurs: async () => await hold.certain(signal) };
  const results = await sink.deliver(items, turn).catch((error: unknown): readonly Result[] => {
    const failure: Result = { outcome: 'retry', scope: 'output', sent: 'maybe', error: messageOf(error) };
    return items.map(() => failure);
  });
  const settled = planned.map((one, index) => {
    const delivery = posting[index] ?? postingOf(parts, one.work, one.step);
    const result = results[index] ?? { outcome: 'retry', scope: 'item', sent: 'maybe', error: 'no answer for it' };
    return { ...one, delivery, result };
  });
  await receipts.record(
    settled.flatMap((one) => receiptOf(parts, one)),
    signal,
  );
  // All of them first: what was delivered does not wait for another's dead letter to be written.
  const letters = settled.flatMap((one) => settle(parts, one) ?? []);
  for (const letter of letters) await writeDeadLetter(parts, letter);
}

function postingOf(
  { output, clock }: RunnerParts,
  work: Work,
  { item, receipt }: Planned<'deliver'>['step'],
): Delivery {
  // The time of the first try stays: what is looked up may be as old as that.
  const isStillPosting = receipt?.state === 'posting' && receipt.place === null;
  return {
    output,
    subject: item.incident.id,
    slot: item.slot,
    state: 'posting',
    version: item.incident.version,
    at: isStillPosting ? receipt.at : clock.now(),
    place: item.place,
    error: null,
    tries: work.tries,
  };
}

const isRecorded = (receipt: Delivery | null, posting: Delivery): boolean =>
  receipt?.state === 'posting' && receipt.version === posting.version;

type Settled = Planned<'deliver'> & { readonly delivery: Delivery; readonly result: Result };

function receiptOf({ clock }: RunnerParts, { delivery, result, work }: Settled): readonly Delivery[] {
  const at = clock.now();
  const tries = work.tries + 1;
  if (result.outcome === 'delivered') return [{ ...delivery, state: 'posted', at, tries, place: result.place }];
  if (result.outcome === 'refused') return [{ ...delivery, state: 'failed', at, tries, error: result.error }];
  return [];
}

type Refused = { readonly delivery: Delivery; readonly error: string; readonly tries: number };

/** Answers what belongs into the dead letters; null: nothing. */
function settle(parts: RunnerParts, settled: Settled): Refused | null {
  const { queue, mind, clock, metrics, output, logger } = parts;
  const { work, step, delivery, result } = settled;
  const now = clock.now();
  if (result.outcome === 'delivered') {
    outputAnswered(mind);
    if (step.item.slot === parts.sink.slot) mind.failed.delete(delivery.subject);
    mind.lastDeliveredAt = now;
    mind.lastError = null;
    work.tries = 0;
    work.since = now;
    metrics.count(output, step.item.place === null ? 'posted' : 'updated');
    goOn(parts, work);
    return null;
  }
  if (result.outcome === 'refused') return refuse(parts, settled, result.error);
  work.tries += 1;
  if (result.sent === 'no') mind.unsent.add(deliveryId(delivery));
  metrics.count(output, 'retried');
  if (result.scope === 'output') {
    outputFailed(parts, result.error, result.retryAfterMs ?? null);
    queue.again(work);
    return null;
  }
  mind.lastError = { at: now, message: result.error };
  logger.warn(
    { output, incident: delivery.subject, tries: work.tries, error: result.error },
    'delivery will be retried',
  );
  queue.later(work, 'retrying', now + Math.max(result.retryAfterMs ?? 0, pauseOf(work.tries)));
  return null;
}

/** Loud, kept, and out of the way of the others. */
function refuse(parts: RunnerParts, { work, step, delivery }: Settled, error: string): Refused | null {
  const { queue, mind, clock, metrics, output, logger, recheckMs, sink } = parts;
  const now = clock.now();
  const isMain = step.item.slot === sink.slot;
  const isNew = !isMain || !mind.failed.has(delivery.subject);
  outputAnswered(mind);
  mind.lastError = { at: now, message: error };
  work.tries += 1;
  metrics.count(output, 'failed');
  logger.error({ output, incident: delivery.subject, slot: delivery.slot, error }, 'delivery was refused');
  if (isMain) {
    mind.failed.set(delivery.subject, { ...delivery, state: 'failed', at: now, error });
    queue.later(work, 'failed', now + recheckMs);
  } else queue.again(work);
  return isNew ? { delivery, error, tries: work.tries } : null;
}

async function writeDeadLetter(
  { log, clock, logger, output }: RunnerParts,
  { delivery, error, tries }: Refused,
): Promise<void> {
  const letter: DeadLetter = {
    source: output,
    partition: 0,
    offset: delivery.version,
    reason: 'refused',
    message: error,
    tries,
    at: clock.now(),
    subject: delivery.subject,
  };
  const record = { key: deliveryId(delivery), value: encode('dead-letters', letter), timeMs: letter.at };
  await log.append('dead-letters', [record]).catch((cause: unknown) => {
    // The failed receipt is there all the same: nothing is lost, only listed in one place less.
    logger.warn({ output, error: messageOf(cause) }, 'dead letter cannot be written');
  });
}

function outputAnswered(mind: Mind): void {
  mind.outputTries = 0;
  mind.pausedUntil = 0;
}

/** Failures of calls that ran side by side count as one. */
function outputFailed({ mind, clock, logger, output }: RunnerParts, error: string, retryAfterMs: number | null): void {
  const now = clock.now();
  if (now >= mind.pausedUntil) mind.outputTries += 1;
  mind.pausedUntil = Math.max(mind.pausedUntil, now + Math.max(retryAfterMs ?? 0, pauseOf(mind.outputTries)));
  mind.lastError = { at: now, message: error };
  logger.warn({ output, error, pauseMs: mind.pausedUntil - now, tries: mind.outputTries }, 'output cannot be reached');
}
