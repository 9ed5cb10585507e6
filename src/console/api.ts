// The API of design §7, for programs and for the CLI. Each route is a few lines: what it means stands in its own module.
import { Hono } from 'hono';
import type { Delivery } from '../model/delivery.ts';
import { incidentJson } from '../model/incident.ts';
import { isActionName, parseAction } from './action-body.ts';
import { askDetector, askIncident, type Desk, detailOf, findIncident } from './desk.ts';
import { countsByDetector, detectorJson, detectorSummary, noCounts } from './detector-json.ts';
import { httpError } from './errors.ts';
import { type ConsoleContext, type ConsoleEnv, callerOf } from './guard.ts';
import { statusJson } from './health.ts';
import { parseIncidentQuery } from './incident-query.ts';
import type { ConsoleOptions, Operation } from './options.ts';
import type { Streams } from './stream.ts';

export type ApiParts = Pick<ConsoleOptions, 'failedDeliveries' | 'health' | 'operations'> & {
  readonly desk: Desk;
  readonly streams: Streams;
};

export function createApi({ desk, streams, failedDeliveries, health, operations = [] }: ApiParts): Hono<ConsoleEnv> {
  const api = new Hono<ConsoleEnv>();
  incidentRoutes(api, desk);
  detectorRoutes(api, desk);
  muteRoutes(api, desk);
  api.get('/deliveries', (c) => {
    const { state = 'failed' } = onlyParameters(c, ['state']);
    if (state !== 'failed') throw badParameter('state', 'is failed: what was delivered stands with its incident');
    return c.json({ deliveries: failedDeliveries().map(deliveryJson) });
  });
  api.get('/status', async (c) => c.json(statusJson(await health())));
  api.get('/stream', (c) => streams.open(c.req.raw.signal));
  for (const operation of operations) operationRoute(api, operation);
  return api;
}

function operationRoute(api: Hono<ConsoleEnv>, { method, path, run }: Operation): void {
  api.on(method, path, async (c) => {
    const query = new URL(c.req.url).searchParams;
    const request = { query, actor: callerOf(c).actor, signal: c.req.raw.signal };
    const answer = await run({ ...request, body: method === 'GET' ? undefined : await jsonBody(c) });
    return c.json(answer.body, answer.status);
  });
}

function incidentRoutes(api: Hono<ConsoleEnv>, desk: Desk): void {
  const { feed, clock, consoleUrl } = desk;
  api.get('/incidents', (c) => {
    const { incidents, next } = feed.list(parseIncidentQuery(new URL(c.req.url).searchParams, clock.now()));
    return c.json({ incidents: incidents.map((incident) => incidentJson(incident, consoleUrl)), next });
  });
  api.get('/incidents/:id', async (c) => c.json(await detailOf(desk, await findIncident(desk, c.req.param('id')))));
  api.post('/incidents/:id/:action', async (c) => {
    const { id, action } = c.req.param();
    if (!isActionName(action)) throw notFound();
    const body = parseAction({ action, incident: id, body: await jsonBody(c), now: clock.now() });
    const asked = await askIncident(desk, callerOf(c).actor, body);
    if (asked.outcome === 'pending') return c.json({ command: asked.command }, 202);
    return c.json(incidentJson(asked.incident ?? (await findIncident(desk, id)), consoleUrl));
  });
}

function detectorRoutes(api: Hono<ConsoleEnv>, desk: Desk): void {
  const { feed } = desk;
  api.get('/detectors', (c) => {
    const counts = countsByDetector(feed.all());
    const detectors = feed
      .settings()
      .map((accepted) => detectorSummary(accepted, counts.get(accepted.rule.detector) ?? noCounts()));
    return c.json({ detectors });
  });
  api.get('/detectors/:name', (c) => c.json(detectorOf(desk, c.req.param('name'))));
  api.put('/detectors/:name', async (c) => {
    const name = c.req.param('name');
    const asked = await askDetector(desk, name, { actor: callerOf(c).actor, body: await jsonBody(c) });
    return asked.outcome === 'pending' ? c.json({ command: asked.command }, 202) : c.json(detectorOf(desk, name));
  });
}

function muteRoutes(api: Hono<ConsoleEnv>, desk: Desk): void {
  const { feed, clock } = desk;
  api.get('/mutes', (c) => {
    onlyParameters(c, []);
    const mutes = feed
      .mutes(clock.now())
      .map(({ until, ...mute }) => ({ ...mute, until: new Date(until).toISOString() }));
    return c.json({ mutes });
  });
  // A mute is named by an incident of its detector and entity, as the list gives it.
  api.delete('/mutes', async (c) => {
    const { incident } = onlyParameters(c, ['incident']);
    if (incident === undefined) throw badParameter('incident', 'is missing: an incident that is muted, e.g. INC-12');
    const asked = await askIncident(desk, callerOf(c).actor, { type: 'mute', incident, until: null });
    if (asked.outcome === 'pending') return c.json({ command: asked.command }, 202);
    return c.json(incidentJson(asked.incident ?? (await findIncident(desk, incident)), desk.consoleUrl));
  });
}

function detectorOf({ feed }: Desk, name: string) {
  const found = detectorJson(feed, name);
  if (found === null)
    throw httpError('not_found', 'There is no such detector.', { help: 'Look at the list of detectors.' });
  return found;
}

const deliveryJson = ({ output, subject, slot, state, version, at, place, error, tries }: Delivery) => ({
  output,
  incident: subject,
  slot,
  state,
  version,
  at: new Date(at).toISOString(),
  url: place?.url ?? null,
  error,
  tries,
});

/** Undefined: nothing was sent. Throws invalid_request. */
async function jsonBody(c: ConsoleContext): Promise<unknown> {
  const text = await c.req.text();
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw httpError('invalid_request', 'The body is no JSON.', { help: 'Send a JSON object.' });
  }
}

/** The known parameters that have a value; throws invalid_request for any other. */
function onlyParameters<T extends string>(c: ConsoleContext, known: readonly T[]): Partial<Record<T, string>> {
  const query = new URL(c.req.url).searchParams;
  const found: Partial<Record<T, string>> = {};
  for (const [name, value] of query) {
    const one = known.find((each) => each === name);
    if (one === undefined) throw badParameter(name.slice(0, 64), 'is not known here');
    if (value !== '') found[one] = value;
  }
  return found;
}

const badParameter = (path: string, message: string) =>
  httpError('invalid_request', 'The query is not understood.', {
    help: `${path} ${message}.`,
    details: [{ path, message }],
  });

export const notFound = () =>
  httpError('not_found', 'There is nothing at this address.', { help: 'The routes are listed in docs/console.md.' });
