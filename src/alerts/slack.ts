// Slack, both ways, put together: deliveries out, clicks in. Each may fail without the other or anything else noticing.
import type { Logger } from 'pino';
import { type Deliveries, incidentsOf, startDeliveries } from '../deliveries/loop.ts';
import type { DeliveryMetrics, DeliveryStatus } from '../deliveries/status.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { submitCommand } from '../feed/submit.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { plural } from '../model/words.ts';
import type { ThroughOf } from './aside.ts';
import { startAsides } from './asides.ts';
import { createSlackClient } from './slack-client.ts';
import { type SlackInbound, type SlackInboundStatus, startSlackInbound } from './slack-inbound.ts';
import { createSlackSink } from './slack-sink.ts';

/** As in the configuration. */
type SlackSettings = {
  readonly botToken: string;
  readonly appToken: string | null;
  readonly signingSecret: string | null;
  readonly channel: string;
  readonly testChannel: string | null;
  readonly responders: readonly string[];
  readonly apiUrl: string | null;
};

export type SlackOptions = {
  readonly settings: SlackSettings;
  readonly log: EventLog;
  readonly feed: IncidentFeed;
  /** The console's root without a slash at its end. */
  readonly consoleUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: DeliveryMetrics;
  /** What got through on an incident's entity. Absent: alerts do not say it. */
  readonly throughOf?: ThroughOf;
  /** Address of an incident's row in the sheet; null: none yet. */
  readonly rowUrlOf?: (incident: string) => string | null;
};

export type Slack = Pick<SlackInbound, 'handle' | 'handleHttp'> & {
  status(): { readonly deliveries: DeliveryStatus; readonly inbound: SlackInboundStatus };
  /** Clicks first, then deliveries: what was clicked last is still told if it can be. */
  close(): Promise<void>;
};

const DAY_MS = 86_400_000;
const LOOKED_BACK_DAYS = 30;
const MOST_COUNTED = 500;

export async function startSlack(options: SlackOptions): Promise<Slack> {
  const { settings, log, feed, clock, logger, metrics } = options;
  const client = createSlackClient({ ...settings, logger });
  let deliveries: Deliveries | null = null;
  const asides = startAsides({
    throughOf: options.throughOf ?? (async () => null),
    rowUrlOf: options.rowUrlOf ?? (() => null),
    all: feed.all,
    get: feed.get,
    onNews: (incident) => deliveries?.refresh(incident),
    clock,
    logger,
  });
  const told = await startDeliveries({
    output: 'slack',
    log,
    incidents: incidentsOf(feed),
    sink: createSlackSink({ ...options, ...settings, client, asideOf: asides.of }),
    clock,
    logger,
    ...(metrics === undefined ? {} : { metrics }),
  });
  deliveries = told;
  const inbound = startSlackInbound({
    ...settings,
    submit: async (command) => await submitCommand({ log, clock }, command),
    outcome: async (commandId, timeoutMs) => await feed.waitForCommand(commandId, timeoutMs),
    hiddenByMute: (incident) => hiddenByMute(feed, incident, clock.now()),
    clock,
    logger,
  });
  return {
    handle: inbound.handle,
    handleHttp: inbound.handleHttp,
    status: () => ({ deliveries: told.status(), inbound: inbound.status() }),
    close: async () => {
      await inbound.close();
      await told.close();
      await asides.close();
    },
  };
}

/** A sentence on what a mute of this incident's (detector, entity) would have hidden; null for an unknown incident. */
function hiddenByMute(feed: Pick<IncidentFeed, 'get' | 'list'>, id: string, nowMs: number): string | null {
  const incident = feed.get(id);
  if (incident === null) return null;
  const { detector, entity, account, livemode } = incident;
  const since = nowMs - LOOKED_BACK_DAYS * DAY_MS;
  const { incidents, next } = feed.list({ detector, entity, account, livemode, since, limit: MOST_COUNTED });
  const count = `${next === null ? '' : 'more than '}${plural(incidents.length, 'incident')}`;
  return `In the last ${LOOKED_BACK_DAYS} days it would have hidden ${count}, this one included.`;
}
