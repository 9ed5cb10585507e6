// The filters of the list of incidents, from a query string. Pure.
import type { IncidentFilter } from '../feed/feed.ts';
import type { EntityKind } from '../model/detector.ts';
import { SEVERITIES } from '../model/detector.ts';
import type { ErrorDetail } from '../model/errors.ts';
import { INCIDENT_FILTERS, STATUSES } from '../model/incident.ts';
import { httpError } from './errors.ts';
import { parseTime } from './times.ts';

const MAX_LIMIT = 500;
type Name = (typeof INCIDENT_FILTERS)[number];

const ENTITY = /^(card|customer|email|ip|account|metadata\.[^:]{1,40}):(.{1,200})$/s;

/**
 * An empty value is no filter: a form sends the fields that nobody filled in. `now`: what `since=7d` counts from.
 * Throws invalid_request with every problem.
 */
export function parseIncidentQuery(query: URLSearchParams, now: number): IncidentFilter {
  const problems: ErrorDetail[] = [];
  const given = new Map<Name, string>();
  for (const [name, value] of query) {
    if (!isName(name))
      problems.push({ path: name.slice(0, 64), message: `is not known: ${INCIDENT_FILTERS.join(', ')} are` });
    else if (given.has(name)) problems.push({ path: name, message: 'is given twice' });
    else given.set(name, value);
  }
  for (const [name, value] of given) if (value === '') given.delete(name);
  const filter = Object.assign({}, ...[...given].map(([name, value]) => part(name, value, { problems, now })));
  if (problems.length > 0)
    throw httpError('invalid_request', 'The query is not understood.', {
      help: `Parameters are ${INCIDENT_FILTERS.join(', ')}.`,
      details: problems,
    });
  return filter as IncidentFilter;
}

type Reading = { readonly problems: ErrorDetail[]; readonly now: number };

function part(name: Name, value: string, { problems, now }: Reading): IncidentFilter {
  const problem = (message: string): IncidentFilter => {
    problems.push({ path: name, message });
    return {};
  };
  switch (name) {
    case 'status':
      return pick(STATUSES, value, (status) => ({ status })) ?? problem(`is one of ${STATUSES.join(', ')}`);
    case 'severity':
      return pick(SEVERITIES, value, (severity) => ({ severity })) ?? problem(`is one of ${SEVERITIES.join(', ')}`);
    case 'detector':
      return value.length <= 64 ? { detector: value } : problem('is the name of a detector');
    case 'entity': {
      const [, kind, own] = ENTITY.exec(value) ?? [];
      if (kind === undefined || own === undefined) return problem('is a kind and a value, e.g. card:fp_1abc');
      return { entity: { kind: kind as EntityKind, value: own } };
    }
    case 'account':
      if (value === 'null') return { account: null };
      return value.length <= 100 ? { account: value } : problem('is an account id, or null for the platform’s own');
    case 'livemode':
      return value === 'true' || value === 'false' ? { livemode: value === 'true' } : problem('is true or false');
    case 'since':
    case 'until': {
      const time = parseTime(value, now);
      return time === null ? problem('is a time such as 2026-10-01T12:00:00Z, or an age such as 7d') : { [name]: time };
    }
    case 'limit': {
      const limit = Number(value);
      if (!/^\d{1,4}$/.test(value) || limit < 1 || limit > MAX_LIMIT) return problem(`is 1 to ${MAX_LIMIT}`);
      return { limit };
    }
    case 'after':
      return /^INC-[1-9]\d{0,14}$/.test(value)
        ? { after: value }
        : problem('is the last incident of the page before, e.g. INC-12');
  }
}

const isName = (name: string): name is Name => INCIDENT_FILTERS.some((known) => known === name);

function pick<T extends string>(
  known: readonly T[],
  value: string,
  make: (value: T) => IncidentFilter,
): IncidentFilter | null {
  const found = known.find((one) => one === value);
  return found === undefined ? null : make(found);
}
