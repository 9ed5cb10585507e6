// One log with incidents that a test appends by hand, and the Slack output following it: deliveries and clicks over the
// real client and the real Bolt, against the local Slack.
import { pino } from 'pino';
import { createSlackClient } from '../../src/alerts/slack-client.ts';
import { createSlackSink, type SlackSinkOptions } from '../../src/alerts/slack-sink.ts';
import { startDeliveries } from '../../src/deliveries/loop.ts';
import { readDeliveries } from '../../src/deliveries/receipts.ts';
import type { Sink } from '../../src/deliveries/sink.ts';
import { encode } from '../../src/log/codec.ts';
import { systemClock } from '../../src/model/clock.ts';
import { type Delivery, deliveryId } from '../../src/model/delivery.ts';
import type { Incident } from '../../src/model/incident.ts';
import type { LocalSlack } from './local-slack.ts';
import { changeTo } from './sample-incident.ts';
import { openTempLog } from './temp-log.ts';

export type Desk = Awaited<ReturnType<typeof openDesk>>;

const logger = pino({ level: 'silent' });

export async function openDesk(slack: LocalSlack) {
  const temp = await openTempLog();
  const { log } = temp;
  const states = new Map<string, Incident>();
  let offset = 0;
  const sinkOf = (channel = slack.channels.alerts, more: Partial<SlackSinkOptions> = {}): Sink =>
    createSlackSink({
      client: createSlackClient({ botToken: slack.botToken(), apiUrl: slack.apiUrl, logger, timeoutMs: 1_000 }),
      channel,
      testChannel: slack.channels.test,
      consoleUrl: 'http://127.0.0.1:4243',
      clock: systemClock,
      logger,
      everyMs: 20,
      ...more,
    });
  const running = new Set<{ close(): Promise<void> }>();
  return {
    log,
    states,
    /** Appends this state of the incident, as the manager would. */
    put: async (incident: Incident): Promise<void> => {
      states.set(incident.id, incident);
      offset += 1;
      const value = encode('incidents', changeTo(incident, offset));
      await log.append('incidents', [{ key: incident.id, value, timeMs: incident.updatedAt }]);
    },
    sinkOf,
    start: async ({ sink = sinkOf(), recheckMs = 100 }: { sink?: Sink; recheckMs?: number } = {}) => {
      const incidents = async () => [...states.values()];
      const deliveries = await startDeliveries({
        output: 'slack',
        log,
        incidents,
        sink,
        clock: systemClock,
        logger,
        recheckMs,
      });
      running.add(deliveries);
      return deliveries;
    },
    receipts: async (): Promise<readonly Delivery[]> => {
      const newest = new Map<string, Delivery>();
      for await (const delivery of readDeliveries(log)) newest.set(deliveryId(delivery), delivery);
      return [...newest.values()];
    },
    close: async (): Promise<void> => {
      for (const one of running) await one.close();
      await temp.close();
    },
  };
}
