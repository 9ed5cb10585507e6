// Who made up an incident: replayed from the stretch of the log that can hold them, with the detector's own rules; from
// `members` once the log has let go of it. Bounded: the newest 200, by ever longer stretches that end where it ended.
import { attemptOf } from '../attempts/merge.ts';
import { detailsOf, type FoldRecord, fold, keysOf } from '../detectors/fold.ts';
import { horizonMs } from '../detectors/retain.ts';
import { ruleAt } from '../detectors/rules.ts';
import { createState, type FoldState, idInScope, type Placed } from '../detectors/state.ts';
import type { AttemptFields, SignalView, View } from '../model/attempt.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import type { Rule } from '../model/detector.ts';
import type { Entity, Key } from '../model/entity.ts';
import type { MemberSummary } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';
import { cardLabel, clean, maskEntity } from '../model/mask.ts';
import { findStretch, type ReadLog, scan } from './attempts-scan.ts';
import { endedMembersOf } from './ended-members.ts';

export const MEMBERS_SHOWN = 200;

/** Most attempts that are held at once. */
const MAX_HELD = 100_000;
/** Seconds before the end that are looked at, one after the other until there are enough. */
const SPANS_S = [10, 60, 600, 3_600, 21_600, 86_400];
/** Seconds: the views of one attempt may be dated that far apart. */
const APART_S = 3_600;
const AHEAD_MS = 300_000;
const USUAL_DELAY_MS = 900_000;

export type MembersOptions = { readonly log: ReadLog; readonly piiKey: string };

/**
 * The newest 200 members, newest first. `history`: the detector's settings, oldest first. Of what the log has let go of
 * only ids are known: `outcome` and `code` are then '', and `at` is the last that it can have been. Rejects with the log's
 * errors.
 */
export async function attemptsOfIncident(
  { log, piiKey }: MembersOptions,
  incident: Incident,
  history: readonly Pick<AcceptedSettings, 'rule'>[],
): Promise<readonly MemberSummary[]> {
  const { kind, asOf, evidence, attemptCount } = incident;
  if (kind !== 'episode' || asOf.topic !== 'attempts') return evidence.newest;
  const rules = history.map(({ rule }) => rule);
  const wanted = Math.min(MEMBERS_SHOWN, attemptCount);
  let best: readonly MemberSummary[] = [];
  for (const step of stepsOf(incident, rules)) {
    const found = await replay({ log, piiKey, incident, rules }, step);
    if (found === null) break;
    if (found.length >= best.length) best = found;
    if (best.length >= wanted) break;
  }
  if (best.length >= wanted) return best.slice(0, MEMBERS_SHOWN);
  return completed(best, incident, await endedMembersOf(log, incident));
}

type Step = {
  /** Seconds: members before it are not looked for. */
  readonly fromS: number;
  /** How long after its last attempt its views may have been received; null: any time. */
  readonly delayMs: number | null;
};

/** From the cheapest to the whole: few members need the whole stretch at once, many only its end. */
function stepsOf(
  { firstAttemptAt, lastBreachAt, attemptCount, asOf }: Incident,
  rules: readonly Rule[],
): readonly Step[] {
  const [firstS, lastS] = [firstAttemptAt / 1_000, lastBreachAt / 1_000];
  const spans = attemptCount <= MEMBERS_SHOWN ? [] : SPANS_S.filter((span) => lastS - span > firstS);
  const starts = [...spans.map((span) => lastS - span), firstS];
  if (asOf.lane === 'history') return starts.map((fromS) => ({ fromS, delayMs: null }));
  const latenessMs = Math.max(0, ...rules.map((rule) => rule.latenessMs));
  const usual = starts.map((fromS) => ({ fromS, delayMs: Math.min(USUAL_DELAY_MS, latenessMs) }));
  return latenessMs > USUAL_DELAY_MS ? [...usual, { fromS: firstS, delayMs: latenessMs }] : usual;
}

type ReplayParts = MembersOptions & { readonly incident: Incident; readonly rules: readonly Rule[] };

/** Null: too many attempts to hold. Fewer than there are, if the log no longer reaches back far enough. */
async function replay(
  { log, piiKey, incident, rules }: ReplayParts,
  step: Step,
): Promise<readonly MemberSummary[] | null> {
  const state = createState({ lane: incident.asOf.lane === 'live' ? 'live' : 'all' });
  fold(state, rules);
  const records = await candidates({ log, piiKey, incident, rules }, { step, reachMs: horizonMs(state) });
  if (records === null) return null;
  fold(state, records);
  const isHere = sameEntity(incident, piiKey);
  for (const key of keysOf(state)) {
    if (key.detector === incident.detector && isHere(key.entity)) return membersIn(state, key, { incident, step });
  }
  return [];
}

type CandidateOptions = { readonly step: Step; readonly reachMs: number };

/**
 * The views of every attempt that some view puts on the entity: two passes, since the view that says so need not be the
 * first. Of signals, and of the charges whose facts they take. Null: too many.
 */
async function candidates(
  { log, piiKey, incident, rules }: ReplayParts,
  { step, reachMs }: CandidateOptions,
): Promise<FoldRecord[] | null> {
  const { account, livemode, asOf, lastBreachAt } = incident;
  const isOfSignals = rules.some(({ settings }) => settings?.on === 'signal');
  const fromS = step.fromS - APART_S;
  const toS = lastBreachAt / 1_000 + APART_S;
  const receivedFromMs = fromS * 1_000 - AHEAD_MS;
  const receivedToMs = step.delayMs === null ? null : lastBreachAt + APART_S * 1_000 + step.delayMs;
  const times = { receivedFromMs, receivedToMs, below: asOf.offset };
  const isNear = ({ time }: View | SignalView): boolean => time >= fromS && time <= toS;
  const isOn = onEntity(incident, piiKey);
  const stretch = await findStretch(log, asOf.partition, times);
  const ids = new Set<string>();
  const signals: SignalView[] = [];
  for await (const record of scan(log, stretch, { account, livemode })) {
    if (!isNear(record)) continue;
    if (record.record === 'signal' && isOfSignals) {
      signals.push(record);
      if (record.charge !== null) ids.add(record.charge);
    } else if (record.record === 'view' && !isOfSignals && isOn(record)) ids.add(record.attempt);
    if (ids.size + signals.length > MAX_HELD) return null;
  }
  // A signal's charge is older than it, by as much as the windows reach back.
  const earlier = { ...times, receivedFromMs: receivedFromMs - reachMs };
  const again = isOfSignals ? await findStretch(log, asOf.partition, earlier) : stretch;
  const records: FoldRecord[] = [...signals];
  for await (const record of scan(log, again, { account, livemode }))
    if (record.record === 'view' && ids.has(record.attempt)) records.push(record);
  return records;
}

/** Does this view put its attempt on the incident's entity. */
function onEntity(incident: Incident, piiKey: string): (view: View) => boolean {
  const { kind } = incident.entity;
  if (kind === 'account') return () => true;
  const isHere = sameEntity(incident, piiKey);
  return ({ fields }) => {
    const value = entityIn(kind, fields);
    return value !== undefined && isHere({ kind, value });
  };
}

function entityIn(kind: Entity['kind'], fields: AttemptFields): string | undefined {
  if (kind === 'card' || kind === 'customer' || kind === 'email' || kind === 'ip') return fields[kind];
  return fields.metadata?.[kind.slice('metadata.'.length)];
}

/** Most entities whose hashes are remembered. */
const MAX_KNOWN = 50_000;

/** Outside the windows e-mail and IP are hashes: what is inside is hashed to compare. */
function sameEntity({ entity }: Incident, piiKey: string): (other: Entity) => boolean {
  const known = new Map<string, boolean>();
  return (other) => {
    if (other.kind !== entity.kind) return false;
    const before = known.get(other.value);
    if (before !== undefined) return before;
    if (known.size >= MAX_KNOWN) known.clear();
    const isSame = maskEntity(other, null, piiKey).value === entity.value;
    known.set(other.value, isSame);
    return isSame;
  };
}

type Found = { readonly id: string; readonly time: number; readonly facts: AttemptFields; readonly reason: string };

/** The members from the step's beginning on, newest first. */
function membersIn(
  state: FoldState,
  key: Key,
  { incident, step }: { readonly incident: Incident; readonly step: Step },
): readonly MemberSummary[] {
  const [firstS, lastS] = [incident.firstAttemptAt / 1_000, incident.lastBreachAt / 1_000];
  const known = detailsOf(state, key, incident.firstBreachAt / 1_000);
  const exact = known === null ? null : new Set(known.members.map(({ id }) => id));
  const rules = state.detectors.get(key.detector);
  const revision = rules === undefined ? undefined : ruleAt(rules, lastS)?.revision;
  const isMember = (placed: Placed): boolean =>
    placed.cells.key.entity.value === key.entity.value &&
    placed.hit.matches &&
    placed.hit.time >= Math.max(firstS, step.fromS) &&
    placed.hit.time <= lastS &&
    (exact === null ? placed.revision === revision : exact.has(placed.hit.id));
  const found: Found[] = [];
  for (const { merged, placed } of state.attempts.values()) {
    const hit = placed.find(isMember)?.hit;
    if (hit !== undefined) found.push({ id: hit.id, time: hit.time, facts: attemptOf(merged).fields, reason: '' });
  }
  for (const { merged, placed } of state.signals.values()) {
    const hit = placed.find(isMember)?.hit;
    if (hit === undefined) continue;
    const { amount, currency, reason, charge } = merged;
    const { card, brand, last4 } = chargeFacts(state, key, charge);
    const facts = Object.fromEntries(
      Object.entries({ card, brand, last4, amount, currency }).filter(([, value]) => value !== undefined),
    );
    found.push({ id: hit.id, time: hit.time, facts, reason });
  }
  return found
    .sort((a, b) => b.time - a.time || (a.id > b.id ? -1 : 1))
    .slice(0, MEMBERS_SHOWN)
    .map(summaryOf);
}

function chargeFacts(state: FoldState, { scope }: Key, charge: string | null): AttemptFields {
  const held = charge === null ? undefined : state.attempts.get(idInScope(scope, charge));
  return held === undefined ? {} : attemptOf(held.merged).fields;
}

const MAX_TEXT = 128;
const shown = (text: string): string => clean(text.slice(0, MAX_TEXT));

function summaryOf({ id, time, facts, reason }: Found): MemberSummary {
  const { result, amount, currency, intent } = facts;
  return {
    id: shown(id),
    at: time,
    outcome: result?.outcome ?? '',
    code: shown(result?.code ?? reason),
    amount: amount ?? null,
    currency: currency === undefined ? null : shown(currency),
    card: cardLabel(facts),
    intent: intent === undefined ? null : shown(intent),
  };
}

/** With the ids that `members` has beyond what was found, and what the evidence knows of them. */
function completed(
  found: readonly MemberSummary[],
  { evidence, lastAttemptAt }: Incident,
  ids: readonly string[],
): readonly MemberSummary[] {
  if (ids.length <= found.length) return found.length > 0 ? found : evidence.newest;
  const known = new Map([...evidence.newest, ...found].map((member) => [member.id, member]));
  const nothing = { outcome: '', code: '', amount: null, currency: null, card: null, intent: null } as const;
  return ids
    .slice(0, MEMBERS_SHOWN)
    .map((id) => known.get(shown(id)) ?? { id: shown(id), at: lastAttemptAt / 1_000, ...nothing });
}
