// What is said again, in the thread of an alert: an edit notifies nobody. Pure.
import type { DeliveryPlace } from '../model/delivery.ts';
import { measured } from '../model/headline.ts';
import type { Incident } from '../model/incident.ts';
import { formatDuration, statusLine } from '../model/words.ts';
import { headline } from './blocks-headline.ts';
import { cutEscaped, escapeSlack, safe } from './blocks-inert.ts';
import { BLOCK_STYLE } from './blocks-state.ts';
import { escalationDue, type Told } from './speak.ts';

export const NOTE_EVENT_TYPE = 'declinewatch_note';

export type NoteMessage = {
  readonly text: string;
  readonly metadata: {
    readonly event_type: typeof NOTE_EVENT_TYPE;
    readonly event_payload: { readonly incident: string; readonly version: number; readonly slot: string };
  };
};

const TEXT_MAX = 3_900;

/** `main`: where the alert stands. Who is concerned is mentioned: who acknowledged it, or the escalation's group. */
export function renderNote(incident: Incident, slot: string, main: DeliveryPlace): NoteMessage {
  const told: Told = main.told ?? { ...incident, escalated: 0 };
  const words = `${mention(incident, told)}${incident.livemode ? '' : 'TEST · '}${sentence(incident, told, main)}`;
  return {
    text: cutEscaped(words, TEXT_MAX),
    metadata: {
      event_type: NOTE_EVENT_TYPE,
      event_payload: { incident: incident.id, version: incident.version, slot },
    },
  };
}

/** Another channel that an escalation names; null: the note goes to the alert's thread. */
export function noteChannel(incident: Incident, { told }: DeliveryPlace): string | null {
  const to = escalationDue(incident, told)?.to ?? '';
  return /^[CG][A-Z0-9]{2,20}$/.test(to) ? to : null;
}

function sentence(incident: Incident, told: Told, { url }: DeliveryPlace): string {
  const { id, status, openedAt, escalated } = incident;
  if (status === 'withdrawn')
    return `${id} is withdrawn: later information took attempts out of it, and the rest does not reach the threshold.`;
  if (told.status === 'withdrawn')
    return `${id} is back: it reaches the threshold again (${safe(statusLine(incident), 120)}).`;
  if (escalationDue(incident, told) !== null) {
    const waited = formatDuration(((escalated?.at ?? openedAt) - openedAt) / 1000);
    const link = noteChannel(incident, { told }) === null || url === undefined ? '' : ` ${url}`;
    return `${id} has not been acknowledged for ${waited}: ${escapeSlack(headline(incident))}${link}`;
  }
  const before = incident.acknowledged?.peak ?? told.peak;
  const rise =
    told.severity === incident.severity ? '' : ` The severity rose from ${told.severity} to ${incident.severity}.`;
  return `${id} has grown since it was acknowledged: ${measured(incident)} now, ${measured(incident, before)} then.${rise}`;
}

function mention(incident: Incident, told: Told): string {
  const to = escalationDue(incident, told)?.to;
  if (to !== undefined) {
    if (/^S[A-Z0-9]{2,20}$/.test(to)) return `<!subteam^${to}> `;
    return /^[UW][A-Z0-9]{2,20}$/.test(to) ? `<@${to}> ` : '';
  }
  const by = incident.status === 'acknowledged' ? incident.acknowledged?.by : undefined;
  const who = by === undefined ? '' : BLOCK_STYLE.who(by);
  return who.startsWith('<@') ? `${who} ` : '';
}
