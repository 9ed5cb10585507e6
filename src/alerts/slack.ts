// Slack, both ways, put together: deliveries out, clicks in. Each may fail without the other or anything else noticing.
import type { Logger } from 'pino';
import { type Deliveries, incidentsOf, startDeliveries } from '../deliveries/loop.ts';
import type { DeliveryMetrics, DeliveryStatus } from '../deliveries/status.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { act, submitCommand } from '../feed/submit.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Months } from '../model/month.ts';
import type { Proposals } from '../model/proposal.ts';
import type { Promotion } from '../model/suggestions.ts';
import type { ThroughOf } from './aside.ts';
import { startAsides } from './asides.ts';
import { startBeside } from './beside.ts';
import { erasedHandover, handoverCard } from './blocks-handover.ts';
import { homeBlocks } from './blocks-home.ts';
import type { DeskSources } from './desk-sources.ts';
import { hiddenByMute } from './mute-preview.ts';
import { clickNotice } from './notice-clicks.ts';
import type { NoticesStatus } from './notices.ts';
import type { WouldHaveDone } from './settings-news.ts';
import { createChannels } from './slack-channels.ts';
import { createSlackClient } from './slack-client.ts';
import { type SlackInbound, type SlackInboundStatus, startSlackInbound } from './slack-inbound.ts';
import { createSlackSink } from './slack-sink.ts';
import { answerSlash } from './slash.ts';
import { answerTune } from './tune.ts';

/** As in the configuration. */
type SlackSettings = {
  readonly botToken: string;
  readonly appToken: string | null;
  readonly signingSecret: string | null;
  readonly channel: string;
  readonly testChannel: string | null;
  readonly responders: readonly string[];
  /** Times of the day, UTC (`08:00`), at which the handover card is posted. Absent: never. */
  readonly handoverAt?: readonly string[];
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
  /** What a change of settings would have done. Absent: its announcement does not say it. */
  readonly wouldHaveDone?: WouldHaveDone;
  /** Shadow detectors that could alert. Absent: none is offered. */
  readonly promotions?: () => readonly Promotion[];
  /** Absent: no month is told. */
  readonly months?: Pick<Months, 'over' | 'report'>;
  /** Absent: nothing can be tuned from here. */
  readonly proposals?: Proposals;
} & Pick<DeskSources, 'why' | 'coverage' | 'health'>;

export type Slack = Pick<SlackInbound, 'handle' | 'handleHttp'> & {
  status(): {
    readonly deliveries: DeliveryStatus;
    readonly notices: NoticesStatus;
    readonly inbound: SlackInboundStatus;
  };
  /** Clicks first, then deliveries: what was clicked last is still told if it can be. */
  close(): Promise<void>;
};

export async function startSlack(options: SlackOptions): Promise<Slack> {
  const { settings, log, feed, clock, logger, metrics, proposals } = options;
  const client = createSlackClient({ ...settings, logger });
  const channels = createChannels({ client, clock });
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
    sink: createSlackSink({ ...options, ...settings, client, channels, asideOf: asides.of }),
    clock,
    logger,
    ...(metrics === undefined ? {} : { metrics }),
  });
  deliveries = told;
  const sources: DeskSources = {
    ...options,
    act: async (command) => await act({ feed, log, clock }, command),
    waiting: () => told.status(),
  };
  const beside = await startBeside({
    ...options,
    ...settings,
    at: settings.handoverAt ?? [],
    card: (sinceMs) => handoverCard(sources, sinceMs),
    erasedCard: () => erasedHandover(options.consoleUrl),
    incidents: feed.all,
    client,
    channels,
    isActive: () => told.status().active,
    isOurs: told.isOurs,
  });
  const inbound = startSlackInbound({
    ...settings,
    channels: [settings.channel, ...(settings.testChannel === null ? [] : [settings.testChannel])],
    submit: async (command) => await submitCommand({ log, clock }, command),
    outcome: async (commandId, timeoutMs) => await feed.waitForCommand(commandId, timeoutMs),
    hiddenByMute: (incident) => hiddenByMute(feed, incident, clock.now()),
    ...(proposals === undefined ? {} : { tune: async (ask) => await answerTune({ proposals, feed }, ask) }),
    notice: async (click) => await clickNotice({ ...options, promotions: options.promotions ?? (() => []) }, click),
    slash: async (text, asker) => await answerSlash(text, { sources, asker, handedOverAt: beside.handedOverAt() }),
    home: (userId) => homeBlocks(sources, userId),
    clock,
    logger,
  });
  const unsubscribe = feed.subscribe(({ incident }) => {
    if (incident !== null) inbound.homeChanged();
  });
  return {
    handle: inbound.handle,
    handleHttp: inbound.handleHttp,
    status: () => ({ deliveries: told.status(), notices: beside.status(), inbound: inbound.status() }),
    close: async () => {
      unsubscribe();
      await inbound.close();
      await beside.close();
      await told.close();
      await asides.close();
    },
  };
}
