// How every part is, for the console, `/readyz`, `/healthz` and the metrics: gathered here, judged nowhere else.
import type { NoticesStatus } from '../alerts/notices.ts';
import type { SlackInboundStatus } from '../alerts/slack-inbound.ts';
import type { DeliveryStatus } from '../deliveries/status.ts';
import type { HistoryPartitionStatus } from '../detectors/history.ts';
import type { WindowStore } from '../detectors/window-store.ts';
import type { PartitionStatus } from '../detectors/worker.ts';
import type { SweepStatus } from '../erasure/sweep.ts';
import type { FeedStatus } from '../feed/feed.ts';
import type { ManagerStatus } from '../incidents/manager.ts';
import type { Enrichment } from '../ingest/enrich.ts';
import type { Reconciliation } from '../ingest/reconcile.ts';
import type { EventLog } from '../log/event-log.ts';
import { AppError, messageOf } from '../model/errors.ts';
import { plural } from '../model/words.ts';

import type { VerifyStatus } from '../tuning/verify-job.ts';
import type { SilenceStatus } from './silence.ts';

export type PartHealth = {
  readonly name: string;
  readonly state: 'fine' | 'degraded' | 'down';
  /** What is so, one sentence. */
  readonly message: string;
  /** What to do about it; '' if nothing. */
  readonly help: string;
};

export type Health = {
  /** Nothing that receiving and telling needs is down. */
  readonly ready: boolean;
  readonly parts: readonly PartHealth[];
};

/** What there is to ask; absent: not a part of this process. */
export type HealthSources = {
  readonly log: EventLog;
  readonly store: WindowStore;
  readonly deliveries: (() => DeliveryStatus)[];
  detect?: () => readonly PartitionStatus[];
  manager?: () => ManagerStatus;
  feed?: () => FeedStatus;
  history?: () => readonly HistoryPartitionStatus[];
  reconciliation?: (() => ReturnType<Reconciliation['status']>) | undefined;
  enrichment?: (() => ReturnType<Enrichment['status']>) | undefined;
  slackInbound?: () => SlackInboundStatus;
  notices?: () => NoticesStatus;
  settingsFile?: () => { readonly message: string } | null;
  silence?: () => SilenceStatus;
  verification?: () => VerifyStatus;
  /** By source, those that wait for a person. */
  deadLetters?: () => ReadonlyMap<string, number>;
  /** What an erase leaves to be done in the log. */
  erasing?: () => SweepStatus;
};

const PING_MS = 3_000;

export async function healthOf(sources: HealthSources): Promise<Health> {
  const parts: PartHealth[] = await Promise.all([
    pinged('log', () => sources.log.ping()),
    pinged('window store', () => sources.store.ping()),
  ]);
  if (sources.detect !== undefined) parts.push(detectHealth(sources.detect()));
  if (sources.history !== undefined) parts.push(historyHealth(sources.history()));
  if (sources.reconciliation !== undefined || sources.enrichment !== undefined)
    parts.push(stripeHealth(sources.reconciliation?.(), sources.enrichment?.()));
  if (sources.manager !== undefined) parts.push(managerHealth(sources.manager()));
  if (sources.feed !== undefined) parts.push(feedHealth(sources.feed()));
  if (sources.settingsFile !== undefined) parts.push(fileHealth(sources.settingsFile()));
  for (const status of sources.deliveries) parts.push(deliveryHealth(status()));
  if (sources.slackInbound !== undefined) parts.push(buttonsHealth(sources.slackInbound()));
  if (sources.notices !== undefined) parts.push(noticesHealth(sources.notices()));
  if (sources.silence !== undefined) parts.push(silenceHealth(sources.silence()));
  if (sources.deadLetters !== undefined) parts.push(deadLetterHealth(sources.deadLetters()));
  parts.push(...erasingHealth(sources.erasing?.()));
  return { ready: parts.every(({ state }) => state !== 'down'), parts };
}

/** Seldom: told of only while there is something to tell. */
function erasingHealth(status: SweepStatus | undefined): PartHealth[] {
  const name = 'erasing';
  if (status === undefined || (status.running === null && status.problem === null)) return [];
  if (status.problem !== null)
    return [
      {
        name,
        state: 'degraded',
        message: `An erase waits: ${status.problem}.`,
        help: 'Until it is done, who was erased is left out in reading, and still in the file. It is tried again by itself.',
      },
    ];
  const { topic, records, of } = status.running ?? { topic: '', records: 0, of: 0 };
  return [{ name, state: 'fine', message: `somebody is taken out of ${topic}, ${records} of ${of} records`, help: '' }];
}

async function pinged(name: string, ping: () => Promise<void>): Promise<PartHealth> {
  try {
    const answer = ping();
    await Promise.race([answer, late(name)]);
    return { name, state: 'fine', message: 'answers', help: '' };
  } catch (error) {
    return { name, state: 'down', message: messageOf(error), help: error instanceof AppError ? error.help : '' };
  }
}

async function late(name: string): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, PING_MS).unref());
  throw new AppError('log_unavailable', `The ${name} does not answer within ${PING_MS / 1000} s.`, { retriable: true });
}

function detectHealth(partitions: readonly PartitionStatus[]): PartHealth {
  const name = 'detectors';
  const stuck = partitions.find(({ problem }) => problem !== null)?.problem;
  if (stuck) return { name, state: 'down', message: stuck.message, help: stuck.help };
  const rebuilding = partitions.find((partition) => partition.rebuilding !== null)?.rebuilding;
  if (rebuilding)
    return {
      name,
      state: 'degraded',
      message: `Windows are rebuilt from the log, up to offset ${rebuilding.until}.`,
      help: 'Nothing is reported until that is done; it goes on by itself.',
    };
  const lag = partitions.reduce((sum, partition) => sum + partition.lag, 0);
  const attempts = partitions.reduce((sum, partition) => sum + partition.attempts, 0);
  return {
    name,
    state: 'fine',
    message: `${partitions.length} partition(s), ${attempts} attempts in the windows, ${lag} records behind`,
    help: '',
  };
}

function historyHealth(partitions: readonly HistoryPartitionStatus[]): PartHealth {
  const name = 'history lane';
  const problem = partitions.find((partition) => partition.problem !== null)?.problem;
  if (problem)
    return { name, state: 'degraded', message: problem, help: 'What came late waits; it is tried again by itself.' };
  const hours = partitions.reduce((sum, { waitingHours }) => sum + waitingHours, 0);
  return {
    name,
    state: 'fine',
    message: hours === 0 ? 'nothing waits' : `late views of ${hours} hour(s) wait`,
    help: '',
  };
}

function stripeHealth(
  reconciliation: ReturnType<Reconciliation['status']> | undefined,
  enrichment: ReturnType<Enrichment['status']> | undefined,
): PartHealth {
  const name = 'stripe api';
  const error = reconciliation?.errors[0];
  if (error !== undefined) return { name, state: 'degraded', message: error.message, help: error.help };
  if (enrichment?.waiting)
    return { name, state: 'degraded', message: enrichment.waiting.message, help: 'It is tried again by itself.' };
  const through = reconciliation?.through;
  return {
    name,
    state: 'fine',
    message: through ? `agrees with the log up to ${through}` : 'first comparison under way',
    help: '',
  };
}

function managerHealth({ active, behind, stopped, unresolved }: ManagerStatus): PartHealth {
  const name = 'incident manager';
  if (stopped !== null)
    return { name, state: 'down', message: stopped.message, help: 'Run the newer version of declinewatch.' };
  const message = active
    ? `${unresolved} unresolved incident(s), ${behind} commands behind`
    : 'another replica decides';
  return { name, state: 'fine', message, help: '' };
}

function feedHealth({ behind, stopped }: FeedStatus): PartHealth {
  const name = 'incident feed';
  if (stopped !== null)
    return { name, state: 'down', message: stopped.message, help: 'Run the newer version of declinewatch.' };
  return { name, state: 'fine', message: `${behind} changes behind`, help: '' };
}

function fileHealth(problem: { readonly message: string } | null): PartHealth {
  const name = 'detectors file';
  if (problem === null) return { name, state: 'fine', message: 'sound', help: '' };
  return {
    name,
    state: 'degraded',
    message: problem.message,
    help: 'Mend the file: `declinewatch detectors check` names every problem.',
  };
}

/** How many, and how far behind that is. */
function waiting(pending: number, oldestAt: number | null): string {
  const since = oldestAt === null ? '' : `, the oldest since ${utc(oldestAt)}`;
  return `${pending} wait(s)${since}`;
}

function deliveryHealth(status: DeliveryStatus): PartHealth {
  const { output, active, pending, oldestPendingAt, lastError, pausedUntil, failedCount } = status;
  const name = output;
  if (pausedUntil !== null && lastError !== null)
    return {
      name,
      state: 'degraded',
      message: `${lastError.message} ${waiting(pending, oldestPendingAt)}.`,
      help: 'It is tried again by itself; nothing is lost.',
    };
  if (failedCount > 0)
    return {
      name,
      state: 'degraded',
      message: `${failedCount} refused for good; ${lastError?.message ?? ''}`.trim(),
      help: 'See GET /api/deliveries?state=failed.',
    };
  return {
    name,
    state: 'fine',
    message: active ? waiting(pending, oldestPendingAt) : 'another replica delivers',
    help: '',
  };
}

function noticesHealth({ waiting: due, lastError, failed }: NoticesStatus): PartHealth {
  const name = 'slack notices';
  const [newest] = failed;
  if (newest !== undefined)
    return {
      name,
      state: 'degraded',
      message: `${failed.length} could not be told within the last day: ${newest.error ?? newest.subject}`,
      help: 'They are not tried again. See GET /api/deliveries?state=failed.',
    };
  if (lastError !== null)
    return {
      name,
      state: 'degraded',
      message: `${lastError.message} ${due} wait(s).`,
      help: 'It is tried again by itself; nothing is lost.',
    };
  return { name, state: 'fine', message: `${due} wait(s)`, help: '' };
}

function silenceHealth({ watched, silent }: SilenceStatus): PartHealth {
  const name = 'arrivals';
  if (silent === 0) return { name, state: 'fine', message: `${watched} account(s) in their rhythm`, help: '' };
  return {
    name,
    state: 'degraded',
    message: `No events come from ${silent} of ${watched} account(s).`,
    help: 'Look at the webhook endpoint in Stripe’s Dashboard, and run `declinewatch doctor`.',
  };
}

function deadLetterHealth(counts: ReadonlyMap<string, number>): PartHealth {
  const name = 'dead letters';
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return { name, state: 'fine', message: 'none waits', help: '' };
  const sources = [...counts].map(([source, count]) => `${count} of ${source}`).join(', ');
  return {
    name,
    state: 'degraded',
    message: `${sources} could not be handled.`,
    help: 'See why with `declinewatch dead-letters list`, then retry or drop them.',
  };
}

const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

function buttonsHealth({ mode, state, connections, lastError, pressedAt }: SlackInboundStatus): PartHealth {
  const name = 'slack buttons';
  const isUp = state === 'running' && (mode === 'http' || connections > 0);
  if (isUp) {
    const way = mode === 'http' ? 'by HTTP' : plural(connections, 'connection');
    // Whether Slack sends clicks at all (Interactivity) is told to no app: only one that arrives shows it.
    const heard =
      pressedAt === null
        ? 'none was pressed since the start: press one to see that Interactivity is on (docs/slack.md)'
        : `last pressed ${utc(pressedAt)}`;
    return { name, state: 'fine', message: `${way}, ${heard}`, help: '' };
  }
  const message = lastError?.message ?? 'No connection yet.';
  return {
    name,
    state: 'degraded',
    message,
    help: 'Clicks cannot arrive. It is tried again by itself; check SLACK_APP_TOKEN and that Socket Mode is on.',
  };
}
