// A console over real parts for tests: an embedded log, the incident manager, the feed, and one detector in force.
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { type Console, startConsole } from '../../src/console/console.ts';
import type { ConsoleOptions } from '../../src/console/options.ts';
import { readDeliveries } from '../../src/deliveries/receipts.ts';
import { validateChange } from '../../src/detectors/detectors-file.ts';
import type { IncidentFeed } from '../../src/feed/feed.ts';
import { openIncidentFeed } from '../../src/feed/incident-feed.ts';
import { submitCommand } from '../../src/feed/submit.ts';
import { startIncidentManager } from '../../src/incidents/manager.ts';
import { encode } from '../../src/log/codec.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import type { CommandBody } from '../../src/model/commands.ts';
import { type Delivery, deliveryId } from '../../src/model/delivery.ts';
import type { Actor } from '../../src/model/incident.ts';
import { detectorSettings, ENGINE, settingsCommand, T0_MS } from './decider.ts';
import { type HandClock, handClock } from './hand-clock.ts';
import { openTempLog } from './temp-log.ts';

export type ConsoleDesk = {
  readonly console: Console;
  readonly url: string;
  readonly feed: IncidentFeed;
  readonly log: EventLog;
  readonly clock: HandClock;
  /** Appends a command and waits until the feed shows what it did. */
  tell(body: CommandBody, actor?: Actor): Promise<void>;
  deliver(delivery: Delivery): Promise<void>;
  close(): Promise<void>;
};

export type DeskOptions = Partial<ConsoleOptions> & {
  /** Nobody decides: commands are recorded only. */
  readonly isUnmanaged?: boolean;
  /** What needs the desk's own log and feed. */
  readonly more?: (parts: DeskParts) => Promise<DeskMore>;
};

type DeskParts = { readonly log: EventLog; readonly feed: IncidentFeed; readonly clock: HandClock };
type DeskMore = { readonly options: Partial<ConsoleOptions>; readonly close: () => Promise<void> };

const logger = pino({ level: 'silent' });
/** Who sets up the story. */
const FILE: Actor = { kind: 'file', id: 'detectors.yaml', name: 'detectors.yaml' };

export async function openConsoleDesk({
  isUnmanaged = false,
  more,
  ...overrides
}: DeskOptions = {}): Promise<ConsoleDesk> {
  const temp = await openTempLog();
  const { log } = temp;
  const clock = handClock(T0_MS);
  const manager = isUnmanaged ? null : await startIncidentManager({ log, clock, logger });
  const feed = await openIncidentFeed({ log, logger });
  const tell = async (body: CommandBody, actor: Actor = ENGINE): Promise<void> => {
    const id = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = feed.subscribe(({ command, refusal }) => {
      if (command !== id) return;
      if (refusal === null) resolve();
      else reject(new Error(refusal.message));
    });
    try {
      await submitCommand({ log, clock }, { id, actor, body });
      await promise;
    } finally {
      stop();
    }
  };
  if (manager !== null) await tell(settingsCommand(detectorSettings()), FILE);
  const made = more === undefined ? null : await more({ log, feed, clock });
  const closeAll = async (): Promise<void> => {
    await made?.close();
    await feed.close();
    await manager?.close();
    await temp.close();
  };
  const server = await startConsole({
    host: '127.0.0.1',
    port: 0,
    tokens: [],
    feed,
    log,
    clock,
    logger,
    attemptsOf: async ({ evidence }) => evidence.newest,
    deliveriesOf: async (incident) => (await deliveriesIn(log)).filter(({ subject }) => subject === incident),
    failedDeliveries: () => [],
    health: async () => ({ ready: true, parts: [{ name: 'log', state: 'fine', message: 'answers', help: '' }] }),
    metrics: async () => 'declinewatch_up 1\n',
    validateDetector: validateChange,
    preview: () => null,
    demo: null,
    ...made?.options,
    ...overrides,
  }).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  return {
    console: server,
    url: server.url,
    feed,
    log,
    clock,
    tell,
    deliver: async (delivery) => {
      const record = { key: deliveryId(delivery), value: encode('deliveries', delivery), timeMs: delivery.at };
      await log.append('deliveries', [record]);
    },
    close: async () => {
      await server.close();
      await closeAll();
    },
  };
}

async function deliveriesIn(log: EventLog): Promise<readonly Delivery[]> {
  const newest = new Map<string, Delivery>();
  for await (const delivery of readDeliveries(log)) newest.set(deliveryId(delivery), delivery);
  return [...newest.values()];
}
