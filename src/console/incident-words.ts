// An incident in sentences for its page: where it stands, what is special, what happened when. Pure.
import { html } from 'hono/html';
import type { TimelineEntry } from '../feed/feed.ts';
import type { ChangeType } from '../model/commands.ts';
import { measured } from '../model/headline.ts';
import { type Actor, type Incident, VERDICTS } from '../model/incident.ts';
import { actorName, formatCount, formatDuration, plural, VERDICT_WORDS } from '../model/words.ts';
import { clean, type Html, incidentLink, outside, when } from './markup.ts';

const ACTOR_KINDS: Readonly<Record<Actor['kind'], string>> = {
  slack: 'in Slack',
  sheet: 'in the sheet',
  cli: 'on the command line',
  console: 'in the console',
  api: 'by the API',
  file: '',
  engine: '',
};

/** `ana, in Slack`. */
export function who(actor: Actor): Html {
  if (actor.kind === 'console' && actor.id === 'local') return html`somebody at the console`;
  const where = ACTOR_KINDS[actor.kind];
  return html`${outside(actorName(actor), 80)}${where === '' ? '' : html` <span class="muted">${where}</span>`}`;
}

export function stateSentence(incident: Incident): Html {
  const { acknowledged, resolved, openedAt, status, mergedInto } = incident;
  if (status === 'acknowledged' && acknowledged)
    return html`Acknowledged by ${who(acknowledged.by)} at ${when(acknowledged.at)}, ${formatDuration((acknowledged.at - openedAt) / 1000)} after it opened, at ${measured(incident, acknowledged.peak)}.`;
  if (status === 'resolved' && resolved)
    return html`Resolved as <strong>${VERDICT_WORDS[resolved.verdict]}</strong> by ${who(resolved.by)} at ${when(resolved.at)}, ${formatDuration((resolved.at - openedAt) / 1000)} after it opened, at ${measured(incident, resolved.peak)}.`;
  if (status === 'merged')
    return html`Merged: this is the same attack as ${mergedInto === null ? 'an older incident' : incidentLink(mergedInto)}.`;
  if (status === 'withdrawn')
    return html`Withdrawn: later information took attempts out of it, and the rest does not reach the threshold.`;
  return html`Open since ${when(openedAt)}. <strong>Nobody has acknowledged it yet.</strong>`;
}

export function remarks(incident: Incident, now: number): readonly Html[] {
  const { erased } = incident;
  const { owner, mutedUntil, continues, splitFrom, storm, late, exact, over, livemode, mode } = incident;
  const all: readonly (Html | null)[] = [
    livemode ? null : html`Test mode: no real money is involved.`,
    mode === 'shadow' ? html`The detector is in shadow mode: this was told to nobody.` : null,
    storm === null ? null : html`Part of the storm ${incidentLink(storm)}: acknowledge and resolve it there.`,
    continues === null ? null : html`It goes on after ${incidentLink(continues)} was resolved.`,
    splitFrom === null ? null : html`Split from ${incidentLink(splitFrom)}.`,
    late ? html`Late: it was found after the fact, so it was not posted.` : null,
    exact ? null : html`The count is a lower bound: the state limit was reached.`,
    over ? html`The attack has stopped.` : null,
    erased === undefined
      ? null
      : html`Somebody it told of was erased at ${when(erased.at)}: the counts stand, the person is gone.`,
    owner === null ? null : html`Owner: ${outside(owner, 80)}.`,
    mutedUntil === null || mutedUntil <= now ? null : html`Muted until ${when(mutedUntil)}: it is not posted.`,
  ];
  return all.filter((remark) => remark !== null);
}

const TITLES: Readonly<Record<ChangeType, string>> = {
  opened: 'Opened',
  grew: 'Grew',
  shrank: 'Shrank',
  severity_raised: 'Severity raised',
  updated: 'Updated',
  ended: 'The attack stopped',
  acknowledged: 'Acknowledged',
  unacknowledged: 'Acknowledgement taken back',
  resolved: 'Resolved',
  reopened: 'Reopened',
  noted: 'Note',
  assigned: 'Assigned',
  muted: 'Muted',
  unmuted: 'Mute ended',
  escalated: 'Escalated',
  reminded: 'Reminder: not resolved',
  merged: 'Merged',
  withdrawn: 'Withdrawn',
  returned: 'Came back',
  settings_accepted: 'Settings changed',
  proposed: 'Proposed',
  proposal_read: 'What it would have done was read',
  proposal_decided: 'Proposal decided',
  erased: 'Somebody was erased',
  seen: 'Seen',
  refused: 'Refused',
};

export function timelineTitle({ type, data }: TimelineEntry): string {
  return type === 'assigned' && data.owner === null ? 'Owner removed' : TITLES[type];
}

/** What the entry's data say, or null. They come from the log: each is looked at before it is shown. */
export function timelineDetail({ type, data }: TimelineEntry, incident: Incident): Html | null {
  const { peak, severity, attemptCount, note, owner, verdict, into, until, hidden, to } = data;
  if (type === 'noted') return quote(note);
  if (type === 'resolved') {
    const known = VERDICTS.find((one) => one === verdict);
    return html`${known === undefined ? '' : VERDICT_WORDS[known]}${quote(note) ?? ''}`;
  }
  if (type === 'assigned') return typeof owner === 'string' ? html`to ${outside(owner, 80)}` : null;
  if (type === 'muted') return typeof until === 'number' ? html`until ${when(until)}` : null;
  if (type === 'unmuted') return typeof hidden === 'number' ? html`it hid ${plural(hidden, 'incident')}` : null;
  if (type === 'merged') return typeof into === 'string' ? html`into ${incidentLink(into)}` : null;
  if (type === 'escalated') return typeof to === 'string' ? html`to ${outside(to, 40)}` : null;
  if (incident.kind === 'storm') return typeof peak === 'number' ? html`${plural(peak, 'incident')}` : null;
  const parts = [
    typeof peak === 'number' && incident.kind === 'episode' ? measured(incident, peak) : '',
    typeof attemptCount === 'number' && attemptCount !== peak ? `${formatCount(attemptCount)} attempts in all` : '',
    typeof severity === 'string' && (type === 'opened' || type === 'severity_raised') ? clean(severity, 20) : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? null : html`${parts.join(', ')}`;
}

function quote(text: unknown): Html | null {
  return typeof text === 'string' && text.trim() !== '' ? html`<q class="note">${outside(text, 1_000)}</q>` : null;
}
