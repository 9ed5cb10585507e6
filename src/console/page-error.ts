// What went wrong, as a page: what, and what to do about it.
import { html } from 'hono/html';
import type { ErrorJson, ErrorStatus } from './errors.ts';
import { clean, type Html } from './markup.ts';

export function errorBody({ message, help, details }: ErrorJson['error'], status: ErrorStatus): Html {
  return html`<div class="head"><h1>${status === 404 ? 'Not found' : 'This did not work'}</h1></div><p class="lead">${clean(message, 600)}</p>
${details.length === 0 ? null : html`<ul>${details.map(({ path, message: own }) => html`<li><code>${clean(path, 100)}</code> ${clean(own, 300)}</li>`)}</ul>`}
<p class="muted">${clean(help, 600)}</p><p><a href="/">To the incidents</a></p>`;
}
