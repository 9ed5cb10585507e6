// The list of incidents: newest first, by status, with filters. What is open is seen first, at a glance.
import { html } from 'hono/html';
import type { IncidentFilter, IncidentPage } from '../feed/feed.ts';
import { SEVERITIES } from '../model/detector.ts';
import { whatHappened } from '../model/headline.ts';
import { type Incident, STATUSES, type Status } from '../model/incident.ts';
import { formatMoney } from '../model/money.ts';
import { actorName, formatCount, plural, STATUS_WORDS, VERDICT_WORDS } from '../model/words.ts';
import { sparkline } from './chart.ts';
import { capital, clean, type Html, outside, severityBadge, since, statusBadge, testMark } from './markup.ts';

export type ListView = {
  readonly page: IncidentPage;
  readonly filter: IncidentFilter;
  /** As it was asked, for links that keep it. */
  readonly query: URLSearchParams;
  readonly counts: Readonly<Record<Status, number>>;
  readonly detectors: readonly string[];
};

export function listPage({ page, filter, query, counts, detectors }: ListView): Html {
  return html`<div class="head"><h1>Incidents</h1></div>
<div data-live="tabs">${tabs(counts, { filter, query })}</div>
${filters(filter, detectors)}
<div data-live="list">${
    page.incidents.length === 0 ? empty(query) : html`<ol class="incidents">${page.incidents.map(row)}</ol>`
  }${page.next === null ? null : html`<p class="pages"><a class="button" href="${withParameter(query, 'after', page.next)}" rel="next">Older</a></p>`}</div>`;
}

function tabs(counts: ListView['counts'], { filter, query }: Pick<ListView, 'filter' | 'query'>): Html {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const tab = (status: Status | null, label: string, count: number): Html =>
    html`<li><a href="${withParameter(query, 'status', status)}"${(filter.status ?? null) === status ? html` aria-current="page"` : ''}${html` class="tab${status === null ? '' : ` tab-${status}`}"`}>${label} <span class="count">${formatCount(count)}</span></a></li>`;
  return html`<nav class="tabs" aria-label="By status"><ul>${tab(null, 'All', all)}${STATUSES.map((status) => tab(status, capital(STATUS_WORDS[status]), counts[status]))}</ul></nav>`;
}

function filters(filter: IncidentFilter, detectors: readonly string[]): Html {
  const { status, severity, detector, livemode } = filter;
  const option = (value: string, label: string, chosen: boolean): Html =>
    html`<option value="${value}"${chosen ? html` selected` : ''}>${label}</option>`;
  return html`<form class="filters" method="get" action="/" role="search" aria-label="Filter the incidents">
${status === undefined ? null : html`<input type="hidden" name="status" value="${status}">`}
<label>Severity <select name="severity">${option('', 'any', severity === undefined)}${SEVERITIES.toReversed().map((one) => option(one, one, one === severity))}</select></label>
<label>Detector <select name="detector">${option('', 'any', detector === undefined)}${detectors.map((one) => option(one, clean(one, 64), one === detector))}</select></label>
<label>Mode <select name="livemode">${option('', 'live and test', livemode === undefined)}${option('true', 'live', livemode === true)}${option('false', 'test', livemode === false)}</select></label>
<label>Since <select name="since">${option('', 'ever', filter.since === undefined)}${[
    ['1h', 'an hour'],
    ['24h', 'a day'],
    ['7d', 'a week'],
    ['30d', '30 days'],
  ].map(([value = '', label = '']) => option(value, label, false))}</select></label>
<button>Filter</button></form>`;
}

function row(incident: Incident): Html {
  const { id, severity, status, title, openedAt, attemptCount, evidence, storm } = incident;
  const isUnresolved = status === 'open' || status === 'acknowledged';
  const [money] = evidence.amounts;
  return html`<li id="${id}" data-key="${id}" class="incident severity-${severity} ${isUnresolved ? 'unresolved' : 'closed'}${storm === null ? '' : ' in-storm'}">
<div class="marks">${severityBadge(severity)}${testMark(incident)}</div>
<div class="what"><a href="/incidents/${id}" class="headline"><span class="id">${id}</span> <bdi>${capital(whatHappened(incident, clean))}</bdi></a>
<p class="sub">${outside(title, 120)} · ${plural(attemptCount, 'attempt')}${
    money === undefined ? '' : html` · ${formatMoney(money.amount, money.currency)}`
  } · opened ${since(openedAt)}${storm === null ? '' : html` · <span class="together">in storm ${clean(storm, 20)}</span>`}</p></div>
<div class="shape">${sparkline(incident)}</div>
<div class="state">${statusBadge(status)}<span class="by">${stateBy(incident)}</span></div>
</li>`;
}

function stateBy({ status, acknowledged, resolved, mergedInto, owner }: Incident): Html | string {
  if (status === 'acknowledged' && acknowledged) return html`by ${outside(actorName(acknowledged.by), 30)}`;
  if (status === 'resolved' && resolved) return VERDICT_WORDS[resolved.verdict];
  if (status === 'merged' && mergedInto !== null) return `into ${mergedInto}`;
  return owner === null ? '' : outside(owner, 30);
}

function empty(query: URLSearchParams): Html {
  const isFiltered = [...query.values()].some((value) => value !== '');
  return html`<div class="empty"><p><strong>${isFiltered ? 'Nothing matches.' : 'No incidents yet.'}</strong></p><p class="muted">${
    isFiltered
      ? html`<a href="/">Show all incidents</a>`
      : 'They appear here by themselves, as soon as a detector sees one.'
  }</p></div>`;
}

/** The same list with one parameter changed, from its first page. */
function withParameter(query: URLSearchParams, name: string, value: string | null): string {
  const changed = new URLSearchParams([...query].filter(([key, own]) => key !== name && key !== 'after' && own !== ''));
  if (value !== null) changed.set(name, value);
  return changed.size === 0 ? '/' : `/?${changed}`;
}
