// `declinewatch incidents`: the same as the API, for a terminal and for scripts.

import type { IncidentJson } from '../model/incident.ts';
import { INCIDENT_FILTERS, VERDICTS } from '../model/incident.ts';
import { withService } from './api-client.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, textOption, usageError } from './command.ts';
import { csvLine } from './csv.ts';

export const incidentsCommand: CliCommand = {
  summary: 'list, show, acknowledge, resolve or export incidents',
  help: `
usage: declinewatch incidents list [filters] [--json]
       declinewatch incidents show INC-1 [--json]
       declinewatch incidents acknowledge INC-1 [--json]
       declinewatch incidents resolve INC-1 --verdict VERDICT [--note TEXT] [--json]
       declinewatch incidents export [filters]

  --verdict   ${VERDICTS.join(', ')}
  filters     ${INCIDENT_FILTERS.map((name) => `--${name}`).join(' ')}
  export      CSV on standard output, safe to open in a spreadsheet`,
  options: {
    ...Object.fromEntries(INCIDENT_FILTERS.map((name) => [name, { type: 'string' as const }])),
    verdict: { type: 'string' },
    note: { type: 'string' },
    json: { type: 'boolean' },
  },
  run,
};

type Page = { readonly incidents: readonly IncidentJson[]; readonly next: string | null };

async function run(context: CommandContext): Promise<number> {
  const [action = '', id] = context.positionals;
  if (action === 'list') return await list(context);
  if (action === 'export') return await exportCsv(context);
  if (action !== 'show' && action !== 'acknowledge' && action !== 'resolve')
    throw usageError('incidents takes list, show, acknowledge, resolve or export.');
  if (id === undefined) throw usageError(`incidents ${action} takes an incident, e.g. INC-1.`);
  const path = `/api/incidents/${encodeURIComponent(id)}`;
  if (action === 'show') return await show(context, path);
  const verdict = textOption(context, 'verdict');
  if (action === 'resolve' && !VERDICTS.some((known) => known === verdict))
    throw usageError(`incidents resolve takes --verdict, one of ${VERDICTS.join(', ')}.`);
  const body = action === 'resolve' ? { verdict, note: textOption(context, 'note') ?? '' } : {};
  const answer = (await withService((api) => api.post(`${path}/${action}`, body))) as
    | IncidentJson
    | { command: string };
  if (flagOption(context, 'json')) printJson(context.stdout, answer);
  else
    context.stdout.write('command' in answer ? `recorded as ${answer.command}, not yet done\n` : `${line(answer)}\n`);
  return 0;
}

function query(context: CommandContext, more: Readonly<Record<string, string>> = {}): string {
  const parameters = new URLSearchParams();
  for (const name of INCIDENT_FILTERS) {
    const value = textOption(context, name);
    if (value !== null) parameters.set(name, value);
  }
  for (const [name, value] of Object.entries(more)) parameters.set(name, value);
  return parameters.size === 0 ? '' : `?${parameters}`;
}

async function list(context: CommandContext): Promise<number> {
  const page = (await withService((api) => api.get(`/api/incidents${query(context)}`))) as Page;
  if (flagOption(context, 'json')) {
    printJson(context.stdout, page);
    return 0;
  }
  if (page.incidents.length === 0) context.stdout.write('no incidents\n');
  for (const incident of page.incidents) context.stdout.write(`${line(incident)}\n`);
  if (page.next !== null) context.stdout.write(`more: --after ${page.next}\n`);
  return 0;
}

async function show(context: CommandContext, path: string): Promise<number> {
  const incident = (await withService((api) => api.get(path))) as IncidentJson & Detail;
  if (flagOption(context, 'json')) {
    printJson(context.stdout, incident);
    return 0;
  }
  context.stdout.write(`${line(incident)}\n${incident.url}\n\n`);
  for (const entry of incident.timeline)
    context.stdout.write(`${entry.at}  ${entry.type.padEnd(16)} ${entry.actor.name}\n`);
  context.stdout.write('\n');
  for (const attempt of incident.attempts)
    context.stdout.write(`${attempt.at}  ${attempt.outcome.padEnd(22)} ${attempt.code.padEnd(24)} ${attempt.id}\n`);
  return 0;
}

type Detail = {
  readonly timeline: readonly { at: string; type: string; actor: { name: string } }[];
  readonly attempts: readonly { id: string; at: string; outcome: string; code: string }[];
};

const line = (incident: IncidentJson): string =>
  [
    incident.id.padEnd(8),
    incident.status.padEnd(13),
    incident.severity.toUpperCase().padEnd(9),
    `${incident.peak} of ${incident.threshold}`.padEnd(10),
    incident.entity.label.padEnd(28),
    incident.title,
    incident.livemode ? '' : '[TEST]',
  ]
    .join(' ')
    .trimEnd();

const CSV_COLUMNS = [
  'id',
  'kind',
  'status',
  'severity',
  'detector',
  'title',
  'account',
  'livemode',
  'openedAt',
  'firstAttemptAt',
  'lastAttemptAt',
  'firstBreachAt',
  'lastBreachAt',
  'peak',
  'threshold',
  'attemptCount',
  'exact',
  'late',
  'owner',
  'mergedInto',
  'continues',
  'url',
] as const;

async function exportCsv(context: CommandContext): Promise<number> {
  context.stdout.write(csvLine([...CSV_COLUMNS, 'entityKind', 'entityLabel', 'verdict', 'note']));
  await withService(async (api) => {
    let after = textOption(context, 'after');
    do {
      const page = (await api.get(`/api/incidents${query(context, after === null ? {} : { after })}`)) as Page;
      for (const incident of page.incidents) {
        const { entity, resolved } = incident;
        const own = CSV_COLUMNS.map((name) => incident[name]);
        context.stdout.write(
          csvLine([...own, entity.kind, entity.label, resolved?.verdict ?? '', resolved?.note ?? '']),
        );
      }
      after = page.next;
    } while (after !== null);
  });
  return 0;
}
