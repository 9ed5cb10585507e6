// The curve of a detector: what each threshold over each window would have led to, what the past suggests, and changes that are
// tried before they are in force.
import { html } from 'hono/html';
import type { AcceptedSettings } from '../model/commands.ts';
import type { CurveReading, Suggestion, Surface } from '../model/curve.ts';
import { type DetectorSettings, ladder, MODES, SEVERITIES } from '../model/detector.ts';
import { valueInWords } from '../model/headline.ts';
import type { Proposal } from '../model/proposal.ts';
import type { Promotion } from '../model/suggestions.ts';
import { formatDuration, plural } from '../model/words.ts';
import { curveFigure, curvePictures, curveTable, pointsOf, SUGGESTION_WORDS } from './curve-chart.ts';
import { type FormContext, menu } from './incident-forms.ts';
import { capital, clean, type Html, outside, when } from './markup.ts';
import { differences } from './page-detectors.ts';
import { progressBar, proposalList } from './page-proposals.ts';
import { durationText } from './times.ts';

export type CurveView = {
  readonly current: AcceptedSettings;
  readonly settings: DetectorSettings;
  /** In force before; null: nothing, or it had been removed. */
  readonly before: { readonly version: number; readonly settings: DetectorSettings } | null;
  readonly reading: CurveReading;
  /** Seconds. */
  readonly windowS: number;
  /** Of this detector, newest first. */
  readonly proposals: readonly Proposal[];
  /** null: it is not in the shadow, or not for long enough. */
  readonly promotion: Promotion | null;
  readonly forms: FormContext;
  /** What was sent and not accepted. */
  readonly sent: URLSearchParams | null;
};

export function curvePage(view: CurveView): Html {
  const { settings, proposals, forms, current } = view;
  const name = clean(settings.name, 64);
  const address = `/detectors/${encodeURIComponent(settings.name)}`;
  return html`<p class="crumb"><a href="/detectors">Detectors</a> / <a href="${address}">${name}</a> / Curve</p>
<h1><bdi>${clean(settings.title, 120)}</bdi>: what other thresholds would have done</h1>
<p class="lead">In force: ${inForce(settings)}. Nothing here changes anything until somebody applies it.</p>
<div class="columns curve-columns"><div class="wide">
<section data-live="curve" aria-labelledby="curve"><h2 id="curve">The last 30 days</h2>${curveSection(view)}</section>
</div><div class="narrow">
<section data-live="suggestions" aria-labelledby="suggestions"><h2 id="suggestions">Suggested</h2>${suggestions(view)}</section>
<section aria-labelledby="try"><h2 id="try">Try a change</h2>${tryForm(view)}</section>
<section data-live="proposals" aria-labelledby="proposals"><h2 id="proposals">Proposals</h2>${proposalList(proposals, { address, forms })}${revertForm(view, address)}</section>
<p class="muted">Version ${current.rule.version}. <a href="${address}">Its history, and all of its settings</a></p>
</div></div>`;
}

function inForce(settings: DetectorSettings): string {
  const thresholds = ladder(settings.thresholds).map(
    ({ severity, value }) => `${severity} ${valueInWords(value, settings)}`,
  );
  return `${thresholds.join(', ')} in ${formatDuration(settings.windowS)}, mode ${settings.mode}`;
}

function curveSection({ reading, settings, windowS, forms, current }: CurveView): Html {
  const { surface, progress, problem, version } = reading;
  const running = progress === null ? null : progressBar('Reading the last 30 days', progress);
  const failed =
    problem === null || progress !== null
      ? null
      : html`<p class="problem">It could not be read: ${outside(problem.message, 400)} <span class="muted">${outside(problem.help, 400)}</span></p>${againForm(settings.name, forms)}`;
  if (surface === null) return html`${running}${failed}`;
  const old =
    version === current.rule.version
      ? null
      : html`<p class="notice done">This is of version ${version}; it is being read again.</p>`;
  return html`${running}${failed}${old}${pictures({ surface, windowS, settings })}${about(surface)}${running === null && failed === null ? againForm(settings.name, forms) : null}`;
}

type Shown = { readonly surface: Surface; readonly windowS: number; readonly settings: DetectorSettings };

function pictures({ surface, windowS, settings }: Shown): Html {
  const all = curvePictures(surface, windowS, settings);
  const alerts = pointsOf(surface, windowS).some((point) => point.alerts > 0);
  return html`${windowChoice(surface, windowS)}
<div class="curves" data-window="${durationText(windowS * 1000)}">${
    alerts ? all.map(curveFigure) : html`<p class="muted">No threshold would have alerted in this window.</p>`
  }</div><p class="says" data-says hidden></p>
${curveTable(surface, windowS, settings)}`;
}

function windowChoice(surface: Surface, windowS: number): Html {
  const { windows, points, current, suggestions: suggested } = surface;
  const isMarked = (one: number): string => {
    if (one === current.windowS) return 'in force';
    return suggested.some(({ point }) => point.windowS === one) ? 'suggested' : '';
  };
  return html`<nav aria-label="Window"><ul class="pills">${windows.map((one) => {
    const mark = isMarked(one);
    const isSilent = !points.some((point) => point.windowS === one && point.alerts > 0);
    return html`<li><a class="pill${isSilent ? ' silent' : ''}" href="?window=${durationText(one * 1000)}"${one === windowS ? html` aria-current="true"` : ''}>${formatDuration(one)}${mark === '' ? null : html` <span class="pill-mark">${mark}</span>`}</a></li>`;
  })}</ul></nav>`;
}

function about({ sinceMs, untilMs, records, disputes, warnings, lacking }: Surface): Html {
  return html`<p class="muted">Read from ${when(sinceMs)} to ${when(untilMs)}: ${plural(records, 'record')}, ${plural(disputes, 'dispute')}, ${plural(warnings, 'early fraud warning')}. Thresholds are the lowest one, where alerts begin. Precision counts alerts that somebody judged, or of which a bank spoke; missed is what no alert within a day would have spoken of.</p>
${lacking.length === 0 ? null : html`<p class="muted">Read again from Stripe’s events, since the log had not kept it: ${lacking.map(({ field }) => clean(field, 60)).join(', ')}.</p>`}`;
}

const againForm = (name: string, forms: FormContext): Html =>
  html`<form method="post" action="/detectors/${encodeURIComponent(name)}/curve/read">${token(forms)}<button>Read again</button></form>`;

const token = ({ caller }: FormContext): Html => html`<input type="hidden" name="form" value="${caller.formToken}">`;

type Offer = { readonly ask: string; readonly title: string; readonly words: string };

function suggestions(view: CurveView): Html {
  const { reading, promotion, settings, current, forms } = view;
  // What was read for an elder version suggests nothing for this one.
  const surface = reading.version === current.rule.version ? reading.surface : null;
  const offers: readonly Offer[] = [
    ...(surface?.suggestions ?? []).map(({ name, words }: Suggestion) => {
      return { ask: name, title: SUGGESTION_WORDS[name], words };
    }),
    ...(promotion === null
      ? []
      : [{ ask: 'promote', title: 'out of the shadow: mode alert', words: `It ${promotion.words}` }]),
  ];
  if (offers.length === 0)
    return html`<p class="muted">${surface === null ? 'The past is not read yet.' : 'Nothing: what is in force is as near as can be.'}</p>`;
  return html`<ul class="offers">${offers.map(
    ({ ask, title, words }) =>
      html`<li><h3>${capital(title)}</h3><p>${outside(words, 400)}</p><form method="post" action="/detectors/${encodeURIComponent(settings.name)}/proposals">${token(forms)}<input type="hidden" name="basedOn" value="${current.rule.version}"><input type="hidden" name="suggestion" value="${ask}"><button>Propose<span class="visually-hidden">: ${title}</span></button></form></li>`,
  )}</ul>`;
}

function tryForm({ settings, current, reading, windowS, sent, forms }: CurveView): Html {
  const { name, thresholds, count, mode } = settings;
  const windows = [...new Set([...(reading.surface?.windows ?? []), settings.windowS])].sort((a, b) => a - b);
  const lowest = ladder(thresholds)[0]?.severity;
  const chosen = sent?.get('window') ?? durationText(windowS * 1000);
  return html`<form method="post" action="/detectors/${encodeURIComponent(name)}/proposals" class="change" data-try>${token(forms)}<input type="hidden" name="basedOn" value="${current.rule.version}">
<div class="fields">${SEVERITIES.map(
    (severity) =>
      html`<label class="field">${severity}<input type="number" name="${severity}" min="0" step="${count === 'ratio' ? 'any' : '1'}" inputmode="decimal" value="${sent?.get(severity) ?? thresholds[severity] ?? ''}"${severity === lowest ? html` data-lowest` : ''}></label>`,
  )}<label class="field">window<select name="window">${windows.map((one) => option(durationText(one * 1000), formatDuration(one), chosen))}</select></label>
<label class="field">mode<select name="mode">${MODES.map((one) => option(one, one, sent?.get('mode') ?? mode))}</select></label></div>
<p class="muted">${unitNote(settings)}An empty threshold is none.</p>
<label class="field">Why (optional)<input name="why" maxlength="400" value="${sent?.get('why') ?? ''}" autocomplete="off"></label>
<button class="primary">See what it would have done</button></form>`;
}

const option = (value: string, label: string, chosen: string): Html =>
  html`<option value="${value}"${value === chosen ? html` selected` : ''}>${label}</option>`;

function unitNote({ count, currency }: DetectorSettings): string {
  if (count === 'ratio') return 'Thresholds of a ratio are fractions: 0.4 is 40 %. ';
  return count === 'sum(amount)' ? `Thresholds are in minor units of ${(currency ?? '').toUpperCase()}. ` : '';
}

function revertForm({ before, settings, current, forms }: CurveView, address: string): Html | null {
  if (before === null) return null;
  const body = html`<p>What was in force before the newest change, as a new version:</p>${differences(settings, before.settings)}
<form method="post" action="${address}/revert">${token(forms)}<input type="hidden" name="basedOn" value="${current.rule.version}"><button class="primary">Go back to version ${before.version}</button></form>`;
  return html`<div class="actions">${menu(`Revert to version ${before.version}…`, body)}</div>`;
}
