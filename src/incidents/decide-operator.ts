// What operators must know (no events, a limit that is near): one incident per scope and subject while it lasts.
import type { OperatorCommand } from '../model/commands.ts';
import { keyId } from '../model/entity.ts';
import type { Incident } from '../model/incident.ts';
import { fitIncident } from './bounds.ts';
import { type Draft, refused, seen } from './draft.ts';
import { isUnresolved } from './reconcile.ts';
import type { State } from './state.ts';

/** In place of a detector's name. */
const OPERATOR = 'operator';
const MAX_SUBJECT = 100;
const MAX_TEXT = 300;

export function decideOperator(state: State, body: OperatorCommand, time: number): Draft {
  const { subject, isOn } = body;
  if (subject === '' || subject.length > MAX_SUBJECT)
    return refused({ code: 'invalid_request', message: `A subject has 1 to ${MAX_SUBJECT} characters.` }, null);
  const known = newestOf(state, body);
  const isHandled = known !== null && isUnresolved(known);
  if (isHandled && !isOn && !known.over)
    return { type: 'ended', data: { subject }, incident: next(known, { over: true, lastBreachAt: time }, time) };
  if (isHandled && isOn) {
    const title = body.title.slice(0, MAX_TEXT);
    if (known.title === title && !known.over && known.severity === body.severity)
      return seen({ reason: 'known', subject });
    const incident = next(known, { title, severity: body.severity, over: false, lastBreachAt: time }, time);
    return { type: known.over ? 'returned' : 'updated', data: { subject }, incident };
  }
  if (!isOn) return seen({ reason: 'not_open', subject });
  // Resolved while it lasts: told again only once it has been over, which makes it another one.
  if (known !== null && known.status === 'resolved' && known.firstBreachAt === body.sinceS * 1000)
    return seen({ reason: 'resolved', subject });
  return { type: 'opened', data: { subject, severity: body.severity }, incident: open(state, body, time) };
}

function newestOf(state: State, body: OperatorCommand): Incident | null {
  const ids = [...(state.keys.get(keyId(keyOf(body)))?.incidents ?? [])];
  return state.incidents.get(ids.at(-1) ?? '') ?? null;
}

function keyOf({ scope, subject }: OperatorCommand) {
  return { detector: OPERATOR, scope, entity: { kind: 'account', value: subject } } as const;
}

function next(incident: Incident, changed: Partial<Incident>, time: number): Incident {
  return fitIncident({ ...incident, ...changed, updatedAt: time, version: incident.version + 1 });
}

function open(state: State, body: OperatorCommand, time: number): Incident {
  const { scope, subject, severity, sinceS } = body;
  const since = sinceS * 1000;
  const title = body.title.slice(0, MAX_TEXT);
  const why = body.why.slice(0, MAX_TEXT);
  return fitIncident({
    id: `INC-${state.numbered + 1}`,
    kind: 'operator',
    status: 'open',
    mode: 'alert',
    detector: OPERATOR,
    settingsVersion: 0,
    title,
    why,
    windowS: 0,
    thresholds: {},
    severity,
    account: scope.account,
    livemode: scope.livemode,
    entity: { kind: 'account', value: subject, label: subject },
    firstAttemptAt: since,
    lastAttemptAt: since,
    firstBreachAt: since,
    lastBreachAt: time,
    peak: 0,
    threshold: 0,
    attemptCount: 0,
    exact: true,
    late: false,
    over: false,
    evidence: {
      outcomes: {},
      codes: [],
      amounts: [],
      distinct: { cards: 0, customers: 0, emails: 0, ips: 0 },
      newest: [],
      series: { fromS: sinceS, stepS: 1, values: [] },
      trigger: null,
    },
    openedAt: time,
    updatedAt: time,
    waitingSince: time,
    speakAt: time,
    acknowledged: null,
    resolved: null,
    owner: null,
    notes: [],
    mutedUntil: null,
    mergedInto: null,
    continues: null,
    splitFrom: null,
    storm: null,
    escalated: null,
    version: 1,
    openingBreachS: sinceS,
    asOf: { lane: 'live', topic: 'commands', partition: 0, offset: 0 },
    receivedAt: null,
  });
}
