// `declinewatch detectors set`, `history` and `revert`: through the service's API, so that a change is a command in the log.
import { AppError } from '../model/errors.ts';
import { clean } from '../model/mask.ts';
import { type ApiClient, withService } from './api-client.ts';
import { type CommandContext, flagOption, numberOption, printJson, textOption, usageError } from './command.ts';
import { type Proposed, proposedLines, proposeInstead } from './detectors-proposals.ts';
import { changesOf, type Form, historyLines, type ListedDetector, type Version } from './detectors-text.ts';

type Detector = ListedDetector & { readonly version: number; readonly history: readonly Version[] };

const NUMBERS = new Set(['minimum', 'continueAfter', 'repage', 'stormAfter']);
const SEVERITY = /^thresholds\.([a-z]+)$/;

export async function changeDetector(context: CommandContext, args: readonly string[]): Promise<number> {
  const [name, ...assignments] = args;
  if (name === undefined || assignments.length === 0)
    throw usageError('detectors set takes a detector and what to change, e.g. card-declines thresholds.warning=4.');
  const change = changeOf(assignments);
  const basedOn = context.values['based-on'] === undefined ? null : numberOption(context, 'based-on', 0);
  return await put(context, name, async (api) => ({
    ...change,
    basedOn: basedOn ?? (await read(api, name)).version,
  }));
}

/** `field=value` as JSON in the file's form. */
export function changeOf(assignments: readonly string[]): Form {
  const change: Record<string, unknown> = {};
  const thresholds: Record<string, unknown> = {};
  for (const assignment of assignments) {
    const at = assignment.indexOf('=');
    if (at < 1) throw usageError(`"${assignment}" is no change: write FIELD=VALUE, e.g. thresholds.warning=4.`);
    const [field, text] = [assignment.slice(0, at), assignment.slice(at + 1)];
    const severity = SEVERITY.exec(field)?.[1];
    if (severity !== undefined) thresholds[severity] = parseValue(field, text, true);
    else change[field] = parseValue(field, text, NUMBERS.has(field));
  }
  return Object.keys(thresholds).length === 0 ? change : { ...change, thresholds };
}

function parseValue(field: string, text: string, isNumber: boolean): unknown {
  if (text === 'null') return null;
  if (isNumber) {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) throw usageError(`${field} takes a number, not "${text}".`);
    return value;
  }
  if (field !== 'escalation') return text;
  try {
    return JSON.parse(text);
  } catch {
    throw usageError('escalation takes JSON, e.g. escalation=\'[{"after":"10m","to":"S0123"}]\'.');
  }
}

export async function revertDetector(context: CommandContext, args: readonly string[]): Promise<number> {
  const [name, text = '', ...more] = args;
  const version = Number(text.replace(/^v/, ''));
  if (name === undefined || more.length > 0 || !Number.isSafeInteger(version) || version < 1)
    throw usageError('detectors revert takes a detector and one of its versions, e.g. card-declines 3.');
  return await put(context, name, async (api) => {
    const detector = await read(api, name);
    const wanted = detector.history.find((one) => one.version === version)?.settings;
    if (wanted === undefined || wanted === null) {
      const versions = detector.history.filter(({ settings }) => settings !== null).map((one) => one.version);
      throw usageError(`${name} has no version ${text} to go back to.`, `There are: ${versions.join(', ')}.`);
    }
    const why = textOption(context, 'why') ?? `back to version ${version}`;
    return { ...differenceTo(wanted, detector.settings ?? {}), basedOn: detector.version, why };
  });
}

/** What must be said for `now` to become `wanted`: what is set now and was not then is null. */
function differenceTo(wanted: Form, now: Form): Form {
  const { name: _, ...fields } = withNulls(wanted, now);
  return { ...fields, thresholds: withNulls(wanted.thresholds as Form, now.thresholds as Form) };
}

const withNulls = (wanted: Form, now: Form): Form => ({
  ...Object.fromEntries(Object.keys(now).map((field) => [field, null])),
  ...wanted,
});

type Change = (api: ApiClient) => Promise<Form>;

async function put(context: CommandContext, name: string, change: Change): Promise<number> {
  const why = textOption(context, 'why');
  const { answer, basedOn } = await withService(async (api) => {
    const body = await change(api);
    const whole = why === null ? body : { ...body, why };
    const answer = (await api.put(pathOf(name), whole).catch(async (error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'approval_needed') throw error;
      return await proposeInstead(api, { name, change: whole, error });
    })) as Detector | Pending | Proposed;
    return { answer, basedOn: body.basedOn };
  });
  if (flagOption(context, 'json')) printJson(context.stdout, answer);
  else if ('proposal' in answer) for (const line of proposedLines(answer)) context.stdout.write(`${clean(line)}\n`);
  else if ('command' in answer) context.stdout.write(`recorded as ${answer.command}, not yet done\n`);
  else if (answer.version === basedOn)
    context.stdout.write(`${name} stays at version ${answer.version}: nothing changes\n`);
  else {
    context.stdout.write(`${name} is at version ${answer.version}\n`);
    for (const line of changesOf(answer.history)) context.stdout.write(`${line}\n`);
  }
  return 0;
}

type Pending = { readonly command: string };

export async function showHistory(context: CommandContext, args: readonly string[]): Promise<number> {
  const [name, ...more] = args;
  if (name === undefined || more.length > 0)
    throw usageError('detectors history takes a detector, e.g. card-declines.');
  const detector = await withService(async (api) => await read(api, name));
  if (flagOption(context, 'json')) printJson(context.stdout, detector);
  else for (const line of historyLines(detector.history)) context.stdout.write(`${line}\n`);
  return 0;
}

async function read(api: ApiClient, name: string): Promise<Detector> {
  return (await api.get(pathOf(name))) as Detector;
}

const pathOf = (name: string): string => `/api/detectors/${encodeURIComponent(name)}`;
