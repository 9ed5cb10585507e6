// What is said again, in the thread of an alert: an edit notifies nobody. Pure.
import type { DeliveryPlace } from '../model/delivery.ts';
import { measured } from '../model/headline.ts';
import type { Incident } from '../model/incident.ts';
import { formatDuration, plural, statusLine, VERDICT_WORDS } from '../model/words.ts';
import { headline } from './blocks-headline.ts';
import { cutEscaped, escapeSlack, safe } from './blocks-inert.ts';
import { BLOCK_STYLE, resolutionNote } from './blocks-state.ts';
import { escalationDue, isLoud, type News, newsIn, slotOf, type Told, toldAfter } from './news.ts';

export const NOTE_EVENT_TYPE = 'declinewatch_note';

export type NoteMessage = {
  readonly text: string;
  /** It got worse: the channel hears it too. */
  readonly isBroadcast: boolean;
  readonly metadata: {
    readonly event_type: typeof NOTE_EVENT_TYPE;
    readonly event_payload: { readonly incident: string; readonly version: number; readonly slot: string };
  };
};

const TEXT_MAX = 3_900;

/** `main`: where the alert stands. Who is concerned is mentioned: who acknowledged it, or the escalation's group. */
export function renderNote(incident: Incident, slot: string, main: DeliveryPlace): NoteMessage {
  const told = main.told ?? toldAfter(incident, undefined);
  const news = newsIn(slot);
  const said = news === null ? incident.id : sentence(news, incident, { told, main });
  const words = `${mention(incident, news, told)}${incident.livemode ? '' : 'TEST · '}${said}`;
  return {
    text: cutEscaped(words, TEXT_MAX),
    isBroadcast: news !== null && isLoud(incident, news),
    metadata: {
      event_type: NOTE_EVENT_TYPE,
      event_payload: { incident: incident.id, version: incident.version, slot },
    },
  };
}

/** Another channel that an escalation names; null: the note goes to the alert's thread. */
export function noteChannel(incident: Incident, slot: string, { told }: DeliveryPlace): string | null {
  if (newsIn(slot) !== 'escalated') return null;
  const to = escalationDue(incident, told)?.to ?? '';
  return /^[CG][A-Z0-9]{2,20}$/.test(to) ? to : null;
}

type Context = { readonly told: Told; readonly main: DeliveryPlace };

function sentence(news: News, incident: Incident, context: Context): string {
  const { id, openedAt, acknowledged, reminded, owner, peak } = incident;
  const { who, when } = BLOCK_STYLE;
  switch (news) {
    case 'withdrawn':
      return `${id} is withdrawn: later information took attempts out of it, and the rest does not reach the threshold.`;
    case 'returned':
      return `${id} is back: it reaches the threshold again (${safe(statusLine(incident), 120)}).`;
    case 'merged':
      return `${id} is the same attack as ${incident.mergedInto ?? 'an older incident'}: it goes on there.`;
    case 'escalated':
      return escalation(incident, slotOf(context.told, news), context);
    case 'grown':
      return growth(incident, context.told);
    case 'severity':
      return `${id} got worse: ${measured(incident)} now. The severity rose from ${context.told.severity} to ${incident.severity}, and nobody has acknowledged it.`;
    case 'acknowledged':
      return acknowledged === null
        ? `${id} is acknowledged.`
        : `Acknowledged by ${who(acknowledged.by)}, ${formatDuration((acknowledged.at - openedAt) / 1000)} after it opened, at ${measured(incident, acknowledged.peak)}.`;
    case 'resolved':
      return resolution(incident);
    case 'reopened':
    case 'unacknowledged': {
      const by = incident.openedAgain ? ` by ${who(incident.openedAgain.by)}` : '';
      return news === 'reopened'
        ? `${id} is reopened${by}.`
        : `The acknowledgement was taken back${by}: ${id} is open.`;
    }
    case 'noted':
      return note(incident);
    case 'assigned':
      return owner === null ? `${id} has no owner any more.` : `Owner: ${safe(owner, 200)}.`;
    case 'muted':
      return `Muted until ${when(incident.mutedUntil ?? 0)}: no posts about this entity by this detector, unless it gets worse.`;
    case 'unmuted':
      return unmuting(incident);
    case 'reminded': {
      const since = formatDuration(((reminded?.at ?? openedAt) - (acknowledged?.at ?? openedAt)) / 1000);
      return `${id} was acknowledged ${since} ago and is not resolved: what was it?`;
    }
    case 'ended':
      if (incident.kind === 'operator') return `${id} is over.`;
      return `The storm is over: ${plural(peak, 'incident')} with ${plural(incident.attemptCount, 'attempt')} in ${formatDuration((incident.lastBreachAt - openedAt) / 1000)}.`;
  }
}

function escalation(incident: Incident, slot: string, { main }: Context): string {
  const { id, openedAt, escalated } = incident;
  const waited = formatDuration(((escalated?.at ?? openedAt) - openedAt) / 1000);
  const link = noteChannel(incident, slot, main) === null || main.url === undefined ? '' : ` ${main.url}`;
  return `${id} has not been acknowledged for ${waited}: ${escapeSlack(headline(incident))}${link}`;
}

function growth(incident: Incident, told: Told): string {
  const before = incident.acknowledged?.peak ?? told.peak;
  const rise =
    told.severity === incident.severity ? '' : ` The severity rose from ${told.severity} to ${incident.severity}.`;
  return `${incident.id} has grown since it was acknowledged: ${measured(incident)} now, ${measured(incident, before)} then.${rise}`;
}

function resolution(incident: Incident): string {
  const { id, resolved, openedAt } = incident;
  if (resolved === null) return `${id} is resolved.`;
  const words = resolutionNote(incident);
  const after = formatDuration((resolved.at - openedAt) / 1000);
  return `Resolved as ${VERDICT_WORDS[resolved.verdict]} by ${BLOCK_STYLE.who(resolved.by)}, ${after} after it opened.${words === null ? '' : `\n${quoted(words)}`}`;
}

function note({ notes, id }: Incident): string {
  const newest = notes.at(-1);
  if (newest === undefined) return `${id} has a note.`;
  return `${BLOCK_STYLE.who(newest.by)} noted:\n${quoted(safe(newest.text, 1_000))}`;
}

function unmuting({ id, unmuted, severity }: Incident): string {
  const hidden = unmuted?.hidden ?? 0;
  const hid = hidden === 0 ? 'It hid no further incident' : `It hid ${plural(hidden, 'further incident')}`;
  if (unmuted?.isEarly) return `The mute of ${id} has ended early: it is ${severity} now. ${hid}.`;
  return `The mute of ${id} has ended. ${hid}; all are in the sheet.`;
}

/** A person's words stand apart. */
const quoted = (text: string): string => `> ${text}`;

function mention(incident: Incident, news: News | null, told: Told): string {
  const to = news === 'escalated' ? escalationDue(incident, told)?.to : undefined;
  if (to !== undefined) {
    if (/^S[A-Z0-9]{2,20}$/.test(to)) return `<!subteam^${to}> `;
    return /^[UW][A-Z0-9]{2,20}$/.test(to) ? `<@${to}> ` : '';
  }
  if (news !== 'grown' && news !== 'reminded') return '';
  const by = incident.acknowledged?.by;
  const who = by === undefined ? '' : BLOCK_STYLE.who(by);
  return who.startsWith('<@') ? `${who} ` : '';
}
