// A short story with everything in it that may be lost or doubled: twelve declines in two views each, four incidents, an
// acknowledgement, a resolution, growth that must be heard again. What came of it is compared between runs.
import { elementsOf } from './block-kit.ts';
import { eventually } from './eventually.ts';
import type { LocalSheets } from './local-sheets.ts';
import type { LocalSlack } from './local-slack.ts';
import { eventsOf, sendEvent, type Try } from './traffic.ts';

export const STORY_DETECTORS = `
settle: 500ms
detectors:
  - name: card-declines
    title: Declines on one card
    why: A test of crashes.
    count: attempts
    where: outcome == "declined"
    per: card
    window: 10m
    quietFor: 20m
    thresholds: { warning: 3, critical: 6 }
  - name: customer-declines
    title: Declines of one customer
    why: A test of crashes.
    count: attempts
    where: outcome == "declined"
    per: customer
    window: 15m
    quietFor: 30m
    thresholds: { notice: 5, warning: 10 }
`;

/** What a person, an analyst and the servers see in the end; nothing in it depends on when something happened. */
export type Ending = {
  readonly incidents: readonly Readonly<Record<string, unknown>>[];
  /** By incident (detector and entity). */
  readonly messages: Readonly<Record<string, readonly Told[]>>;
  /** Calls that posted something, answered or not. */
  readonly postsReceived: number;
  readonly rows: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
};

/** One message of the channel: what can be pressed on it, and the texts of its thread. */
type Told = { readonly buttons: readonly string[]; readonly thread: readonly string[] };

const STEP_MS = 60_000;

/** Where the program is reached now; one that is down is nowhere. */
export type Addresses = { readonly webhookUrl: string; readonly consoleUrl: string };
export const NOWHERE: Addresses = { webhookUrl: 'http://127.0.0.1:9/', consoleUrl: 'http://127.0.0.1:9' };

export type Stage = {
  readonly slack: LocalSlack;
  readonly sheets: LocalSheets;
  current(): Addresses;
};

/** Tells it from the first decline on, which is dated so, in seconds, and resolves with what came of it. */
export async function tellStory(stage: Stage, startS: number): Promise<Ending> {
  await tell(stage, startS);
  return await endingOf(stage);
}

async function tell(stage: Stage, startS: number): Promise<void> {
  const decline = (index: number, card: string): Try => ({
    at: startS + index * 7,
    charge: `ch_${index}`,
    account: null,
    card,
    customer: 'cus_1',
    email: 'payer@example.com',
    declined: true,
  });
  const send = async (tries: readonly Try[]): Promise<void> => {
    await Promise.all(tries.flatMap(eventsOf).map((event) => sendEvent(() => stage.current().webhookUrl, event)));
  };
  await send([0, 1, 2, 3, 4, 5, 6].map((index) => decline(index, index % 2 === 0 ? 'fp_b' : 'fp_a')));
  await told(stage, 'card-declines fp_a: 3', 'card-declines fp_b: 4', 'customer-declines cus_1: 7');
  await act(stage, 'card-declines fp_a', { action: 'acknowledge', status: 'acknowledged' });
  await act(stage, 'card-declines fp_b', { action: 'resolve', status: 'resolved', body: { verdict: 'fraud' } });
  await send([7, 8, 9, 10, 11].map((index) => decline(index, index % 2 === 0 ? 'fp_b' : 'fp_a')));
  // The attack that grew worse after its resolution has an incident of its own.
  await told(
    stage,
    'card-declines fp_a: 6',
    'card-declines fp_b: resolved',
    'card-declines fp_b: 6',
    'customer-declines cus_1: 12',
  );
}

type Listed = {
  readonly id: string;
  readonly status: string;
  readonly detector: string;
  readonly entity: { readonly value: string };
  readonly attemptCount: number;
} & Readonly<Record<string, unknown>>;

/** How long something took, and how far it had got when it was told, is another matter in each run. */
const timeless = (text: string): string =>
  text
    .replace(/\d+ declines now/, 'more declines now')
    .replace(/\d+ (?:d|h|min|s)\b(?: \d+ (?:h|min|s)\b)?/g, 'a while');

const nameOf = ({ detector, entity }: Listed): string => `${detector} ${entity.value}`;

async function incidents(stage: Stage): Promise<readonly Listed[]> {
  return (await read<{ incidents: Listed[] }>(`${stage.current().consoleUrl}/api/incidents`)).incidents;
}

/** The incidents are these, each with its count, and everything that waits has been told. */
async function told(stage: Stage, ...wanted: readonly string[]): Promise<void> {
  const seen = async (): Promise<readonly string[]> =>
    (await incidents(stage))
      .map((one) => `${nameOf(one)}: ${one.status === 'resolved' ? 'resolved' : one.attemptCount}`)
      .sort();
  await eventually(
    async () => JSON.stringify(await seen()) === JSON.stringify(wanted.toSorted()) && (await isQuiet(stage)),
    { what: `incidents ${wanted.join(', ')}, and told`, withinMs: STEP_MS, told: seen },
  );
}

/** Nothing waits, and both outputs have told of every incident as it stands: they may not have heard of its last change yet. */
async function isQuiet(stage: Stage): Promise<boolean> {
  const { consoleUrl } = stage.current();
  const { parts } = await read<{ parts: readonly { name: string; detail: string }[] }>(`${consoleUrl}/api/status`);
  const said = Object.fromEntries(parts.map(({ name, detail }) => [name, detail]));
  if (said.slack !== '0 wait(s)' || said.sheets !== '0 wait(s)') return false;
  const full = await Promise.all(
    (await incidents(stage)).map(async ({ id }) => await read<Full>(`${consoleUrl}/api/incidents/${id}`)),
  );
  return full.every(({ version, deliveries }) =>
    ['slack', 'sheets'].every((output) =>
      deliveries.some((one) => one.output === output && one.state === 'posted' && one.version >= version),
    ),
  );
}

type Full = {
  readonly version: number;
  readonly deliveries: readonly { readonly output: string; readonly state: string; readonly version: number }[];
};

async function read<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

type Act = { readonly action: string; readonly status: string; readonly body?: object };

/** As a person does: again, until it is so. */
async function act(stage: Stage, name: string, { action, status, body = {} }: Act): Promise<void> {
  await eventually(
    async () => {
      const found = (await incidents(stage)).find((one) => nameOf(one) === name);
      if (found?.status === status) return true;
      const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      await fetch(`${stage.current().consoleUrl}/api/incidents/${found?.id}/${action}`, request);
      return false;
    },
    { what: `${name} ${status}`, withinMs: STEP_MS },
  );
}

async function endingOf(stage: Stage): Promise<Ending> {
  const { slack, sheets } = stage;
  const all = await incidents(stage);
  const named = new Map(all.map((one) => [one.id, nameOf(one)]));
  const plain = (text: string): string => text.replace(/INC-\d+/g, (id) => named.get(id) ?? id);
  const messages: Record<string, Told[]> = {};
  for (const { ts, thread_ts, metadata, blocks = [] } of await slack.messages(slack.channels.alerts)) {
    if (thread_ts !== undefined) continue;
    const thread = await slack.thread(slack.channels.alerts, ts);
    const buttons = blocks
      .flatMap(elementsOf)
      .flatMap(({ action_id }) => (typeof action_id === 'string' ? [action_id] : []));
    const name = named.get(String(metadata?.event_payload.incident)) ?? 'no incident';
    messages[name] ??= [];
    messages[name].push({ buttons, thread: thread.map(({ text }) => timeless(plain(text))) });
  }
  const rows: Record<string, Readonly<Record<string, unknown>>[]> = {};
  for (const id of sheets.incidentIds()) {
    const row = sheets.hands.row('Incidents', id);
    const { Status, Severity, Peak, Attempts, Resolution, Title } = row;
    const figures = Status === 'resolved' ? {} : { Severity, Peak, Attempts };
    const name = named.get(id) ?? id;
    rows[name] ??= [];
    rows[name].push({ Status, Resolution, Title, ...figures });
  }
  return {
    incidents: inOrder(all.map((one) => outcomeOf(one, plain))),
    messages: orderedValues(messages),
    postsReceived: slack.calls('chat.postMessage').length,
    rows: orderedValues(rows),
  };
}

/** What came first depends on the run. */
const inOrder = <T>(all: readonly T[]): readonly T[] =>
  all.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

const orderedValues = <T>(all: Readonly<Record<string, readonly T[]>>): Record<string, readonly T[]> =>
  Object.fromEntries(Object.entries(all).map(([name, values]) => [name, inOrder(values)]));

function outcomeOf(one: Listed, plain: (text: string) => string): Readonly<Record<string, unknown>> {
  const { status, severity, peak, attemptCount, kind, mode, late, exact, mergedInto } = one;
  const by = (what: unknown): unknown => (what as { by?: unknown } | null)?.by ?? null;
  const verdict = (one.resolved as { verdict?: unknown } | null)?.verdict ?? null;
  // With how many views it had grown before it was too much for the resolved one depends on the batches.
  const figures = status === 'resolved' ? {} : { severity, peak, attemptCount };
  return {
    name: nameOf(one),
    ...{ status, ...figures, kind, mode, late, exact, mergedInto, verdict },
    continues: one.continues === null ? null : plain(String(one.continues)),
    acknowledgedBy: by(one.acknowledged),
    resolvedBy: by(one.resolved),
  };
}
