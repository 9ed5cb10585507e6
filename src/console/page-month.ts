// The month of fraud as a page: the same words as on the terminal and in the file that is written by itself.
import { html } from 'hono/html';
import { type Html, outside } from './markup.ts';
import type { MonthWords } from './options.ts';

export type MonthView = MonthWords & {
  readonly before: string;
  /** null: it has not begun yet. */
  readonly after: string | null;
};

export function monthPage({ month, scopes, before, after }: MonthView): Html {
  const others = html`<p><a href="/months/${before}">${before}</a>${after === null ? null : html` · <a href="/months/${after}">${after}</a>`}</p>`;
  return html`<div class="head"><h1>Month of fraud ${month}</h1></div>
<p class="lead">Days are of UTC. The networks’ own figures differ: these are estimates from what Stripe’s events say.</p>
${others}
${scopes.length === 0 ? html`<p class="muted">Nothing is known of this month.</p>` : scopes.map(scopeOf)}`;
}

function scopeOf({ title, notice, sections }: MonthWords['scopes'][number], index: number): Html {
  const id = `account-${index}`;
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${outside(title, 120)}</h2>
${notice === '' ? null : html`<p><strong>${outside(notice, 600)}</strong></p>`}
${sections
  .filter(({ lines }) => lines.length > 0)
  .map(
    ({ title: name, lines }) => html`<h3>${outside(name, 100)}</h3>
<dl class="facts">${lines.map(([label, figure]) => html`<dt>${outside(label, 100)}</dt><dd>${outside(figure, 400)}</dd>`)}</dl>`,
  )}</section>`;
}
