// Dead letters: what could not be handled, why, and what is to be done about it.
import { html } from 'hono/html';
import { type DeadLetter, deadLetterId, isOfOutput, type RecordFacts } from '../model/dead-letter.ts';
import { formatCount, plural } from '../model/words.ts';
import { type FormContext, menu } from './incident-forms.ts';
import { clean, type Html, incidentLink, outside, visible, when } from './markup.ts';

/** `/dead-letters/stripe-events/0/1041`: a proxy may take an encoded slash for a plain one. */
export const letterPath = (id: string): string => `/dead-letters/${id.split('/').map(encodeURIComponent).join('/')}`;

/** Of one page, and so of one press of "all". */
export const SHOWN_LETTERS = 200;

export type DeadLettersView = {
  /** Those asked for, newest first. */
  readonly letters: readonly DeadLetter[];
  /** Of everything that waits: what can be asked for. */
  readonly sources: readonly string[];
  readonly reasons: readonly string[];
  readonly asked: { readonly source: string | null; readonly reason: string | null };
  readonly forms: FormContext;
};

export function deadLettersPage({ letters, sources, reasons, asked, forms }: DeadLettersView): Html {
  const shown = letters.slice(0, SHOWN_LETTERS);
  return html`<p class="crumb"><a href="/health">Health</a> / Dead letters</p>
<div class="head"><h1>Dead letters</h1><p class="lead">What could not be handled is kept here with its reason, and stops nothing else. Retry it once the cause is mended, or drop it.</p></div>
<form method="get" action="/dead-letters" class="filters">${choice('source', sources, asked.source)}${choice('reason', reasons, asked.reason)}<button>Show</button></form>
<div data-live="letters">${
    shown.length === 0
      ? html`<div class="empty"><p><strong>Nothing waits${asked.source === null && asked.reason === null ? '' : ' of this kind'}.</strong></p></div>`
      : html`<p>${shown.length < letters.length ? `The newest ${formatCount(shown.length)} of ${formatCount(letters.length)}.` : plural(letters.length, 'dead letter')}</p>
${allForms(shown, forms)}
<div class="scroll"><table class="rows"><thead><tr><th scope="col">When</th><th scope="col">Source</th><th scope="col">Reason</th><th scope="col">About</th><th scope="col" class="number">Tried</th><th scope="col">What was wrong</th></tr></thead><tbody>${shown.map(letterRow)}</tbody></table></div>`
  }</div>`;
}

function choice(name: string, values: readonly string[], chosen: string | null): Html {
  const all = chosen === null || values.includes(chosen) ? values : [...values, chosen];
  return html`<label>${name}<select name="${name}"><option value="">all</option>${all.map((value) => html`<option value="${clean(value, 100)}"${value === chosen ? html` selected` : ''}>${clean(value, 60)}</option>`)}</select></label>`;
}

function letterRow(letter: DeadLetter): Html {
  const { source, reason, message, tries, at, subject } = letter;
  return html`<tr><th scope="row"><a href="${letterPath(deadLetterId(letter))}">${when(at)}</a></th><td>${clean(source, 40)}</td><td class="code">${clean(reason, 60)}</td><td class="code">${about(subject)}</td><td class="number">${formatCount(tries)}</td><td>${outside(message, 160)}</td></tr>`;
}

const about = (subject: string | null): Html => (subject === null ? html`–` : incidentLink(subject));

/** The very ones that are listed: what comes meanwhile is not dropped unseen. */
function allForms(letters: readonly DeadLetter[], forms: FormContext): Html {
  const ids = letters.map(deadLetterId);
  const count = plural(ids.length, 'dead letter');
  return html`<div class="actions">${menu('Retry all…', confirm({ action: 'retry', ids, forms, label: `Retry ${count}`, words: `The ${count} listed here go through the same door again.` }))}${menu(
    'Drop all…',
    confirm({
      action: 'drop',
      ids,
      forms,
      label: `Drop ${count}`,
      words: `The ${count} listed here are given up for good.`,
    }),
  )}</div>`;
}

type Confirmation = {
  readonly action: 'retry' | 'drop';
  readonly ids: readonly string[];
  readonly forms: FormContext;
  readonly label: string;
  readonly words: string;
};

function confirm({ action, ids, forms, label, words }: Confirmation): Html {
  return html`<p>${words}</p><form method="post" action="/dead-letters/${action}"><input type="hidden" name="form" value="${forms.caller.formToken}">${ids.map((id) => html`<input type="hidden" name="id" value="${id}">`)}<button class="primary">${label}</button></form>`;
}

export type DeadLetterView = {
  readonly letter: DeadLetter;
  readonly record: RecordFacts | null;
  readonly forms: FormContext;
};

export function deadLetterPage({ letter, record, forms }: DeadLetterView): Html {
  const { source, reason, message, tries, at, subject } = letter;
  const id = deadLetterId(letter);
  return html`<p class="crumb"><a href="/health">Health</a> / <a href="/dead-letters">Dead letters</a> / <bdi>${clean(id, 100)}</bdi></p>
<h1><bdi>${clean(reason, 80)}</bdi></h1>
<p class="lead">${outside(message, 600)}</p>
<div class="actions">${
    isOfOutput(letter)
      ? html`<p class="muted">It is tried again by itself every 5 minutes, and whenever the incident changes.</p>`
      : menu('Retry…', confirm({ action: 'retry', ids: [id], forms, label: 'Retry', words: retryWords(source) }))
  }${menu('Drop…', confirm({ action: 'drop', ids: [id], forms, label: 'Drop', words: 'It is given up for good. That it was, by whom and when, is recorded.' }))}</div>
<div class="columns"><div class="wide"><section aria-labelledby="content"><h2 id="content">Content</h2>${content(letter, record)}</section></div>
<div class="narrow"><section aria-labelledby="facts"><h2 id="facts">Facts</h2><dl class="facts"><dt>Source</dt><dd>${clean(source, 60)}</dd><dt>About</dt><dd class="code">${about(subject)}</dd><dt>When</dt><dd>${when(at)}</dd><dt>Tried</dt><dd>${plural(tries, 'time')}</dd>
${record === null ? null : html`<dt>Received</dt><dd>${when(Date.parse(record.receivedAt))}</dd><dt>Size</dt><dd>${plural(record.bytes, 'byte')}</dd>${record.type === null ? null : html`<dt>Event</dt><dd class="code">${outside(record.type, 100)}</dd>`}`}</dl></section></div></div>`;
}

const retryWords = (source: string): string =>
  source === 'stripe-events'
    ? 'It is taken in as if Stripe had sent it now, so what comes of it may be late.'
    : 'It goes through the same door again.';

function content(letter: DeadLetter, record: RecordFacts | null): Html {
  if (isOfOutput(letter)) return html`<p class="muted">It is what the incident shows: an output refused it.</p>`;
  if (record === null) return html`<p class="muted">The log no longer has its record: it can only be dropped.</p>`;
  if (record.outline === null) return html`<p class="muted">It is no JSON: nothing of it can be shown.</p>`;
  return html`<p class="muted">Only ids, codes, amounts and times are shown; everything that could tell of a person is left out.</p><pre class="outline" tabindex="0"><bdi>${visible(record.outline)}</bdi></pre>`;
}
