// Silence is told too (design §4.7): an account whose events stop against its own rhythm opens an operator incident, which
// is over as soon as events come again. It follows `attempts`; one process holds each of its partitions.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { decodeAttemptsRecord } from '../attempts/wire.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { submitCommand } from '../feed/submit.ts';
import type { EventLog, StoredRecord } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { OperatorCommand } from '../model/commands.ts';
import { AppError, messageOf } from '../model/errors.ts';
import type { Actor } from '../model/incident.ts';
import { type Scope, scopeId } from '../model/scope.ts';
import { arrive, FORGET_MS, newRhythm, type Rhythm, restoreRhythm, SHORTEST_MS, silenceOf } from './silence-rhythm.ts';

export type SilenceOptions = {
  readonly log: EventLog;
  readonly feed: Pick<IncidentFeed, 'all' | 'caughtUp'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where what was learnt is kept between two starts. Lost, it is learnt again from the log's newest records. */
  readonly file: string;
};

export type SilenceStatus = {
  /** Accounts that are watched here, and those of them that are silent. */
  readonly watched: number;
  readonly silent: number;
  /** Records of `attempts` not read yet, as last seen. */
  readonly behind: number;
};

export type SilenceWatch = {
  status(): SilenceStatus;
  close(): Promise<void>;
};

type Watched = {
  readonly scope: Scope;
  readonly rhythm: Rhythm;
  /** Milliseconds: the silence that has been told; null: none. */
  told: number | null;
};
type Partition = {
  next: number;
  /** Where the partition ended when it was last read. */
  end: number;
  readonly scopes: Map<string, Watched>;
  /** What had been told before it was held here, by scope. */
  readonly told: ReadonlyMap<string, number>;
};

const GROUP = 'silence';
const LOOK_EVERY_MS = 60_000;
const KEEP_EVERY_MS = 300_000;
/** Older on arrival is no sign of life: Stripe's retries, a backfill, a gap that was closed. */
const FRESH_MS = 600_000;
/** Without what was kept: so many of the newest records teach the rhythm. */
const LEARN_RECORDS = 500_000;
const MAX_SCOPES = 2_000;
const WATCHER: Actor = { kind: 'engine', id: 'silence', name: '' };

export async function startSilenceWatch(options: SilenceOptions): Promise<SilenceWatch> {
  const { log, clock, logger } = options;
  const partitions = new Map<number, Partition>();
  const stopping = new AbortController();
  const startedAt = clock.now();
  const consumer = await log.consume({
    topic: 'attempts',
    group: GROUP,
    assigned: async (partition) => {
      const begun = await begin(options, partition);
      partitions.set(partition, begun);
      return begun.next;
    },
    revoked: async (partition) => {
      keep(options, partitions);
      partitions.delete(partition);
    },
    batch: async ({ partition, records, next }) => {
      const held = partitions.get(partition);
      if (held === undefined) return null;
      take(held, records);
      held.end = next;
      return null;
    },
  });
  const looking = (async () => {
    let keptAt = clock.now();
    while (!stopping.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        for (const [partition, held] of partitions) await look(options, { partition, held, startedAt });
        if (clock.now() - keptAt < KEEP_EVERY_MS) continue;
        keep(options, partitions);
        keptAt = clock.now();
      } catch (error) {
        logger.warn({ error: messageOf(error) }, 'silence cannot be looked for now');
      }
    }
  })();
  return {
    status: () => {
      const all = [...partitions.values()].flatMap(({ scopes }) => [...scopes.values()]);
      const behind = [...partitions.values()].reduce((sum, { next, end }) => sum + Math.max(0, end - next), 0);
      return { watched: all.length, silent: all.filter(({ told }) => told !== null).length, behind };
    },
    close: async () => {
      stopping.abort();
      await looking;
      await consumer.close();
    },
  };
}

/** Where it was left, else from the newest records; what has been told is asked of the incidents. */
async function begin({ log, feed, file }: SilenceOptions, partition: number): Promise<Partition> {
  const end = (await log.ends('attempts')).find((one) => one.partition === partition);
  const [first, next] = [end?.first ?? 0, end?.next ?? 0];
  const kept = readKept(file).get(partition);
  const isGood = kept !== undefined && kept.next >= first && kept.next <= next;
  const told = await toldBefore(feed);
  const scopes = isGood ? kept.scopes : new Map<string, Watched>();
  for (const [id, watched] of scopes) watched.told = told.get(id) ?? null;
  return { next: isGood ? kept.next : Math.max(first, next - LEARN_RECORDS), end: next, scopes, told };
}

async function toldBefore(feed: SilenceOptions['feed']): Promise<ReadonlyMap<string, number>> {
  await feed.caughtUp();
  const told = new Map<string, number>();
  for (const { kind, entity, over, account, livemode, firstBreachAt } of feed.all())
    if (kind === 'operator' && entity.value === SUBJECT && !over)
      told.set(scopeId({ account, livemode }), firstBreachAt);
  return told;
}

/** Test mode is left out: it is quiet whenever nobody tests. */
function take(held: Partition, records: readonly StoredRecord[]): void {
  for (const { value, offset } of records) {
    held.next = offset + 1;
    const arrival = arrivalOf(value);
    if (arrival === null) continue;
    const id = scopeId(arrival.scope);
    const known = held.scopes.get(id);
    if (known !== undefined) arrive(known.rhythm, arrival.atMs);
    else if (held.scopes.size < MAX_SCOPES)
      held.scopes.set(id, { scope: arrival.scope, rhythm: newRhythm(arrival.atMs), told: held.told.get(id) ?? null });
  }
}

function arrivalOf(value: string): { readonly scope: Scope; readonly atMs: number } | null {
  try {
    const record = decodeAttemptsRecord(value);
    if (record.record === 'rule' || !record.livemode) return null;
    const { account, livemode, receivedAt, created } = record;
    const isFresh = Number.isSafeInteger(receivedAt) && receivedAt - created * 1000 <= FRESH_MS;
    return isFresh ? { scope: { account, livemode }, atMs: receivedAt } : null;
  } catch (error) {
    // The detectors bury what cannot be read; here it is no sign of life.
    if (error instanceof AppError && error.code === 'bad_record') return null;
    throw error;
  }
}

type Look = { readonly partition: number; readonly held: Partition; readonly startedAt: number };

async function look(options: SilenceOptions, { partition, held, startedAt }: Look): Promise<void> {
  const { log, clock } = options;
  const now = clock.now();
  const changed = [...held.scopes].filter(([, { rhythm, told }]) => {
    const silence = silenceOf(rhythm, now);
    return silence === null ? told !== null && now - rhythm.lastAt < SHORTEST_MS : told !== silence.sinceMs;
  });
  for (const [id, { rhythm, told }] of held.scopes)
    if (told === null && now - rhythm.lastAt > FORGET_MS) held.scopes.delete(id);
  if (changed.length === 0) return;
  // Who has only just begun, or is behind, does not know that nothing came.
  const end = (await log.ends('attempts')).find((one) => one.partition === partition);
  const isBehind = held.next < (end?.next ?? 0);
  for (const [, watched] of changed) {
    const silence = silenceOf(watched.rhythm, now);
    if (silence === null) await tell(options, watched, null);
    else if (!isBehind && now - startedAt >= SHORTEST_MS) await tell(options, watched, silence);
  }
}

const SUBJECT = 'silence';
const HELP =
  'Look at the webhook endpoint in Stripe’s Dashboard and run "declinewatch doctor". Nothing is lost: Stripe sends again for three days. If the account is closed or on holiday, resolve this.';

/** `silence` null: events come again. */
async function tell(
  { log, clock, logger }: SilenceOptions,
  watched: Watched,
  silence: ReturnType<typeof silenceOf>,
): Promise<void> {
  const { scope, told } = watched;
  const sinceMs = silence?.sinceMs ?? told ?? clock.now();
  const body: OperatorCommand = {
    type: 'operator',
    scope,
    subject: SUBJECT,
    isOn: silence !== null,
    title: `No events since ${timeOf(sinceMs, clock.now())} UTC`,
    why: silence === null ? 'Events come again.' : `${capital(silence.usual)}. ${HELP}`,
    severity: 'critical',
    sinceS: Math.floor(sinceMs / 1000),
  };
  const id = `silence-${scopeId(scope)}-${sinceMs}-${silence === null ? 'over' : 'on'}`;
  await submitCommand({ log, clock }, { id, actor: WATCHER, body });
  logger.warn(
    { account: scope.account, since: new Date(sinceMs).toISOString() },
    silence === null ? 'events come again' : 'no events come',
  );
  watched.told = silence?.sinceMs ?? null;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `14:02`, and the day with it once that is another one. */
function timeOf(ms: number, nowMs: number): string {
  const [at, now] = [new Date(ms).toISOString(), new Date(nowMs).toISOString()];
  return at.slice(0, 10) === now.slice(0, 10) ? at.slice(11, 16) : `${at.slice(0, 10)} ${at.slice(11, 16)}`;
}

type KeptPartition = Pick<Partition, 'next' | 'scopes'>;
type Kept = {
  readonly v: 1;
  readonly partitions: readonly {
    readonly partition: number;
    readonly next: number;
    readonly scopes: readonly object[];
  }[];
};

/** What another process holds now stays as it was left here. */
function keep({ file, logger }: SilenceOptions, partitions: ReadonlyMap<number, Partition>): void {
  const kept: Kept = {
    v: 1,
    partitions: [...new Map<number, KeptPartition>([...readKept(file), ...partitions])].map(
      ([partition, { next, scopes }]) => ({
        partition,
        next,
        scopes: [...scopes.values()].map(({ scope, rhythm }) => ({ ...scope, rhythm })),
      }),
    ),
  };
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(kept));
    renameSync(`${file}.new`, file);
  } catch (error) {
    logger.warn(
      { error: messageOf(error) },
      'the rhythm of arrivals cannot be kept, it is learnt again at the next start',
    );
  }
}

/** Empty if there is none, or none that can be used. */
function readKept(file: string): ReadonlyMap<number, KeptPartition> {
  const partitions = new Map<number, KeptPartition>();
  let kept: Partial<Kept> | null;
  try {
    kept = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept> | null;
  } catch {
    return partitions;
  }
  if (kept?.v !== 1 || !Array.isArray(kept.partitions)) return partitions;
  for (const { partition, next, scopes } of kept.partitions as NonNullable<Kept['partitions']>) {
    const watched = new Map<string, Watched>();
    for (const one of Array.isArray(scopes) ? scopes : []) {
      const {
        account = null,
        livemode,
        rhythm,
      } = one as { account?: string | null; livemode?: boolean; rhythm?: unknown };
      const restored = restoreRhythm(rhythm);
      if (restored === null || livemode !== true) continue;
      watched.set(scopeId({ account, livemode }), { scope: { account, livemode }, rhythm: restored, told: null });
    }
    if (Number.isSafeInteger(partition) && Number.isSafeInteger(next))
      partitions.set(partition, { next, scopes: watched });
  }
  return partitions;
}
