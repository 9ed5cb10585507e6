// What an alert tells beside its incident: what got through, its row in the sheet, how such alerts were judged before.
// Each comes from elsewhere and may be missing; the alert is complete without.
import type { Incident } from '../model/incident.ts';
import type { Through } from '../model/through.ts';

/** The newest that is known; null: not read, or it cannot be read now. May take long: it is never waited for. */
export type ThroughOf = (incident: Incident, signal: AbortSignal) => Promise<Through | null>;

export type Past = {
  /** Incidents of the detector that were resolved with a verdict other than `unsure`. */
  readonly judged: number;
  readonly fraud: number;
};

export type Aside = {
  readonly through: Through | null;
  /** Of its row in the sheet. */
  readonly rowUrl: string | null;
  readonly past: Past | null;
};

export const NOTHING_ASIDE: Aside = { through: null, rowUrl: null, past: null };

/** Fewer say nothing. */
const LEAST_JUDGED = 3;

/** How the detector's incidents were judged; the newest `most` of them are looked at. */
export function pastOf(incidents: Iterable<Incident>, detector: string, most = 200): Past | null {
  let judged = 0;
  let fraud = 0;
  for (const { detector: of, status, resolved, storm } of incidents) {
    // A storm's children took one verdict by reference: it was one judgement.
    if (of !== detector || status !== 'resolved' || resolved === null || storm !== null) continue;
    if (resolved.verdict === 'unsure') continue;
    judged += 1;
    if (resolved.verdict === 'fraud') fraud += 1;
    if (judged >= most) break;
  }
  return judged >= LEAST_JUDGED ? { judged, fraud } : null;
}
