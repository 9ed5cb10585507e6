// Who made up an incident: replayed from the stretch of the log that can hold them, with the detector's own rules; from
// `members` once the log has let go of it. Bounded: the newest 200, by ever longer stretches that end where it ended.
import type { AcceptedSettings } from '../model/commands.ts';
import type { Rule } from '../model/detector.ts';
import type { MemberSummary } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';
import { findStretch, type ReadLog, scan } from './attempts-scan.ts';
import { endedMembersOf } from './ended-members.ts';
import { entityTest, matchesOf, type Recorded, viewTest } from './matches.ts';
import { shownText, summariesOf } from './member-summary.ts';

const MEMBERS_SHOWN = 200;

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
  if (best.length >= wanted) return best;
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
async function replay(parts: ReplayParts, step: Step): Promise<readonly MemberSummary[] | null> {
  const { incident, rules, piiKey } = parts;
  const records = await candidates(parts, step);
  if (records === null) return null;
  const members = matchesOf(records, {
    rules,
    isEntity: entityTest(incident.entity, piiKey),
    fromS: Math.max(incident.firstAttemptAt / 1_000, step.fromS),
    toS: incident.lastBreachAt / 1_000,
  });
  members.sort((a, b) => b.time - a.time || (a.id > b.id ? -1 : 1));
  return summariesOf(members.slice(0, MEMBERS_SHOWN), records);
}

/**
 * The views of every attempt that some view puts on the entity: two passes, since the view that says so need not be the
 * first. Of signals, and of the charges whose facts they take. Null: too many.
 */
async function candidates({ log, piiKey, incident, rules }: ReplayParts, step: Step): Promise<Recorded[] | null> {
  const { asOf, lastBreachAt } = incident;
  const isOfSignals = rules.some(({ settings }) => settings?.on === 'signal');
  const fromS = step.fromS - APART_S;
  const toS = lastBreachAt / 1_000 + APART_S;
  const times = {
    receivedFromMs: fromS * 1_000 - AHEAD_MS,
    receivedToMs: step.delayMs === null ? null : toS * 1_000 + step.delayMs,
    below: asOf.offset,
  };
  const isOn = viewTest(incident.entity, piiKey);
  const isOfLane = ({ lane }: Recorded): boolean => asOf.lane === 'history' || lane === 'live';
  const stretch = await findStretch(log, asOf.partition, times);
  const ids = new Set<string>();
  const records: Recorded[] = [];
  for await (const record of scan(log, stretch, incident)) {
    if (record.time < fromS || record.time > toS || !isOfLane(record)) continue;
    if (record.record === 'view') {
      if (!isOfSignals && isOn(record)) ids.add(record.attempt);
    } else if (isOfSignals) {
      records.push(record);
      if (record.charge !== null) ids.add(record.charge);
    }
    if (ids.size + records.length > MAX_HELD) return null;
  }
  // A signal's charge is older than it, by as much as the windows reach back.
  const earlier = { ...times, receivedFromMs: times.receivedFromMs - reachMs(rules) };
  const again = isOfSignals ? await findStretch(log, asOf.partition, earlier) : stretch;
  for await (const record of scan(log, again, incident))
    if (record.record === 'view' && ids.has(record.attempt) && isOfLane(record)) records.push(record);
  return records;
}

/** How long attempts are kept in the windows, at most: a signal can be joined with what is held. */
function reachMs(rules: readonly Rule[]): number {
  const kept = rules.map(({ settings, latenessMs }) =>
    settings === null ? 0 : latenessMs + (settings.windowS + settings.quietForS + 3_600) * 1_000,
  );
  return Math.max(0, ...kept);
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
    .map((id) => known.get(shownText(id)) ?? { id: shownText(id), at: lastAttemptAt / 1_000, ...nothing });
}
