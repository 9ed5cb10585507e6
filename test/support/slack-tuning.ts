// Slack with a past to tune on: two cards with declines in the log, settings that are changed, and what one person alone hears.
import { expect } from 'vitest';
import type { EventLog } from '../../src/log/event-log.ts';
import type { DetectorSettings } from '../../src/model/detector.ts';
import { detectorSettings, settingsCommand } from './decider.ts';
import { append, view } from './detect.ts';
import type { LocalSlack, SlackUser } from './local-slack.ts';
import { type FlowOptions, type SlackFlow, startSlackFlow } from './slack-flow.ts';
import type { TempLog } from './temp-log.ts';

export const APPLY = 'apply-proposal';
export const DISCARD = 'discard-proposal';

/** Two declines on one card and four on another, an hour ago. */
export async function startWithPast(slack: LocalSlack, temp: TempLog, options: FlowOptions = {}): Promise<SlackFlow> {
  const flow = await startSlackFlow(slack, temp, options);
  const nowS = Math.floor((options.clock?.now() ?? Date.now()) / 1000);
  const tries = (card: string, count: number) =>
    Array.from({ length: count }, (_, i) => view(`ch_${card}_${i}`, nowS - 3_600 + i, { fields: { card } }));
  await append(temp.log, ...tries('a', 2), ...tries('b', 4));
  return flow;
}

export const inForce = ({ feed }: SlackFlow) => feed.settings().find(({ rule }) => rule.detector === 'card-declines');

/** Another version of `card-declines`. */
export async function settle(flow: SlackFlow, changed: Partial<DetectorSettings>): Promise<void> {
  const basedOn = inForce(flow)?.rule.version ?? 0;
  await flow.ask(settingsCommand(detectorSettings({ settleMs: 0, ...changed }), { basedOn }));
}

/** Until the person alone has heard it. */
export async function said(slack: LocalSlack, user: SlackUser, wanted: RegExp | string): Promise<void> {
  const heard = (): string =>
    slack.responses
      .filter((one) => one.user === user.id)
      .map(({ body }) => String(body.text))
      .join('\n');
  await expect.poll(heard, { timeout: 15_000, interval: 20 }).toMatch(wanted);
}

/** A log whose attempts are read only once they are released: a month that takes its time. */
export function slowToRead(log: EventLog): { readonly readable: EventLog; readonly release: () => void } {
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
  const read: EventLog['read'] = async function* (topic, ...range) {
    if (topic === 'attempts') await isReleased;
    yield* log.read(topic, ...range);
  };
  return { readable: { ...log, read }, release };
}
