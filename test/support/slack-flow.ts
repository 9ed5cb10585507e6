// From a detector's report to Slack and back: the real manager, feed, delivery loop and Bolt over one log.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { type Slack, type SlackOptions, startSlack } from '../../src/alerts/slack.ts';
import type { IncidentFeed } from '../../src/feed/feed.ts';
import { openIncidentFeed } from '../../src/feed/incident-feed.ts';
import { submitCommand } from '../../src/feed/submit.ts';
import { startIncidentManager } from '../../src/incidents/manager.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import type { Change, CommandBody } from '../../src/model/commands.ts';
import type { ReportedEpisode } from '../../src/model/episode.ts';
import type { Proposals } from '../../src/model/proposal.ts';
import { createProposals } from '../../src/tuning/proposals.ts';
import { detectorSettings, ENGINE, episode, report, settingsCommand } from './decider.ts';
import { eventually } from './eventually.ts';
import type { LocalSlack } from './local-slack.ts';
import type { TempLog } from './temp-log.ts';

export type SlackFlow = {
  readonly slack: Slack;
  readonly feed: IncidentFeed;
  readonly proposals: Proposals;
  /** Appends the command and waits until it is decided. */
  ask(body: CommandBody): Promise<Change>;
  /** An attack on a card as the detectors report it; answers the incident's id. */
  attack(card: string, facts?: Partial<ReportedEpisode>): Promise<string>;
  /** The alert as it stands in the channel; '' if there is none. */
  alertOf(incident: string): Promise<string>;
  close(): Promise<void>;
};

export type FlowOptions = Partial<Omit<SlackOptions, 'settings' | 'log' | 'feed'>> & {
  readonly mode?: 'http' | 'socket';
  readonly responders?: readonly string[];
  readonly channel?: string;
  readonly handoverAt?: readonly string[];
  /** What proposals read the past from. Default: the log. */
  readonly readable?: EventLog;
};

const logger = pino({ level: 'silent' });

export async function startSlackFlow(
  local: LocalSlack,
  { log }: TempLog,
  options: FlowOptions = {},
): Promise<SlackFlow> {
  const {
    mode = 'http',
    responders = [],
    channel = local.channels.alerts,
    handoverAt = [],
    readable = log,
    ...more
  } = options;
  const clock: Clock = options.clock ?? systemClock;
  const closing: (() => Promise<unknown>)[] = [];
  const manager = await startIncidentManager({ log, clock, logger });
  closing.push(manager.close);
  const feed = await openIncidentFeed({ log, logger });
  closing.push(feed.close);
  const proposals = createProposals({ log: readable, feed, piiKey: 'a key', clock, logger });
  closing.push(proposals.close);
  const slack = await startSlack({
    settings: {
      botToken: local.botToken(),
      appToken: mode === 'socket' ? local.appToken : null,
      signingSecret: local.signingSecret,
      channel,
      testChannel: null,
      responders,
      handoverAt,
      apiUrl: local.apiUrl,
    },
    log,
    feed,
    consoleUrl: 'http://127.0.0.1:4243',
    proposals,
    logger,
    ...more,
    clock,
  });
  closing.push(slack.close);
  if (mode === 'http') {
    const server = createServer((req, res) => void slack.handleHttp(req, res));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(async () => await new Promise((resolve) => server.close(resolve)));
    local.setRequestUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`);
  }
  const isUp = (): boolean => {
    const { state, connections } = slack.status().inbound;
    return state === 'running' && (mode === 'http' || connections > 0);
  };
  await eventually(async () => isUp(), { what: 'Bolt is up', withinMs: 20_000 });
  let asked = 0;
  let sent = 0;
  const ask: SlackFlow['ask'] = async (body) => {
    sent += 1;
    const id = `flow-${sent}`;
    const changes: Change[] = [];
    const stop = feed.subscribe((change) => {
      if (change.command === id && change.position.index === 0) changes.push(change);
    });
    await submitCommand({ log, clock }, { id, actor: ENGINE, body });
    const change = await eventually(() => changes[0] ?? null, { what: `${body.type} decided`, withinMs: 20_000 });
    stop();
    return change;
  };
  const attack: SlackFlow['attack'] = async (card, facts = {}) => {
    const nowS = Math.floor(clock.now() / 1000);
    const recent = { firstAttemptAt: nowS - 20, lastAttemptAt: nowS, firstBreachAt: nowS - 10, lastBreachAt: nowS };
    asked += 1;
    const entity = { kind: 'card', value: card, label: `visa •••• ${card}` } as const;
    const range = { fromS: nowS - 259_200, toS: null };
    const change = await ask(report(asked, [episode(0, 0, { ...recent, ...facts })], { entity, range }));
    return change.incident?.id ?? '';
  };
  await ask(settingsCommand(detectorSettings({ settleMs: 0 })));
  return {
    slack,
    feed,
    proposals,
    ask,
    attack,
    alertOf: async (incident) => {
      const found = (await local.messages(channel)).find(
        (message) => message.metadata?.event_payload.incident === incident && message.thread_ts === undefined,
      );
      return found?.text ?? '';
    },
    close: async () => {
      for (const close of closing.reverse()) await close();
    },
  };
}
