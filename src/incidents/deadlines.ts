// When something is to happen to an incident although nobody asks: its mute ends, or it has waited too long for somebody.
import type { DetectorSettings, EscalationStep } from '../model/detector.ts';
import type { Incident } from '../model/incident.ts';

/** Milliseconds; null: nothing is due. */
export function deadlineOf(incident: Incident, settings: DetectorSettings | null): number | null {
  const step = nextStep(incident, settings);
  const escalateAt = step === null ? remindAt(incident) : waitingSince(incident) + step.afterMs;
  const { mutedUntil, kind, over, endsAt } = incident;
  // Nobody is called about what is muted: the step is due once the mute has ended.
  const tellAt = mutedUntil ?? escalateAt;
  const quietAt = kind === 'storm' && !over ? (endsAt ?? null) : null;
  if (tellAt === null || quietAt === null) return tellAt ?? quietAt;
  return Math.min(tellAt, quietAt);
}

/** The escalation step that comes next while nobody acknowledges; null: none. */
export function nextStep(incident: Incident, settings: DetectorSettings | null): EscalationStep | null {
  const { status, mode, late, storm, escalated } = incident;
  if (settings === null || status !== 'open' || mode !== 'alert' || late || storm !== null) return null;
  return settings.escalation[escalated?.step ?? 0] ?? null;
}

const FIRST_REMINDER_MS = 4 * 3_600_000;
const NEXT_REMINDER_MS = 24 * 3_600_000;
const MOST_REMINDERS = 5;

/** Milliseconds: when who acknowledged it is reminded that it is not resolved; null: never. */
export function remindAt({ status, acknowledged, mode, late, storm, reminded, kind }: Incident): number | null {
  if (status !== 'acknowledged' || acknowledged === null || mode !== 'alert' || storm !== null) return null;
  if (late && kind === 'episode') return null;
  const count = reminded?.count ?? 0;
  if (count >= MOST_REMINDERS) return null;
  return acknowledged.at + FIRST_REMINDER_MS + count * NEXT_REMINDER_MS;
}

/** Milliseconds: since when it has been waiting for somebody. */
export function waitingSince({ waitingSince: since, openedAt }: Incident): number {
  return since ?? openedAt;
}
