// What can be done with an incident, as forms that need no script (design §6: buttons change with the state).
import { html } from 'hono/html';
import { type Incident, NOTE_MAX_CHARACTERS, VERDICTS } from '../model/incident.ts';
import { VERDICT_WORDS } from '../model/words.ts';
import type { ActionName } from './action-body.ts';
import type { Caller } from './guard.ts';
import { clean, type Html } from './markup.ts';

const MUTE_CHOICES: readonly (readonly [value: string, label: string])[] = [
  ['30m', '30 minutes'],
  ['2h', '2 hours'],
  ['24h', '24 hours'],
  ['7d', '7 days'],
];

export type FormContext = {
  readonly caller: Caller;
  /** The page to come back to. */
  readonly back: '/preview' | null;
  /** Where an incident is shown without its detector: which that is. */
  readonly detectorOf?: (incident: string) => string | null;
};

type Target = Pick<Incident, 'id' | 'version'>;

/** One form: the token that only our own pages know, where to come back to, the fields, the button. */
export function actionForm(
  context: FormContext,
  action: ActionName,
  parts: { readonly target: Target; readonly body: Html },
): Html {
  const { caller, back } = context;
  return html`<form method="post" action="/incidents/${parts.target.id}/${action}" class="action"><input type="hidden" name="form" value="${caller.formToken}">${
    back === null ? null : html`<input type="hidden" name="back" value="${back}">`
  }${parts.body}</form>`;
}

const button = (label: string, kind: 'primary' | 'plain' = 'plain'): Html =>
  html`<button class="${kind}">${label}</button>`;

export function acknowledgeForm(context: FormContext, target: Target): Html {
  return actionForm(context, 'acknowledge', { target, body: button('Acknowledge', 'primary') });
}

export function unacknowledgeForm(context: FormContext, target: Target): Html {
  return actionForm(context, 'unacknowledge', { target, body: button('Unacknowledge') });
}

export function reopenForm(context: FormContext, target: Target): Html {
  return actionForm(context, 'reopen', { target, body: button('Reopen') });
}

export function resolveForm(context: FormContext, target: Target, isPrimary: boolean): Html {
  const body = html`<fieldset><legend>What was it?</legend>${VERDICTS.map(
    (verdict) =>
      html`<label class="choice"><input type="radio" name="verdict" value="${verdict}" required> ${VERDICT_WORDS[verdict]}</label>`,
  )}</fieldset>
<label class="field">Note <span class="muted">(optional)</span><textarea name="note" rows="2" maxlength="${NOTE_MAX_CHARACTERS}"></textarea></label>
${button('Resolve', 'primary')}`;
  return menu('Resolve…', actionForm(context, 'resolve', { target, body }), isPrimary ? 'primary' : 'plain');
}

export function muteForm(context: FormContext, target: Target, isMuted: boolean): Html {
  if (isMuted)
    return actionForm(context, 'mute', {
      target,
      body: html`<input type="hidden" name="until" value="">${button('Unmute')}`,
    });
  const body = html`<p class="muted">No posts for this detector and entity. Incidents and rows go on.</p>
<fieldset><legend>For how long?</legend>${MUTE_CHOICES.map(
    ([value, label]) =>
      html`<label class="choice"><input type="radio" name="until" value="${value}" required> ${label}</label>`,
  )}</fieldset>${button('Mute', 'primary')}`;
  return menu('Mute…', actionForm(context, 'mute', { target, body }));
}

export function assignForm(context: FormContext, target: Target, owner: string | null): Html {
  const body = html`<label class="field">Owner <input name="owner" maxlength="200" value="${clean(owner ?? context.caller.actor.name, 200)}" autocomplete="off"></label>
<p class="muted">Empty: nobody.</p>${button('Assign', 'primary')}`;
  return menu('Assign…', actionForm(context, 'assign', { target, body }));
}

export function noteForm(context: FormContext, target: Target): Html {
  const body = html`<label class="field">Note<textarea name="note" rows="3" maxlength="${NOTE_MAX_CHARACTERS}" required></textarea></label>${button('Add the note', 'primary')}`;
  return menu('Note…', actionForm(context, 'note', { target, body }));
}

/** A button that unfolds a form; works without a script. */
export function menu(label: string, body: Html, kind: 'primary' | 'plain' = 'plain'): Html {
  return html`<details class="menu"><summary class="button ${kind}">${label}</summary><div class="sheet">${body}</div></details>`;
}

export function actionBar(incident: Incident, context: FormContext, now: number): Html | null {
  const { status, mutedUntil, owner } = incident;
  const main: readonly (Html | null)[] = {
    open: [acknowledgeForm(context, incident), resolveForm(context, incident, false)],
    acknowledged: [resolveForm(context, incident, true), unacknowledgeForm(context, incident)],
    resolved: [reopenForm(context, incident)],
    merged: [],
    withdrawn: [],
  }[status];
  const isUnresolved = status === 'open' || status === 'acknowledged';
  const isMuted = mutedUntil !== null && mutedUntil > now;
  return html`<div class="actions" role="group" aria-label="Actions">${main}${
    isUnresolved || isMuted ? muteForm(context, incident, isMuted) : null
  }${isUnresolved ? assignForm(context, incident, owner) : null}${noteForm(context, incident)}</div>`;
}
