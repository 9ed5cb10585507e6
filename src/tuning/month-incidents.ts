// Every incident that opened in a stretch of time, in its newest state: from the log, which keeps them 400 days, not from
// the newest ones that the console holds.
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Change } from '../model/commands.ts';
import { AppError } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';

export type IncidentLog = Pick<EventLog, 'read' | 'ends' | 'offsetsAt'>;

/** By number. Milliseconds, [fromMs, toMs). What a second manager wrote again changes nothing. */
export async function incidentsOpened(
  log: IncidentLog,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<readonly Incident[]> {
  const found = new Map<string, Incident>();
  for (const { partition, offset } of await log.offsetsAt('incidents', Math.max(0, fromMs))) {
    const { first = 0, next = 0 } = (await log.ends('incidents')).find((ends) => ends.partition === partition) ?? {};
    const from = Math.max(first, offset);
    if (from >= next) continue;
    for await (const page of log.read('incidents', partition, from, next))
      for (const { value } of page) {
        const incident = incidentIn(value);
        if (incident === null || incident.openedAt < fromMs || incident.openedAt >= toMs) continue;
        if ((found.get(incident.id)?.version ?? -1) <= incident.version) found.set(incident.id, incident);
      }
  }
  return [...found.values()].sort((a, b) => numberOf(a.id) - numberOf(b.id));
}

const numberOf = (id: string): number => Number(id.slice(id.indexOf('-') + 1));

function incidentIn(value: string): Incident | null {
  try {
    const { incident, type } = decode<Change>('incidents', value);
    return type === 'refused' || type === 'seen' ? null : incident;
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return null;
    throw error;
  }
}
