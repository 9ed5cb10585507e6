// How every part is, what to do about what is not fine, and what could not be told.
import { html } from 'hono/html';
import type { Delivery } from '../model/delivery.ts';
import { plural } from '../model/words.ts';
import { clean, type Html, incidentLink, outside, when } from './markup.ts';
import type { Health, HealthPart } from './options.ts';

const WORDS = { fine: 'fine', degraded: 'degraded', down: 'down' } as const;
const SHOWN = 100;

/** `deadLetters`: how many wait; null: this process does not know. */
export function healthPage({ ready, parts }: Health, failed: readonly Delivery[], deadLetters: number | null): Html {
  return html`<div class="head"><h1>Health</h1></div>
<div data-live="health"><p class="lead">${ready ? 'Ready: events are taken and handled.' : html`<strong>Not ready.</strong> What is down is named below.`}</p>
<ul class="parts">${parts.map(part)}</ul></div>
<section aria-labelledby="failed"><h2 id="failed">Could not be told</h2><div data-live="failed">${failedList(failed)}</div></section>
${deadLetters === null ? null : html`<section aria-labelledby="dead"><h2 id="dead">Could not be handled</h2><div data-live="dead"><p>${deadLetters === 0 ? 'Nothing waits. ' : html`<strong>${plural(deadLetters, 'dead letter')}</strong> ${deadLetters === 1 ? 'waits' : 'wait'} for somebody. `}<a href="/dead-letters">Dead letters</a></p></div></section>`}`;
}

function part({ name, state, message, help }: HealthPart): Html {
  return html`<li class="part ${state}"><span class="badge part-${state}">${WORDS[state]}</span><div><strong>${clean(name, 60)}</strong> <span>${outside(message, 400)}</span>${help === '' ? '' : html`<p class="muted">${outside(help, 400)}</p>`}</div></li>`;
}

function failedList(failed: readonly Delivery[]): Html {
  if (failed.length === 0) return html`<p class="muted">Everything was told.</p>`;
  return html`<ul class="entries">${failed
    .slice(0, SHOWN)
    .map(
      ({ output, subject, at, error, tries }) =>
        html`<li>${incidentLink(subject)} to ${clean(output, 40)}, ${when(at)}, tried ${tries} times: <span class="problem">${outside(error ?? 'no reason known', 300)}</span></li>`,
    )}</ul>${failed.length > SHOWN ? html`<p class="muted">And ${failed.length - SHOWN} more: GET /api/deliveries?state=failed lists them.</p>` : null}`;
}
