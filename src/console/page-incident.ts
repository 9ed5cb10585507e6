// One incident: what happened, how it grew, who did what, who was told, and what can be done.
import { html } from 'hono/html';
import { describeCode } from '../attempts/codes.ts';
import type { TimelineEntry } from '../feed/feed.ts';
import { ladder } from '../model/detector.ts';
import { measured, valueInWords, whatHappened } from '../model/headline.ts';
import type { Incident } from '../model/incident.ts';
import { formatMoney } from '../model/money.ts';
import { customerUrl } from '../model/stripe-url.ts';
import { formatCount, formatDuration, OUTCOME_WORDS, plural } from '../model/words.ts';
import { chartFigure } from './chart.ts';
import type { IncidentDetailJson, Latency } from './incident-detail.ts';
import { actionBar, type FormContext } from './incident-forms.ts';
import { remarks, stateSentence, timelineDetail, timelineTitle, who } from './incident-words.ts';
import {
  capital,
  clean,
  cleanLines,
  type Html,
  joined,
  link,
  outside,
  severityBadge,
  statusBadge,
  testMark,
  when,
} from './markup.ts';

export type IncidentView = {
  readonly incident: Incident;
  readonly detail: IncidentDetailJson;
  readonly timeline: readonly TimelineEntry[];
  readonly forms: FormContext;
  readonly now: number;
};

export function incidentPage({ incident, detail, timeline, forms, now }: IncidentView): Html {
  const { id, severity, status, title, why, resolved } = incident;
  return html`<article class="one severity-${severity}">
<div data-live="head"><p class="crumb"><a href="/">Incidents</a> / ${id}</p>
<p class="marks">${severityBadge(severity)} ${statusBadge(status)} ${testMark(incident)}</p>
<h1><bdi>${capital(whatHappened(incident, clean))}</bdi></h1>
<p class="lead">${stateSentence(incident)}</p>
${resolved !== null && resolved.note.trim() !== '' ? html`<blockquote class="lines"><bdi>${cleanLines(resolved.note)}</bdi></blockquote>` : null}
${remarkList(remarks(incident, now))}</div>
<div data-live="actions">${actionBar(incident, forms, now)}</div>
<div class="columns">
<div class="wide">
<section data-live="chart" aria-labelledby="shape"><h2 id="shape">Over time</h2>${chartFigure(incident) ?? html`<p class="muted">No values were recorded.</p>`}</section>
<section data-live="reasons" aria-labelledby="reasons"><h2 id="reasons">Reasons</h2>${reasons(incident)}</section>
<section data-live="members" aria-labelledby="members"><h2 id="members">Attempts</h2>${members(detail, incident)}</section>
</div>
<div class="narrow">
<section data-live="facts" aria-labelledby="facts"><h2 id="facts">Facts</h2>${facts(incident)}<p class="muted">${outside(title, 120)}: ${outside(why, 600)}</p></section>
<section data-live="timeline" aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>${timelineList(timeline, incident)}</section>
<section data-live="deliveries" aria-labelledby="deliveries"><h2 id="deliveries">Told</h2>${deliveries(detail)}</section>
</div>
</div></article>`;
}

const remarkList = (all: readonly Html[]): Html | null =>
  all.length === 0 ? null : html`<ul class="remarks">${all.map((remark) => html`<li>${remark}</li>`)}</ul>`;

function facts(incident: Incident): Html {
  const { entity, peak, thresholds, evidence, attemptCount, windowS, account, kind } = incident;
  const { cards, customers, emails, ips } = evidence.distinct;
  const distinct = [
    cards > 0 ? plural(cards, 'card') : '',
    customers > 0 ? plural(customers, 'customer') : '',
    emails > 0 ? plural(emails, 'e-mail address', 'e-mail addresses') : '',
    ips > 0 ? plural(ips, 'IP address', 'IP addresses') : '',
  ].filter((part) => part !== '');
  const words: Readonly<Record<string, string>> = OUTCOME_WORDS;
  const outcomes = Object.entries(evidence.outcomes).filter(([outcome, count]) => outcome !== '' && count > 0);
  const amounts = evidence.amounts.map(
    ({ currency, amount, count }) => `${formatMoney(amount, currency)} in ${plural(count, 'attempt')}`,
  );
  const rows: readonly (readonly [string, Html | string | readonly (Html | string)[] | null])[] = [
    [
      'On',
      link(
        entity.kind === 'customer' ? customerUrl(entity.value, incident) : null,
        html`${outside(entity.label || entity.value, 120)} <span class="muted">${kind === 'episode' ? clean(entity.kind, 60) : ''}</span>`,
      ),
    ],
    ['Peak', kind === 'episode' ? `${measured(incident, peak)} in ${formatDuration(windowS)}` : null],
    ['Incidents', kind === 'storm' ? formatCount(peak) : null],
    [
      'Thresholds',
      kind === 'episode'
        ? ladder(thresholds)
            .map(({ severity, value }) => `${severity} ${valueInWords(value, incident)}`)
            .join(', ')
        : null,
    ],
    ['Attempts', attemptCount === 0 ? null : formatCount(attemptCount)],
    [
      'Outcomes',
      joined(
        outcomes.map(([outcome, count]) => html`${formatCount(count)} ${clean(words[outcome] ?? outcome, 40)}`),
        ', ',
      ),
    ],
    ['At stake', joined(amounts, html`<br>`)],
    ['Distinct', distinct.join(', ')],
    ['First attempt', when(incident.firstAttemptAt)],
    [
      'Last attempt',
      html`${when(incident.lastAttemptAt)} <span class="muted">after ${formatDuration((incident.lastAttemptAt - incident.firstAttemptAt) / 1000)}</span>`,
    ],
    ['First breach', when(incident.firstBreachAt)],
    ['Account', account === null ? null : outside(account, 60)],
    [
      'Detector',
      html`<a href="/detectors/${encodeURIComponent(incident.detector)}">${clean(incident.detector, 64)}</a> <span class="muted">version ${incident.settingsVersion}</span>`,
    ],
  ];
  return html`<dl class="facts">${rows.map(([name, value]) =>
    value === null || value === '' || (Array.isArray(value) && value.length === 0)
      ? null
      : html`<dt>${name}</dt><dd>${value}</dd>`,
  )}</dl>`;
}

function reasons({ evidence }: Incident): Html {
  const codes = evidence.codes.filter(({ code }) => code !== '');
  const most = Math.max(1, ...codes.map(({ count }) => count));
  if (codes.length === 0) return html`<p class="muted">No codes were given.</p>`;
  return html`<ul class="bars">${codes.map(
    ({ code, count }) =>
      html`<li><span class="bar-label">${clean(describeCode(code), 60)}</span><svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="8" class="bar-back" rx="2"/><rect width="${((count / most) * 100).toFixed(1)}" height="8" class="bar-value" rx="2"/></svg><span class="number">${formatCount(count)}</span></li>`,
  )}</ul>`;
}

function members({ attempts }: IncidentDetailJson, incident: Incident): Html {
  if (attempts.length === 0) return html`<p class="muted">None are known.</p>`;
  const words: Readonly<Record<string, string>> = OUTCOME_WORDS;
  const { trigger } = incident.evidence;
  return html`<div class="scroll"><table class="members"><caption>${
    attempts.length < incident.attemptCount
      ? `The newest ${formatCount(attempts.length)} of ${formatCount(incident.attemptCount)}`
      : `All ${formatCount(attempts.length)}`
  }, newest first</caption>
<thead><tr><th scope="col">Time</th><th scope="col">Outcome</th><th scope="col">Reason</th><th scope="col" class="number">Amount</th><th scope="col">Card</th><th scope="col">In Stripe</th></tr></thead>
<tbody>${attempts.map(
    ({
      id,
      at,
      outcome,
      code,
      amount,
      currency,
      card,
      url,
    }) => html`<tr${id === trigger?.id ? html` class="trigger"` : ''}>
<td>${when(Date.parse(at))}</td><td>${clean(words[outcome] ?? outcome, 40)}</td><td>${code === '' ? '' : clean(describeCode(code), 60)}</td>
<td class="number">${amount === null || currency === null ? '' : formatMoney(amount, currency)}</td><td>${card === null ? '' : outside(card, 40)}</td><td class="code">${link(url, outside(id, 60))}</td></tr>`,
  )}</tbody></table></div>`;
}

function timelineList(timeline: readonly TimelineEntry[], incident: Incident): Html {
  return html`<ol class="timeline">${timeline.toReversed().map((entry) => {
    const detail = timelineDetail(entry, incident);
    return html`<li class="change-${entry.type}"><p><strong>${timelineTitle(entry)}</strong>${detail === null ? '' : html` — ${detail}`}</p>
<p class="muted">${when(entry.at)}${entry.actor.kind === 'engine' ? '' : html` by ${who(entry.actor)}`}</p></li>`;
  })}</ol>`;
}

const OUTPUTS: Readonly<Record<string, string>> = {
  slack: 'Slack',
  sheets: 'Sheet',
  'preview-slack': 'Slack (preview)',
  'preview-sheets': 'Sheet (preview)',
};
const STATES = { posting: 'under way', posted: 'done', failed: 'failed' } as const;

function deliveries({ deliveries: all, latency }: IncidentDetailJson): Html {
  const list =
    all.length === 0
      ? html`<p class="muted">Nobody has been told yet.</p>`
      : html`<ul class="deliveries">${all.map(
          ({ output, state, version, at, url, error }) =>
            html`<li class="${state}"><span class="badge delivery-${state}">${STATES[state]}</span> ${link(url, OUTPUTS[output] ?? output)} <span class="muted">version ${version}, ${when(Date.parse(at))}</span>${error === null ? '' : html`<br><span class="problem">${outside(error, 300)}</span>`}</li>`,
        )}</ul>`;
  return html`${list}${latencyList(latency)}`;
}

function latencyList({ stripeToReceivedMs, receivedToOpenedMs, openedToSlackMs }: Latency): Html | null {
  const rows = [
    ['Stripe → received', stripeToReceivedMs],
    ['Received → opened', receivedToOpenedMs],
    ['Opened → told', openedToSlackMs],
  ] as const;
  if (rows.every(([, ms]) => ms === null)) return null;
  return html`<dl class="facts latency">${rows.map(([name, ms]) => (ms === null ? null : html`<dt>${name}</dt><dd>${milliseconds(ms)}</dd>`))}</dl>`;
}

const milliseconds = (ms: number): string =>
  ms < 10_000 ? `${(ms / 1000).toFixed(ms < 1_000 ? 3 : 2)} s` : formatDuration(ms / 1000);
