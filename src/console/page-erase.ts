// Erasing a person: whom to look for, what would be taken out, how far it is, what was taken out. No page has the value itself.
import { html } from 'hono/html';
import {
  ERASE_KIND_WORDS,
  ERASE_KINDS,
  ERASE_STATE_WORDS,
  type EraseKind,
  type EraseStatus,
  type FoundFacts,
  isEraseOver,
  shareOf,
  valueWords,
} from '../model/erase-status.ts';
import { formatCount, plural } from '../model/words.ts';
import type { FormContext } from './incident-forms.ts';
import { who } from './incident-words.ts';
import { capital, clean, type Html, incidentLink, joined, outside, since } from './markup.ts';
import { progressBar } from './page-proposals.ts';

export const erasePath = (id: string): string => `/erase/${encodeURIComponent(id)}`;

const SHOWN_ERASES = 10;
const SHOWN_INCIDENTS = 50;

const CHOICES: Readonly<Record<EraseKind, readonly [label: string, hint: string]>> = {
  customer: ['Customer', 'the id in Stripe, cus_…'],
  email: ['E-mail', 'the whole address'],
  card: ['Card', 'the fingerprint, as incidents show it; never a number'],
};
/** What is to be typed again. */
const ONCE_MORE: Readonly<Record<EraseKind, string>> = {
  customer: 'The id of the customer, once more',
  email: 'The e-mail address, once more',
  card: 'The fingerprint of the card, once more',
};

export type AskView = {
  /** What was chosen before; null: nothing. */
  readonly kind: string | null;
  /** Newest first. */
  readonly erases: readonly EraseStatus[];
  readonly forms: FormContext;
};

export function askPage({ kind, erases, forms }: AskView): Html {
  const shown = erases.filter((one) => !one.dryRun || !isEraseOver(one)).slice(0, SHOWN_ERASES);
  return html`<div class="head"><h1>Erase a person</h1><p class="lead">For somebody who asks to be forgotten. A name that says nothing takes their place in windows, log, incidents, Slack and the sheet; every count and every verdict stays. Erase them in Stripe as well.</p></div>
<div data-live="under-way">${underWay(erases)}</div>
<section aria-labelledby="whom"><h2 id="whom">Whom</h2>${askForm(kind, forms)}</section>
<section aria-labelledby="lately"><h2 id="lately">Since the last start</h2><div data-live="lately">${
    shown.length === 0
      ? html`<p class="muted">Nobody was erased.</p>`
      : html`<ul class="entries">${shown.map(entry)}</ul>`
  }</div></section>`;
}

function askForm(chosen: string | null, { caller }: FormContext): Html {
  return html`<form method="post" action="/erase" autocomplete="off"><input type="hidden" name="form" value="${caller.formToken}">
<fieldset><legend>What is known of them?</legend>${ERASE_KINDS.map((kind) => {
    const [label, hint] = CHOICES[kind];
    const checked = kind === (chosen ?? 'customer') ? html` checked` : '';
    return html`<label class="choice"><input type="radio" name="kind" value="${kind}" required${checked}> <span>${label} <span class="muted">${hint}</span></span></label>`;
  })}</fieldset>
${valueField('Id, address or fingerprint')}
<button class="primary">Look what is known</button><p class="muted">What would be erased is shown first; nothing is changed yet.</p></form>`;
}

const valueField = (label: string): Html =>
  html`<label class="field value">${label}<input name="value" required autocomplete="off" autocapitalize="none" spellcheck="false"></label>`;

const entry = (one: EraseStatus): Html =>
  html`<li><a href="${erasePath(one.id)}">${capital(ERASE_KIND_WORDS[one.by])}</a>, asked by ${who(one.actor)} ${since(Date.parse(one.askedAt))}: ${stateWords(one)}</li>`;

function stateWords({ dryRun, state, found, error }: EraseStatus): Html | string {
  if (error !== null) return html`<span class="problem">failed</span>`;
  if (state === 'done') return found?.isKnown === true ? 'erased' : 'nothing was known';
  return dryRun ? 'looked for' : ERASE_STATE_WORDS[state];
}

/** Of others: what is asked meanwhile waits for it. */
function underWay(erases: readonly EraseStatus[], own: string | null = null): Html | null {
  const running = erases.findLast((one) => !isEraseOver(one));
  if (running === undefined || running.id === own) return null;
  const { id, dryRun, actor, askedAt } = running;
  return html`<p class="notice waits" role="status">${dryRun ? 'Somebody is being looked for' : 'An erase is under way'}, asked by ${who(actor)} ${since(Date.parse(askedAt))}: <a href="${erasePath(id)}">how far it is</a>. What is asked meanwhile waits for it.</p>`;
}

export type EraseView = {
  readonly status: EraseStatus;
  /** Newest first. */
  readonly erases: readonly EraseStatus[];
  readonly forms: FormContext;
};

export function erasePage({ status, erases, forms }: EraseView): Html {
  const { id, by, actor, askedAt } = status;
  return html`<p class="crumb"><a href="/erase">Erase</a> / ${capital(ERASE_KIND_WORDS[by])}</p>
<div data-live="erase"><div class="head"><h1>${title(status)}</h1><p class="muted">By ${ERASE_KIND_WORDS[by]}, asked by ${who(actor)} ${since(Date.parse(askedAt))}.</p></div>
${status.state === 'waiting' ? underWay(erases, id) : null}
${content(status, forms)}</div>`;
}

function title({ dryRun, state, found, by }: EraseStatus): string {
  if (state === 'failed') return dryRun ? 'It could not be looked for' : 'The erase failed';
  if (state === 'done' && found?.isKnown !== true) return `Nothing is known of this ${ERASE_KIND_WORDS[by]}`;
  if (state === 'done') return dryRun ? 'What would be erased' : 'Erased';
  if (state === 'waiting') return dryRun ? 'Waits to be looked for' : 'Waits to be erased';
  return dryRun ? 'Looking' : 'Erasing';
}

function content(status: EraseStatus, forms: FormContext): Html {
  const { dryRun, state, found, error } = status;
  if (error !== null)
    return html`<p class="problem">${outside(error.message, 600)}</p><p>${outside(error.help, 600)}</p>${again('Look again')}`;
  if (state !== 'done') return running(status);
  if (found === null || !found.isKnown)
    return html`<p>Neither the log nor an incident names them, so nothing was changed. If they should be known, look whether it is written as in Stripe, or look by something else.</p>${again()}`;
  const words = dryRun ? confirmation(status, forms) : after(status);
  return html`${places(found, dryRun)}${words}`;
}

const again = (label = 'Look for somebody else'): Html =>
  html`<p class="actions"><a class="button" href="/erase">${label}</a></p>`;

const MEANWHILE = {
  before: 'It goes on without this page. If the service stops before it is decided, nothing has happened: ask again.',
  decided:
    'It goes on without this page, and at the next start if the service stops. Alerts wait until the windows are made anew; nothing is lost.',
} as const;

function running({ dryRun, state, progress }: EraseStatus): Html {
  const doing = capital(ERASE_STATE_WORDS[state]);
  const bar =
    progress === null
      ? html`<p class="reading"><label>${doing} <progress></progress></label></p>`
      : progressBar(`${doing}, in ${clean(progress.what.replaceAll('-', ' '), 40)}`, shareOf(progress));
  return html`<section aria-label="Progress">${bar}<p class="muted">${
    dryRun ? 'Nothing is changed.' : MEANWHILE[state === 'redacting' ? 'decided' : 'before']
  }</p></section>`;
}

function places(
  { attempts, incidents, messages, rows, days, events, deadLetters, ...found }: FoundFacts,
  dryRun: boolean,
): Html {
  const row = (place: string, count: number, becomes: Html | string): Html =>
    html`<tr><th scope="row">${place}</th><td class="number">${formatCount(count)}</td><td>${count === 0 ? '–' : becomes}</td></tr>`;
  const letters =
    deadLetters === 0 ? '' : `; ${plural(deadLetters, 'of them is a dead letter', 'of them are dead letters')}`;
  return html`<p class="lead">${dryRun ? 'Known of them' : 'Taken out'}: ${outside(valueWords(found), 300)}.</p>
<div class="scroll taken"><table class="rows places"><thead><tr><th scope="col">Place</th><th scope="col" class="number">Naming them</th><th scope="col">${dryRun ? 'What it becomes' : 'What it became'}</th></tr></thead><tbody>
${row('Attempts', attempts, 'counted as before under the new name, in the log and in the windows')}
${row('Stored Stripe events', events, `only id, type and time are left${letters}`)}
${row('Incidents', incidents.length, html`counts, times and verdict stay: ${incidentList(incidents)}`)}
${row('Slack messages', messages, 'edited')}
${row('Rows of the sheet', rows, 'written anew')}
${row('Days of the totals', days, 'written anew')}
</tbody></table></div>`;
}

function incidentList(incidents: readonly string[]): Html {
  const more = incidents.length - SHOWN_INCIDENTS;
  return html`${joined(incidents.slice(0, SHOWN_INCIDENTS).map(incidentLink), ', ')}${more > 0 ? ` and ${formatCount(more)} more` : ''}`;
}

function confirmation({ id, by }: EraseStatus, { caller }: FormContext): Html {
  return html`<section aria-labelledby="confirm"><h2 id="confirm">Erase for good</h2>
<p>It cannot be taken back. What people wrote, exports and backups keep what they have.</p>
<form method="post" action="${erasePath(id)}" autocomplete="off"><input type="hidden" name="form" value="${caller.formToken}">
${valueField(ONCE_MORE[by])}
<div class="actions"><button class="danger">Erase for good</button><a class="button" href="/erase">Leave it</a></div></form></section>`;
}

function after({ outstanding: { messages, rows } }: EraseStatus): Html {
  const left = messages + rows;
  return html`<p>${
    left === 0
      ? 'Every message and row is told anew.'
      : `${plural(left, 'message or row is', 'messages and rows are')} still to be told anew, as Slack and Google allow.`
  } Who comes again is somebody new.</p>${again()}`;
}
