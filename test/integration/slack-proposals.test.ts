// The message in the channel of a proposal that waits for somebody: posted once, decided by a click or elsewhere, edited then.
// The real manager, proposals and Bolt, against the local Slack, the clock moved by hand.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/model/incident.ts';
import { eventually } from '../support/eventually.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { type LocalSlack, type SlackUser, startLocalSlack } from '../support/local-slack.ts';
import type { FlowOptions, SlackFlow } from '../support/slack-flow.ts';
import { APPLY, DISCARD, inForce, said, settle, slowToRead, startWithPast } from '../support/slack-tuning.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const until = { timeout: 15_000, interval: 20 };
const SHEET: Actor = { kind: 'sheet', id: 'sheet', name: 'the sheet' };

let slack: LocalSlack;
let temp: TempLog;
let clock: HandClock;
let flow: SlackFlow;
const flows: SlackFlow[] = [];

beforeEach(async () => {
  slack = await startLocalSlack();
  temp = await openTempLog();
  clock = handClock(Math.floor(Date.now() / 1000) * 1000);
});

afterEach(async () => {
  for (const one of flows.splice(0)) await one.close();
  await temp.close();
  await slack.close();
});

async function start(options: FlowOptions = {}): Promise<void> {
  flow = await startWithPast(slack, temp, { mode: 'socket', clock, ...options });
  flows.push(flow);
}

/**
 * Moves the clock on, a second at a time, until it is so; after a while it only waits, so that signatures over HTTP, good for
 * five minutes of this clock, stay good however slow the machine is.
 */
async function movedUntil(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  let leftS = 100;
  await eventually(
    async () => {
      if (await isSo()) return true;
      leftS -= 1;
      if (leftS > 0) clock.advance(1_000);
      return false;
    },
    { what, withinMs: 30_000, everyMs: 30 },
  );
}
const propose = async (change: object, by = SHEET): Promise<string> => {
  const basedOn = inForce(flow)?.rule.version ?? 0;
  const { id } = await flow.proposals.propose({ detector: 'card-declines', change: { ...change }, basedOn, by });
  await expect.poll(() => flow.proposals.get(id)?.state, until).toBe('proposed');
  return id;
};
const subjectOf = (id: string): string => `proposal:${id}`;
const messagesOf = async (id: string) => {
  const all = await slack.messages(slack.channels.alerts);
  return all.filter(({ metadata }) => metadata?.event_payload.incident === subjectOf(id));
};
const textOf = async (id: string): Promise<string> => (await messagesOf(id))[0]?.text ?? '';
const isTold = async (id: string): Promise<void> =>
  await movedUntil('the message is there', async () => (await messagesOf(id)).length > 0);
const becomes = async (id: string, wanted: string): Promise<void> =>
  await movedUntil(`the message says ${wanted}`, async () => (await textOf(id)).includes(wanted));
const press = async (id: string, action: string, user: SlackUser) =>
  await slack.press({ channel: slack.channels.alerts, incident: subjectOf(id), action, user });
const postsOf = (id: string) =>
  slack.calls('chat.postMessage').filter(({ body }) => JSON.stringify(body.metadata).includes(`proposal:${id}`));

describe('the message of a proposal', () => {
  it.each(['http', 'socket'] as const)(
    'over %s: says who asks and what it would have done, and a click applies it',
    async (mode) => {
      await start({ mode });
      const id = await propose({ thresholds: { warning: 2 } });
      await isTold(id);
      expect(await textOf(id)).toMatch(
        /^Proposed for card-declines\nBy somebody in the sheet\.\n• warning 3 → 2\nWhat it would have done: 1 → 2 incidents in 30 days/,
      );
      slack.setMembers(slack.channels.alerts, [slack.users.ana.id]);
      await press(id, APPLY, slack.users.bo);
      await said(slack, slack.users.bo, 'members of the channel');
      const [before] = await messagesOf(id);
      await press(id, APPLY, slack.users.ana);
      await becomes(id, 'Applied by ana');
      expect(inForce(flow)).toMatchObject({ rule: { version: 2 }, actor: { name: 'ana' }, proposedBy: SHEET });
      expect(JSON.stringify((await messagesOf(id))[0]?.blocks)).not.toContain(APPLY);
      await slack.pressStale({ message: before, incident: id, action: DISCARD, user: slack.users.ana });
      await said(slack, slack.users.ana, 'It was applied already by ana. Nothing was changed.');
      expect(inForce(flow)?.rule.version).toBe(2);
      expect(postsOf(id)).toHaveLength(1);
    },
  );

  it('asks somebody else where a second person is needed, also of what was made in Slack', async () => {
    await start();
    await settle(flow, { approval: 'loosening' });
    const id = await propose({ mode: 'shadow' }, { kind: 'slack', id: slack.users.ana.id, name: 'ana' });
    await isTold(id);
    expect(await textOf(id)).toContain('Somebody else than ana must apply it.');
    await press(id, APPLY, slack.users.ana);
    await said(slack, slack.users.ana, 'Ana proposed it, so somebody else must apply it.');
    expect(flow.proposals.get(id)?.state).toBe('proposed');
    await press(id, APPLY, slack.users.bo);
    await becomes(id, 'Applied by bo');
    expect(inForce(flow)).toMatchObject({
      rule: { version: 3, settings: { mode: 'shadow' } },
      actor: { name: 'bo' },
      proposedBy: { name: 'ana' },
    });
  });

  it('says how it was decided elsewhere, or overtaken', async () => {
    await start();
    const first = await propose({ mode: 'shadow' });
    await isTold(first);
    await flow.proposals.discard(first, { kind: 'console', id: 'cleo', name: 'cleo' });
    await becomes(first, 'Discarded by cleo');
    const second = await propose({ mode: 'off' }, { kind: 'cli', id: 'local', name: 'cli' });
    await isTold(second);
    expect(await textOf(second)).toContain('By somebody at the command line.');
    await settle(flow, { thresholds: { warning: 5, critical: 9 } });
    await becomes(second, 'No longer possible: card-declines is at version 2');
    expect([...postsOf(first), ...postsOf(second)]).toHaveLength(2);
  });

  it('is not there of what was decided at once, nor of what one tries in a form', async () => {
    await start();
    const decided = await propose({ mode: 'off' });
    await flow.proposals.discard(decided, SHEET);
    const tried = await propose({ window: '20m' }, { kind: 'slack', id: slack.users.ana.id, name: 'ana' });
    const told = await propose({ mode: 'shadow' });
    await isTold(told);
    await press(told, DISCARD, slack.users.bo);
    await becomes(told, 'Discarded by bo');
    expect([...postsOf(decided), ...postsOf(tried)]).toEqual([]);
  });

  it('is posted once although the answer is lost, and a click after a restart decides it', async () => {
    await start();
    slack.fault({ method: 'chat.postMessage', kind: 'lost', times: 1 });
    const id = await propose({ mode: 'shadow' });
    await isTold(id);
    await press(id, DISCARD, slack.users.bo);
    await becomes(id, 'Discarded by bo');
    expect(await messagesOf(id)).toHaveLength(1);
    const other = await propose({ mode: 'off' });
    await isTold(other);
    const [message] = await messagesOf(other);
    await flows.splice(0)[0]?.close();
    await start();
    await press(other, APPLY, slack.users.ana);
    await becomes(other, 'Applied by ana');
    expect(inForce(flow)).toMatchObject({ rule: { version: 2, settings: { mode: 'off' } }, proposedBy: SHEET });
    await slack.pressStale({ message, incident: other, action: DISCARD, user: slack.users.bo });
    await said(slack, slack.users.bo, 'It was applied already by ana. Nothing was changed.');
    expect(inForce(flow)?.rule.version).toBe(2);
    expect(postsOf(other)).toHaveLength(1);
  });

  it('is told after a restart that came before it was read, and of what is forgotten the clicker alone hears', async () => {
    const { readable, release } = slowToRead(temp.log);
    await start({ readable });
    const asked = { detector: 'card-declines', change: { mode: 'shadow' }, basedOn: 1, by: SHEET };
    const { id, state } = await flow.proposals.propose(asked);
    expect(state).toBe('reading');
    const stopped = flow.proposals.close();
    release();
    await stopped;
    await flows.splice(0)[0]?.close();
    expect(flow.feed.proposal(id)?.state).toBe('reading');
    await start();
    await isTold(id);
    expect(await textOf(id)).toContain('incidents in 30 days');
    const [message] = await messagesOf(id);
    const unknown = JSON.parse(JSON.stringify(message).replaceAll(id, '00000000deadbeef'));
    await slack.pressStale({ message: unknown, incident: '00000000deadbeef', action: APPLY, user: slack.users.ana });
    await said(slack, slack.users.ana, 'This proposal is not known any more');
    expect(inForce(flow)?.rule.version).toBe(1);
  });
});
