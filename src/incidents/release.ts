// Lets go of what no report can claim any more, so that the working state stays bounded. A function of the changes alone:
// it goes by the reports' ranges, never by a clock.
import type { Incident } from '../model/incident.ts';
import { isUnresolved, numberOf } from './reconcile.ts';
import { incidentKeyId, type State, sourceId } from './state.ts';

/**
 * Seconds. The live lane claims nothing older than its range; the history lane may look back as far as the log holds
 * attempts (35 days) that Stripe's Events API gave (30 days back), so closed incidents stay that long: a backfill then
 * finds them instead of opening them again.
 */
export const HISTORY_S = 70 * 86_400;
/** Closed incidents beyond this many leave as soon as the live lane can no longer claim them, the eldest first. */
const MAX_CLOSED = 10_000;
/** All incidents, about 8 KB each in memory; beyond it the eldest leave, whatever their state. */
const MAX_INCIDENTS = 30_000;
/** How many leave at once then, so that it is seldom done. */
const MARGIN = 1_000;
const STEP_S = 3_600;

/** Works once for each hour that the live ranges have moved on, or when there are too many. */
export function releaseOld(state: State): void {
  let liveFromS = 0;
  for (const source of state.sources.values()) liveFromS = Math.max(liveFromS, source.liveFromS);
  if (liveFromS < state.releasedS + STEP_S && state.incidents.size <= MAX_INCIDENTS) return;
  state.releasedS = Math.max(state.releasedS, liveFromS);
  releaseIncidents(state);
  releaseMarks(state);
  for (const [key, { until }] of state.mutes) if (until <= state.time) state.mutes.delete(key);
}

function releaseIncidents(state: State): void {
  const eldestFirst = [...state.incidents.values()].sort((a, b) => numberOf(a) - numberOf(b));
  const keep = state.incidents.size > MAX_INCIDENTS ? MAX_INCIDENTS - MARGIN : MAX_INCIDENTS;
  let closed = eldestFirst.filter((incident) => !isUnresolved(incident)).length;
  for (const incident of eldestFirst) {
    const isTooMany = state.incidents.size > keep;
    const isClosed = !isUnresolved(incident);
    if (!isTooMany && !(isClosed && isOutOfReach(state, incident, closed > MAX_CLOSED))) continue;
    if (isClosed) closed -= 1;
    state.incidents.delete(incident.id);
    state.deadlines.delete(incident.id);
    state.keys.get(incidentKeyId(incident))?.incidents.delete(incident.id);
  }
}

/** Each by the range of its own partition: a scope that is silent keeps its incidents. */
function isOutOfReach(state: State, { lastBreachAt, over, asOf }: Incident, isCrowded: boolean): boolean {
  const { liveFromS = 0 } = state.sources.get(sourceId({ ...asOf, lane: 'live' })) ?? {};
  if (isCrowded && over) return lastBreachAt < liveFromS * 1000;
  return lastBreachAt < (liveFromS - HISTORY_S) * 1000;
}

/** A key without incidents is forgotten once its last report's range is past; older reports of it stay recognisable. */
function releaseMarks(state: State): void {
  for (const [key, { incidents, marks }] of state.keys) {
    if (incidents.size > 0) continue;
    for (const [lane, { asOf, range }] of marks) {
      const { liveFromS = 0 } = state.sources.get(sourceId({ ...asOf, lane: 'live' })) ?? {};
      if (lane === 'live' && range.fromS + STEP_S > liveFromS) continue;
      const source = state.sources.get(sourceId(asOf));
      if (source !== undefined) source.forgottenOffset = Math.max(source.forgottenOffset, asOf.offset);
      marks.delete(lane);
    }
    if (marks.size === 0) state.keys.delete(key);
  }
}
