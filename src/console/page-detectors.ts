// Detectors: what each counts, what it led to, its history, and a form for what is tuned most: thresholds and mode.
import { html } from 'hono/html';
import type { Mute } from '../feed/feed.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import { type DetectorSettings, ladder, MODES, SEVERITIES } from '../model/detector.ts';
import { valueInWords } from '../model/headline.ts';
import { VERDICTS } from '../model/incident.ts';
import { formatCount, formatDuration, VERDICT_WORDS } from '../model/words.ts';
import type { DetectorCounts } from './detector-json.ts';
import { fileForm } from './detector-json.ts';
import { actionForm, type FormContext } from './incident-forms.ts';
import { who } from './incident-words.ts';
import { clean, type Html, incidentLink, outside, when } from './markup.ts';

export type DetectorsView = {
  readonly settings: readonly AcceptedSettings[];
  readonly counts: ReadonlyMap<string, DetectorCounts>;
  readonly mutes: readonly Mute[];
  readonly forms: FormContext;
};

export function detectorsPage({ settings, counts, mutes, forms }: DetectorsView): Html {
  return html`<div class="head"><h1>Detectors</h1></div>
<div data-live="detectors">${
    settings.length === 0
      ? html`<div class="empty"><p><strong>No detectors are in force.</strong></p><p class="muted">They come from detectors.yaml.</p></div>`
      : html`<div class="scroll"><table class="rows"><thead><tr><th scope="col">Detector</th><th scope="col">Mode</th><th scope="col">Thresholds</th><th scope="col">Window</th><th scope="col">Counted on</th><th scope="col" class="number">Open</th><th scope="col" class="number">Incidents</th><th scope="col" class="number">Fraud</th></tr></thead><tbody>${settings.map((one) => detectorRow(one, counts.get(one.rule.detector)))}</tbody></table></div>`
  }</div>
<section data-live="mutes" aria-labelledby="mutes"><h2 id="mutes">Mutes</h2>${muteList(mutes, forms)}</section>`;
}

function detectorRow({ rule }: AcceptedSettings, counts: DetectorCounts | undefined): Html | null {
  const { settings } = rule;
  if (settings === null) return null;
  const { name, title, mode, windowS, per } = settings;
  const open = (counts?.open ?? 0) + (counts?.acknowledged ?? 0);
  return html`<tr><th scope="row"><a href="/detectors/${encodeURIComponent(name)}">${clean(name, 64)}</a><br><span class="muted below">${outside(title, 120)}</span></th>
<td><span class="badge mode-${mode}">${mode}</span></td><td>${thresholdWords(settings)}</td><td>${formatDuration(windowS)}</td><td>${clean(per, 60)}</td>
<td class="number">${open === 0 ? '0' : html`<a href="/?detector=${encodeURIComponent(name)}">${formatCount(open)}</a>`}</td><td class="number">${formatCount(counts?.incidents ?? 0)}</td><td class="number">${formatCount(counts?.verdicts.fraud ?? 0)}</td></tr>`;
}

const thresholdWords = (settings: DetectorSettings): string =>
  ladder(settings.thresholds)
    .map(({ severity, value }) => `${severity} ${valueInWords(value, settings)}`)
    .join(', ');

function muteList(mutes: readonly Mute[], forms: FormContext): Html {
  if (mutes.length === 0) return html`<p class="muted">Nothing is muted.</p>`;
  return html`<ul class="entries">${mutes.map(
    ({ detector, entity, until, incident, livemode }) =>
      html`<li>${clean(detector, 64)} on ${outside(entity.label || entity.value, 80)}${livemode ? '' : ' (test)'} until ${when(until)}, set on ${incidentLink(incident)} ${actionForm(
        forms,
        'mute',
        {
          target: { id: incident, version: 0 },
          body: html`<input type="hidden" name="until" value=""><button class="quiet">Unmute</button>`,
        },
      )}</li>`,
  )}</ul>`;
}

export type DetectorView = {
  /** Oldest first, not empty. */
  readonly history: readonly AcceptedSettings[];
  readonly current: AcceptedSettings;
  readonly counts: DetectorCounts | undefined;
  readonly forms: FormContext;
  /** What was sent and not accepted. */
  readonly sent: URLSearchParams | null;
  /** This process can say what other thresholds would have done. */
  readonly hasCurve: boolean;
};

export function detectorPage({ history, current, counts, forms, sent, hasCurve }: DetectorView): Html {
  const { detector, version, settings, sinceS } = current.rule;
  const name = clean(detector, 64);
  return html`<p class="crumb"><a href="/detectors">Detectors</a> / ${name}</p>
<h1>${settings === null ? name : html`<bdi>${clean(settings.title, 120)}</bdi>`}</h1>
<p class="lead">${settings === null ? 'Removed: it counts nothing.' : outside(settings.why, 600)}</p>
${settings === null || !hasCurve ? null : html`<p><a class="button" href="/detectors/${encodeURIComponent(settings.name)}/curve">What other thresholds would have done</a></p>`}
<div class="columns"><div class="wide">
${settings === null ? null : html`<section aria-labelledby="change"><h2 id="change">Change</h2>${changeForm(settings, { version, forms, sent })}</section>`}
<section data-live="history" aria-labelledby="history"><h2 id="history">History</h2>${historyList(history)}</section>
</div><div class="narrow">
<section data-live="facts" aria-labelledby="facts"><h2 id="facts">In force</h2><dl class="facts"><dt>Version</dt><dd>${version}</dd><dt>Since</dt><dd>${sinceS === 0 ? 'the beginning' : when(sinceS * 1000)}</dd>
${settings === null ? null : Object.entries(fileForm(settings)).map(([field, value]) => (field === 'title' || field === 'why' || field === 'name' ? null : html`<dt>${field}</dt><dd class="code"><bdi>${shown(value)}</bdi></dd>`))}</dl></section>
<section data-live="counts" aria-labelledby="counts"><h2 id="counts">Led to</h2><dl class="facts"><dt>Incidents</dt><dd><a href="/?detector=${encodeURIComponent(detector)}">${formatCount(counts?.incidents ?? 0)}</a></dd><dt>Open</dt><dd>${formatCount(counts?.open ?? 0)}</dd><dt>Acknowledged</dt><dd>${formatCount(counts?.acknowledged ?? 0)}</dd>
${VERDICTS.map((verdict) => html`<dt>${VERDICT_WORDS[verdict]}</dt><dd>${formatCount(counts?.verdicts[verdict] ?? 0)}</dd>`)}</dl></section>
</div></div>`;
}

type Change = { readonly version: number; readonly forms: FormContext; readonly sent: URLSearchParams | null };

function changeForm(settings: DetectorSettings, { version, forms, sent }: Change): Html {
  const { name, thresholds, mode, count } = settings;
  const step = count === 'ratio' ? 'any' : '1';
  return html`<form method="post" action="/detectors/${encodeURIComponent(name)}" class="change">
<input type="hidden" name="form" value="${forms.caller.formToken}"><input type="hidden" name="basedOn" value="${version}">
<div class="fields">${SEVERITIES.map(
    (severity) =>
      html`<label class="field">${severity}<input type="number" name="${severity}" min="0" step="${step}" inputmode="decimal" value="${sent?.get(severity) ?? thresholds[severity] ?? ''}"></label>`,
  )}<label class="field">mode<select name="mode">${MODES.map((one) => html`<option value="${one}"${(sent?.get('mode') ?? mode) === one ? html` selected` : ''}>${one}</option>`)}</select></label></div>
<p class="muted">${count === 'ratio' ? 'Thresholds of a ratio are fractions: 0.4 is 40 %. ' : ''}An empty threshold is none. In force 10 s after it is accepted; what was told before is not rewritten.</p>
<label class="field">Why<input name="why" maxlength="500" value="${sent?.get('why') ?? ''}" autocomplete="off"></label>
<button class="primary">Change</button></form>`;
}

function historyList(history: readonly AcceptedSettings[]): Html {
  return html`<ol class="timeline" reversed>${history.toReversed().map((accepted, index) => {
    const before = history[history.length - 2 - index]?.rule.settings ?? null;
    const { rule, at, actor, why } = accepted;
    return html`<li><p><strong>Version ${rule.version}</strong> — ${why === '' ? html`<span class="muted">no reason given</span>` : outside(why, 500)}</p>
<p class="muted">${when(at)} by ${who(actor)}</p>${differences(before, rule.settings)}</li>`;
  })}</ol>`;
}

export function differences(before: DetectorSettings | null, after: DetectorSettings | null): Html | null {
  if (after === null) return html`<p>Removed.</p>`;
  if (before === null) return null;
  const was = fileForm(before);
  const changed = Object.entries({ ...was, ...fileForm(after) }).flatMap(([field]) => {
    const [from, to] = [shown(was[field]), shown(fileForm(after)[field])];
    return from === to ? [] : [{ field, from, to }];
  });
  if (changed.length === 0) return null;
  return html`<dl class="facts">${changed.map(({ field, from, to }) => html`<dt>${field}</dt><dd class="code"><del><bdi>${from}</bdi></del> → <ins><bdi>${to}</bdi></ins></dd>`)}</dl>`;
}

function shown(value: unknown): string {
  if (value === undefined) return 'none';
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    return Object.entries(value)
      .map(([name, own]) => `${name} ${String(own)}`)
      .join(', ');
  return clean(typeof value === 'string' ? value : JSON.stringify(value), 400);
}
