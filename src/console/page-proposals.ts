// Proposals of a detector: what each would have done, and what can be done with it.
import { html } from 'hono/html';
import type { Proposal } from '../model/proposal.ts';
import type { WhatIf, WhatIfIncident } from '../model/what-if.ts';
import { formatCount, plural, SEVERITY_WORDS, VERDICT_WORDS } from '../model/words.ts';
import { rate } from './curve-chart.ts';
import type { FormContext } from './incident-forms.ts';
import { who } from './incident-words.ts';
import { clean, type Html, incidentLink, joined, outside, when } from './markup.ts';

const SHOWN = 10;
const SHOWN_INCIDENTS = 10;

export type ProposalContext = { readonly address: string; readonly forms: FormContext };

export function proposalList(proposals: readonly Proposal[], context: ProposalContext): Html {
  if (proposals.length === 0)
    return html`<p class="muted">None. The newest 200 of all detectors are kept; who does not decide within 14 days proposes again.</p>`;
  return html`<ol class="proposals">${proposals.slice(0, SHOWN).map((one) => proposalItem(one, context))}</ol>`;
}

export const progressBar = (what: string, progress: number): Html =>
  html`<p class="reading"><label>${what}: ${Math.floor(progress * 100)} % <progress max="1" value="${progress.toFixed(2)}"></progress></label></p>`;

function proposalItem(proposal: Proposal, context: ProposalContext): Html {
  const { id, state, changes, by, at, basedOn, why = '', words, progress, problem, result, decidedBy } = proposal;
  const title = changes.length === 0 ? 'No change' : changes.join(', ');
  return html`<li class="proposal ${state}" id="proposal-${id}"><p><span class="badge proposal-${state}">${state}</span> <strong>${outside(title, 400)}</strong></p>
<p class="muted">${when(at)} by ${who(by)}, from version ${basedOn}${why === '' ? null : html`: ${outside(why, 400)}`}</p>
${state === 'reading' ? progressBar('Reading what it would have done', progress) : null}
${words === '' ? null : html`<p>${outside(words, 600)}</p>`}
${problem === '' ? null : html`<p class="problem">${outside(problem, 600)}</p>`}
${result === null ? null : resultDetails(result)}
${decidedBy === null ? null : html`<p class="muted">${state} by ${who(decidedBy)}</p>`}
${decisionForms(proposal, context)}</li>`;
}

function decisionForms({ id, state, secondPerson }: Proposal, { address, forms }: ProposalContext): Html | null {
  if (state !== 'reading' && state !== 'proposed') return null;
  const form = (decision: 'apply' | 'discard', label: string, kind: string): Html =>
    html`<form method="post" action="${address}/proposals/${id}/${decision}" class="action"><input type="hidden" name="form" value="${forms.caller.formToken}"><button class="${kind}">${label}</button></form>`;
  return html`${secondPerson === undefined || secondPerson === '' ? null : html`<p class="muted">${outside(secondPerson, 400)}</p>`}<div class="actions">${
    state === 'proposed' ? form('apply', 'Apply', 'primary') : null
  }${form('discard', 'Discard', 'plain')}</div>`;
}

function resultDetails({ before, after, added, addedCount, removed, removedCount }: WhatIf): Html {
  return html`<details><summary>${rate(before.perWeek)} → ${rate(after.perWeek)} a week, incident by incident</summary>
${incidentTable('Only with the change', added, addedCount)}${incidentTable('Only without it', removed, removedCount)}${
  addedCount + removedCount === 0 ? html`<p class="muted">The same incidents.</p>` : null
}</details>`;
}

function incidentTable(title: string, incidents: readonly WhatIfIncident[], count: number): Html | null {
  if (count === 0) return null;
  const shown = incidents.slice(0, SHOWN_INCIDENTS);
  const caption = shown.length < count ? `${title}: the newest ${shown.length} of ${formatCount(count)}` : title;
  return html`<div class="scroll"><table><caption>${caption}</caption><thead><tr><th scope="col">First breach</th><th scope="col">On</th><th scope="col">Known of it</th></tr></thead>
<tbody>${shown.map(
    (one) =>
      html`<tr><td>${when(one.firstBreachAt)}</td><td>${outside(one.entity.label || one.entity.value, 60)}${one.livemode ? '' : ' (test)'}<br><span class="muted">${SEVERITY_WORDS[one.severity]}, ${plural(one.attemptCount, 'attempt')}</span></td><td>${known(one)}</td></tr>`,
  )}</tbody></table></div>`;
}

function known({ incident, disputes, earlyFraudWarnings }: WhatIfIncident): Html {
  const verdict = incident?.verdict ?? null;
  const pieces = [
    incident === null
      ? null
      : html`${incidentLink(incident.id)}${verdict === null ? '' : ` ${clean(VERDICT_WORDS[verdict], 40)}`}`,
    disputes === 0 ? null : plural(disputes, 'dispute'),
    earlyFraudWarnings === 0 ? null : plural(earlyFraudWarnings, 'warning'),
  ];
  return html`${joined(pieces, ', ')}`;
}
