// What both the API and the forms do: ask for a command, and say what became of it in HTTP's terms.
import { type ActOutcome, act } from '../feed/submit.ts';
import type { IncidentAction } from '../model/commands.ts';
import type { MemberSummary } from '../model/episode.ts';
import { type AppError, type ErrorDetail, messageOf } from '../model/errors.ts';
import type { Actor, Incident } from '../model/incident.ts';
import { bodyFields } from './action-body.ts';
import { httpError, refusalError } from './errors.ts';
import { type IncidentDetailJson, incidentDetailJson } from './incident-detail.ts';
import type { ConsoleOptions } from './options.ts';

export type Desk = Pick<
  ConsoleOptions,
  'feed' | 'log' | 'clock' | 'logger' | 'attemptsOf' | 'deliveriesOf' | 'validateDetector'
> & {
  readonly consoleUrl: string;
};

export type Asked = Extract<ActOutcome, { readonly outcome: 'done' | 'pending' }>;

const INCIDENT_ID = /^INC-[1-9]\d{0,14}$/;

/** Throws not_found. A feed that is behind is given the chance to catch up first. */
export async function findIncident({ feed }: Pick<Desk, 'feed'>, id: string): Promise<Incident> {
  if (INCIDENT_ID.test(id)) {
    const known = feed.get(id);
    if (known !== null) return known;
    await feed.caughtUp();
    const now = feed.get(id);
    if (now !== null) return now;
  }
  throw httpError('not_found', 'There is no such incident, or it was closed too long ago.', {
    help: 'Look at the list of incidents.',
  });
}

/** Throws what the manager refuses, as an error of the API. */
export async function askIncident(desk: Desk, actor: Actor, body: IncidentAction): Promise<Asked> {
  await findIncident(desk, body.incident);
  return told(await act(desk, { actor, body }));
}

function told(outcome: ActOutcome): Asked {
  if (outcome.outcome === 'refused') throw refusalError(outcome.refusal);
  return outcome;
}

/** With the attempts from the log; if they cannot be had, the newest of the evidence, and the log says why. */
export async function detailOf(desk: Desk, incident: Incident): Promise<IncidentDetailJson> {
  const [attempts, deliveries] = await Promise.all([attemptsOf(desk, incident), desk.deliveriesOf(incident.id)]);
  const { feed, consoleUrl } = desk;
  return incidentDetailJson(incident, { timeline: feed.timeline(incident.id), attempts, deliveries, consoleUrl });
}

async function attemptsOf({ attemptsOf, logger }: Desk, incident: Incident): Promise<readonly MemberSummary[]> {
  try {
    return await attemptsOf(incident);
  } catch (error) {
    logger.warn({ incident: incident.id, error: messageOf(error) }, 'the attempts could not be read from the log');
    return incident.evidence.newest;
  }
}

const MAX_WHY = 500;

/** A change of settings: `body` is the file's form, in part, with `basedOn` and `why`. Throws not_found, stale_version, invalid_detector. */
export async function askDetector(
  desk: Desk,
  name: string,
  asked: { readonly actor: Actor; readonly body: unknown },
): Promise<Asked> {
  const { feed, validateDetector } = desk;
  await feed.caughtUp();
  const current = feed.settingsHistory(name).at(-1);
  const general = feed.general();
  if (current === undefined || current.rule.settings === null || general === null)
    throw httpError('not_found', 'There is no such detector.', { help: 'Look at the list of detectors.' });
  const { basedOn, why, ...patch } = bodyFields(asked.body);
  const problems = headProblems({ basedOn, why });
  if (problems.length > 0)
    throw httpError('invalid_request', 'The change is not understood.', {
      help: 'Send the fields to change, basedOn with the version they were made from, and why.',
      details: problems,
    });
  if (basedOn !== current.rule.version)
    throw httpError(
      'stale_version',
      `${name} is at version ${current.rule.version}; the change was made from version ${String(basedOn)}.`,
      {
        help: 'Look at what is in force, and try from there.',
      },
    );
  const checked = validateDetector(current.rule.settings, patch, general);
  if ('problems' in checked) throw invalidDetector(name, checked.problems);
  const { settings } = checked;
  if (settings.name !== name) throw invalidDetector(name, [{ path: 'name', message: 'cannot be changed' }]);
  const outcome = await act(desk, {
    actor: asked.actor,
    body: {
      type: 'settings',
      detector: name,
      settings,
      basedOn: current.rule.version,
      why: typeof why === 'string' ? why : '',
      general,
    },
  });
  if (outcome.outcome === 'refused' && outcome.refusal.code === 'invalid_request')
    throw invalidDetector(name, [{ path: '', message: outcome.refusal.message }]);
  return told(outcome);
}

function headProblems({
  basedOn,
  why,
}: {
  readonly basedOn?: unknown;
  readonly why?: unknown;
}): readonly ErrorDetail[] {
  const problems: ErrorDetail[] = [];
  if (!Number.isSafeInteger(basedOn))
    problems.push({ path: 'basedOn', message: 'is missing: the version that the change was made from' });
  if (why !== undefined && !(typeof why === 'string' && why.length <= MAX_WHY))
    problems.push({ path: 'why', message: `is text of at most ${MAX_WHY} characters` });
  return problems;
}

function invalidDetector(name: string, details: readonly ErrorDetail[]): AppError {
  const [first] = details;
  const what = first === undefined ? '' : `: ${first.path === '' ? '' : `${first.path} `}${first.message}`;
  return httpError('invalid_detector', `The settings of ${name} are not accepted${what}.`, {
    help: 'Correct each field that is named. Nothing was changed.',
    details,
  });
}
