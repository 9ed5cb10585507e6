// Near the limit of what the windows hold an operator incident opens (design §4.8), before the oldest attempts must go.
import type { Logger } from 'pino';
import type { PartitionStatus } from '../detectors/worker.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { submitCommand } from '../feed/submit.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { OperatorCommand } from '../model/commands.ts';
import { messageOf } from '../model/errors.ts';
import type { Actor } from '../model/incident.ts';
import { formatCount } from '../model/words.ts';

export type StateLimitOptions = {
  readonly partitions: () => readonly PartitionStatus[];
  readonly log: Pick<EventLog, 'append'>;
  readonly feed: Pick<IncidentFeed, 'all' | 'caughtUp'>;
  readonly clock: Clock;
  readonly logger: Logger;
};

const LOOK_EVERY_MS = 30_000;
/** Told from here on, and over again below that: so that it does not come and go. */
const NEAR = 0.8;
const FAR = 0.7;
const WATCHER: Actor = { kind: 'engine', id: 'detect', name: '' };
/** Of the installation, not of an account. */
const SCOPE = { account: null, livemode: true } as const;

const subjectOf = (partition: number): string => `state_limit_${partition}`;

/** Each replica watches the partitions that it holds. */
export function watchStateLimit(options: StateLimitOptions): { stop(): Promise<void> } {
  const { partitions, clock, logger } = options;
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        for (const status of partitions()) await look(options, status);
      } catch (error) {
        logger.warn({ error: messageOf(error) }, 'the limit of the windows cannot be told of now');
      }
      await clock.sleep(LOOK_EVERY_MS, stopping.signal);
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function look(options: StateLimitOptions, { partition, next, held, maxHeld }: PartitionStatus): Promise<void> {
  if (next === null) return;
  const share = held / maxHeld;
  if (share >= FAR && share < NEAR) return;
  // Asked of the incidents each time: another replica may have told it.
  const open = standing(options.feed, subjectOf(partition));
  if (share >= NEAR && open === null) await tell(options, { partition, held, maxHeld, isOn: true });
  if (share < FAR && open !== null) await tell(options, { partition, held, maxHeld, isOn: false });
}

/** Milliseconds since when; null: none stands. One that a person has resolved stands as long as it is so. */
function standing(feed: StateLimitOptions['feed'], subject: string): number | null {
  for (const { kind, entity, over, firstBreachAt } of feed.all())
    if (kind === 'operator' && entity.value === subject && !over) return firstBreachAt;
  return null;
}

type Told = { readonly partition: number; readonly held: number; readonly maxHeld: number; readonly isOn: boolean };

async function tell(
  { log, feed, clock, logger }: StateLimitOptions,
  { partition, held, maxHeld, isOn }: Told,
): Promise<void> {
  const now = clock.now();
  const body: OperatorCommand = {
    type: 'operator',
    scope: SCOPE,
    subject: subjectOf(partition),
    isOn,
    title: `The windows of partition ${partition} hold ${formatCount(held)} attempts, of at most ${formatCount(maxHeld)}`,
    why: 'Beyond the limit the oldest attempts go, and incidents that may lack some say so. Shorten the longest window or quietFor, lower lateness, or spread Connect accounts (docs/operations.md).',
    severity: 'warning',
    sinceS: Math.floor(now / 1000),
  };
  await submitCommand(
    { log, clock },
    { id: `state-limit-${partition}-${isOn ? 'on' : 'off'}-${now}`, actor: WATCHER, body },
  );
  logger.warn({ partition, held, maxHeld }, isOn ? 'the windows are nearly full' : 'the windows have room again');
  await feed.caughtUp();
}
