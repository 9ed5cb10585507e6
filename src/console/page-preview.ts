// Slack and the sheet as they would look, from the very blocks and rows that would be sent.
import { html } from 'hono/html';
import { renderBlocks } from './block-kit.ts';
import type { FormContext } from './incident-forms.ts';
import { clean, type Html, incidentLink, outside, when } from './markup.ts';
import { renderMrkdwn } from './mrkdwn.ts';
import type { PreviewedMessage, PreviewedSheet } from './options.ts';

const SHOWN_MESSAGES = 50;
const SHOWN_ROWS = 200;

export type PreviewView = {
  readonly messages: readonly PreviewedMessage[];
  readonly sheet: PreviewedSheet;
  readonly forms: FormContext;
};

export function previewPage({ messages, sheet, forms }: PreviewView): Html {
  return html`<div class="head"><h1>Slack &amp; sheet</h1><p class="muted">As they would look: from the messages and rows that would be sent. The buttons work.</p></div>
<section aria-labelledby="slack"><h2 id="slack">Slack</h2><div data-live="slack">${
    messages.length === 0
      ? html`<div class="empty"><p class="muted">No message yet. An incident is posted two seconds after it opened.</p></div>`
      : html`<ol class="slack">${messages.slice(0, SHOWN_MESSAGES).map((message) => slackMessage(message, forms))}</ol>`
  }</div></section>
<section aria-labelledby="sheet"><h2 id="sheet">Sheet</h2><div data-live="sheet">${sheetTable(sheet)}</div></section>`;
}

function slackMessage({ incident, postedAt, editedAt, blocks, thread }: PreviewedMessage, forms: FormContext): Html {
  return html`<li class="message" data-key="${incident}"><div class="avatar" aria-hidden="true"></div><div class="content">
<p class="from"><strong>declinewatch</strong> <span class="badge app">APP</span> <span class="muted">${when(postedAt)}${editedAt === null ? '' : html` (edited ${when(editedAt)})`} · ${incidentLink(incident)}</span></p>
<div class="blocks">${renderBlocks(blocks, forms)}</div>
${
  thread.length === 0
    ? null
    : html`<details class="thread" open><summary>${thread.length === 1 ? '1 reply' : `${thread.length} replies`}</summary><ol>${thread.map(({ at, text }) => html`<li><p class="muted">${when(at)}</p><p>${renderMrkdwn(text)}</p></li>`)}</ol></details>`
}</div></li>`;
}

function sheetTable({ headers, rows }: PreviewedSheet): Html {
  if (rows.length === 0) return html`<div class="empty"><p class="muted">No row yet.</p></div>`;
  return html`<div class="scroll sheet-table" tabindex="0" role="region" aria-label="The sheet’s rows"><table class="grid"><thead><tr><th class="corner" scope="col"><span class="visually-hidden">Row</span></th>${headers.map((header) => html`<th scope="col">${clean(header, 60)}</th>`)}</tr></thead>
<tbody>${rows.slice(0, SHOWN_ROWS).map((row, index) => html`<tr><th scope="row">${index + 2}</th>${row.map(cell)}</tr>`)}</tbody></table></div>`;
}

function cell(value: string | number | boolean | null): Html {
  if (typeof value === 'number') return html`<td class="number">${String(value)}</td>`;
  return html`<td>${value === null ? '' : outside(String(value), 300)}</td>`;
}
