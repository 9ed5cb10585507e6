// An incident travels in every change and every alert: at most 4 KB as JSON, whatever was written into it.
import type { Evidence } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';

export const MAX_INCIDENT_BYTES = 4_096;
const MAX_NOTES = 10;

/** The same incident if it fits; else without the eldest notes, then with coarser and shorter evidence. */
export function fitIncident(incident: Incident): Incident {
  let fitted = incident.notes.length > MAX_NOTES ? { ...incident, notes: incident.notes.slice(-MAX_NOTES) } : incident;
  for (const smaller of STEPS) {
    if (bytesOf(fitted) <= MAX_INCIDENT_BYTES) return fitted;
    fitted = smaller(fitted);
  }
  return fitted;
}

/** Most incidents are far below: their characters alone show it, at most four bytes each. */
function bytesOf(incident: Incident): number {
  return Buffer.byteLength(JSON.stringify(incident));
}

const dropEldestNotes = (incident: Incident): Incident => ({ ...incident, notes: incident.notes.slice(-1) });

const withEvidence =
  (reduce: (evidence: Evidence) => Partial<Evidence>) =>
  (incident: Incident): Incident => ({
    ...incident,
    evidence: { ...incident.evidence, ...reduce(incident.evidence) },
  });

const STEPS: readonly ((incident: Incident) => Incident)[] = [
  dropEldestNotes,
  withEvidence(({ series }) => ({ series: { ...series, stepS: series.stepS * 2, values: pairs(series.values) } })),
  withEvidence(({ newest }) => ({ newest: newest.slice(0, 5) })),
  withEvidence(({ series }) => ({ series: { ...series, stepS: series.stepS * 2, values: pairs(series.values) } })),
  withEvidence(({ newest }) => ({ newest: newest.slice(0, 2) })),
  (incident) => ({ ...incident, notes: [] }),
  withEvidence(({ series }) => ({ newest: [], series: { ...series, values: [] }, trigger: null })),
  (incident) => ({
    ...incident,
    resolved: incident.resolved && { ...incident.resolved, note: incident.resolved.note.slice(0, 300) },
  }),
];

/** Half as many points: the larger of each two. */
function pairs(values: readonly number[]): readonly number[] {
  const half: number[] = [];
  for (let i = 0; i < values.length; i += 2)
    half.push(Math.max(values[i] ?? 0, values[i + 1] ?? Number.NEGATIVE_INFINITY));
  return half;
}
