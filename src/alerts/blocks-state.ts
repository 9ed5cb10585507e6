// Where an incident stands, in words: who did what, when, how long after the alert, at which count; and what is special.
import { measured } from '../model/headline.ts';
import type { Actor, Incident } from '../model/incident.ts';
import { actorName, formatDuration, plural, VERDICT_WORDS } from '../model/words.ts';
import { safe } from './blocks-inert.ts';

/** How a time and a person are written: for blocks (Slack shows the reader's own time zone) or for plain text. */
export type Style = { readonly when: (ms: number) => string; readonly who: (actor: Actor) => string };

const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

export const BLOCK_STYLE: Style = {
  when: (ms) => `<!date^${Math.floor(ms / 1000)}^{date_short_pretty} {time_secs}|${utc(ms)}>`,
  who: (actor) => (actor.kind === 'slack' && /^[UW][A-Z0-9]{2,20}$/.test(actor.id) ? `<@${actor.id}>` : name(actor)),
};

export const TEXT_STYLE: Style = { when: utc, who: (actor) => name(actor) };

const name = (actor: Actor): string => safe(actorName(actor), 80);

/** One sentence on the status; the reader needs nothing else to know whether something is to be done. */
export function stateSentence(incident: Incident, { when, who }: Style): string {
  const { acknowledged, resolved, openedAt, status } = incident;
  if (status === 'acknowledged' && acknowledged) {
    const after = formatDuration((acknowledged.at - openedAt) / 1000);
    return `Acknowledged by ${who(acknowledged.by)} at ${when(acknowledged.at)}, ${after} after it opened, at ${measured(incident, acknowledged.peak)}.`;
  }
  if (status === 'resolved' && resolved) {
    const after = formatDuration((resolved.at - openedAt) / 1000);
    return `Resolved as ${VERDICT_WORDS[resolved.verdict]} by ${who(resolved.by)} at ${when(resolved.at)}, ${after} after it opened, at ${measured(incident, resolved.peak)}.`;
  }
  if (status === 'merged') return `Merged: this is the same attack as ${incident.mergedInto ?? 'an older incident'}.`;
  if (status === 'withdrawn')
    return 'Withdrawn: later information took attempts out of it, and the rest does not reach the threshold.';
  const { waitingSince = openedAt } = incident;
  if (waitingSince > openedAt) return `Open again since ${when(waitingSince)}; it opened at ${when(openedAt)}.`;
  return `Open since ${when(openedAt)}; nobody has acknowledged it yet.`;
}

/** Further facts about the state, each a sentence; empty for most incidents. */
export function remarks(incident: Incident, { when }: Style): readonly string[] {
  const { owner, mutedUntil, continues, splitFrom, storm, late, exact, over, livemode, mode } = incident;
  return [
    livemode ? null : 'TEST mode: no real money is involved.',
    mode === 'shadow' ? 'The detector is in shadow mode.' : null,
    storm === null ? null : `Part of storm ${storm}: acknowledge and resolve it there.`,
    continues === null ? null : `It goes on after ${continues} was resolved.`,
    splitFrom === null ? null : `Split from ${splitFrom}.`,
    late ? 'Late: it was found after the fact.' : null,
    exact ? null : 'The count is a lower bound: the state limit was reached.',
    over ? endOf(incident) : null,
    owner === null ? null : `Owner: ${safe(owner, 80)}.`,
    mutedUntil === null ? null : `Muted until ${when(mutedUntil)}.`,
  ].filter((remark) => remark !== null);
}

function endOf({ kind, peak, openedAt, lastBreachAt }: Incident): string {
  if (kind === 'operator') return 'It is over.';
  if (kind !== 'storm') return 'The attack has stopped.';
  const lasted = formatDuration((lastBreachAt - openedAt) / 1000);
  return `The storm is over: ${plural(peak, 'incident')} in ${lasted}.`;
}

/** The note given when it was resolved, as its author wrote it but harmless; null if there is none. */
export function resolutionNote({ status, resolved }: Incident): string | null {
  if (status !== 'resolved' || resolved === null) return null;
  return safe(resolved.note, 1000) || null;
}
