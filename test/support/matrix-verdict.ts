// What became of a cell's traffic: incidents missed or too many, messages and rows missed or doubled, and how long the
// slowest alert took, against what the traffic must give by brute force.
import { PII_KEY } from './installation.ts';
import type { Site } from './matrix-site.ts';
import { type Expected, emailHash, expectedEpisodes, keyOf, type Try } from './traffic.ts';

/** An event's try, and when Stripe sent it for the first time. */
export type Offered = { readonly one: Try; readonly at: number };

export type Verdict = {
  readonly expected: number;
  /** Incidents that lack or are wrong, incidents without a message or a row. */
  readonly missed: readonly string[];
  /** Incidents too many, further messages or rows of one incident. */
  readonly doubled: readonly string[];
  /** From the event that made the breach to the post. */
  readonly longestMs: number;
  readonly possiblyDuplicate: number;
};

type Listed = Expected & { readonly id: string; readonly status: string; readonly entity: { readonly value: string } };

const HASH = emailHash(PII_KEY);

export async function judge(site: Site, offered: readonly Offered[]): Promise<Verdict> {
  const tries = [...new Set(offered.map(({ one }) => one))];
  const expected = new Map(expectedEpisodes(tries, HASH).map((one) => [keyOf(one), one]));
  const incidents = await listIncidents(site.consoleUrl());
  const open = incidents.filter(({ status }) => status === 'open');
  const found = Map.groupBy(open, (one) => keyOf({ ...one, entity: one.entity.value }));
  const messages = await messagesByIncident(site);
  const rows = countOf(site.sheets.incidentIds());
  const missed = [...expected].flatMap(([key, one]) => {
    const [incident] = found.get(key) ?? [];
    if (incident === undefined) return [`incident ${key}`];
    const differences = differing(one, incident).map((field) => `${field} of ${key}`);
    const message = messages.has(incident.id) ? [] : [`message of ${key}`];
    return [...differences, ...message];
  });
  const rowless = incidents.filter(({ id }) => !rows.has(id)).map(({ id }) => `row of ${id}`);
  const extra = [...found].flatMap(([key, some]) => some.slice(expected.has(key) ? 1 : 0).map(() => `incident ${key}`));
  const twice = [
    ...[...messages].filter(([, count]) => count > 1).map(([id, count]) => `${count} messages of ${id}`),
    ...[...rows].filter(([, count]) => count > 1).map(([id, count]) => `${count} rows of ${id}`),
  ];
  return {
    expected: expected.size,
    missed: [...missed, ...rowless],
    doubled: [...extra, ...twice],
    longestMs: longestDelay(site, offered, open),
    possiblyDuplicate: await possiblyDuplicate(site.consoleUrls()),
  };
}

function differing(expected: Expected, incident: Listed): readonly string[] {
  const fields = ['severity', 'peak', 'attemptCount', 'firstAttemptAt', 'lastAttemptAt', 'lastBreachAt'] as const;
  return fields.filter((field) => expected[field] !== incident[field]);
}

async function listIncidents(consoleUrl: string): Promise<readonly Listed[]> {
  const all: Listed[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const answer = await fetch(`${consoleUrl}/api/incidents?limit=200${after === '' ? '' : `&after=${after}`}`);
    const page = (await answer.json()) as { incidents: Listed[]; next: string | null };
    all.push(...page.incidents);
    after = page.next;
  }
  return all;
}

async function messagesByIncident({ slack }: Site): Promise<Map<string, number>> {
  const all = await slack.messages(slack.channels.alerts);
  return countOf(all.flatMap(({ metadata, thread_ts }) => (thread_ts === undefined ? [incidentOf(metadata)] : [])));
}

const incidentOf = (metadata: unknown): string =>
  String((metadata as { event_payload?: { incident?: unknown } } | undefined)?.event_payload?.incident);

const countOf = (ids: readonly string[]): Map<string, number> =>
  new Map([...Map.groupBy(ids, (id) => id)].map(([id, some]) => [id, some.length]));

/** Of each key its first alert, from the event with which its first episode came to be. */
function longestDelay({ slack }: Site, offered: readonly Offered[], open: readonly Listed[]): number {
  const breachedAt = new Map<string, number>();
  const seen = new Set<Try>();
  for (const { one, at } of offered) {
    if (seen.has(one)) continue;
    seen.add(one);
    for (const episode of expectedEpisodes([...seen], HASH)) {
      const key = entityKey(episode);
      if (!breachedAt.has(key)) breachedAt.set(key, at);
    }
  }
  const postedAt = new Map<string, number>();
  for (const { body, at } of slack.calls('chat.postMessage')) {
    const incident = open.find(({ id }) => id === incidentOf(body.metadata));
    if (incident === undefined) continue;
    const key = entityKey({ ...incident, entity: incident.entity.value });
    if (!postedAt.has(key)) postedAt.set(key, at);
  }
  const delays = [...breachedAt].map(([key, at]) => (postedAt.get(key) ?? at) - at);
  return Math.max(0, ...delays);
}

const entityKey = ({ detector, account, entity }: Pick<Expected, 'detector' | 'account' | 'entity'>): string =>
  [detector, account ?? '', entity].join('|');

/** As the processes count it themselves. */
async function possiblyDuplicate(consoleUrls: readonly string[]): Promise<number> {
  const texts = await Promise.all(consoleUrls.map(async (url) => await (await fetch(`${url}/metrics`)).text()));
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => COUNTER.test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const COUNTER = /^declinewatch_deliveries_total\{.*possibly_duplicate/;
