// The frame of every page: head, navigation, banner of the demo, main part.
import { html } from 'hono/html';
import type { Assets } from './assets.ts';
import type { Caller } from './guard.ts';
import { clean, type Html } from './markup.ts';

export type Frame = {
  readonly assetUrl: Assets['url'];
  /** null: nobody in particular (the login page). */
  readonly caller: Caller | null;
  readonly needsToken: boolean;
  readonly hasPreview: boolean;
  readonly hasErase: boolean;
  /** null: not the demo. */
  readonly demo: readonly string[] | null;
  /** Milliseconds: the program's time, by which ages are told. */
  readonly now: number;
};

export type Page = {
  readonly title: string;
  /** Which entry of the navigation it belongs to. */
  readonly at: '/' | '/detectors' | '/preview' | '/health' | '/erase' | null;
  readonly body: Html;
  /** What was done or refused just now. */
  readonly notice?: Notice | null;
  /** Read again by itself, for pages that no event tells of. Seconds. */
  readonly everyS?: number;
  /** Something is under way: read again also where there is no script. */
  readonly isChanging?: boolean;
  /** Where it is read again; default: where it was asked for. A page that answers a form has another address. */
  readonly path?: string;
  readonly hasChart?: boolean;
  /** In the demo: say what is simulated, and how to make it real. */
  readonly hasBanner?: boolean;
};

export type Notice = { readonly kind: 'done' | 'problem'; readonly text: string };

export function renderPage(frame: Frame, page: Page): Html {
  const { assetUrl, caller, now } = frame;
  const isOpen = caller === null;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${clean(page.title, 120)} · declinewatch</title>
<link rel="icon" href="${assetUrl('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${assetUrl('console.css')}">
${page.isChanging ? html`<noscript><meta http-equiv="refresh" content="3${page.path === undefined ? '' : `;url=${page.path}`}"></noscript>` : null}
${page.hasChart ? html`<link rel="stylesheet" href="${assetUrl('uplot.css')}"><script src="${assetUrl('uplot.js')}" defer></script><script src="${assetUrl('charts.js')}" defer></script>` : null}
<script src="${assetUrl('console.js')}" type="module"></script>
</head>
<body data-now="${now}"${isOpen ? '' : html` data-stream="/api/stream"`}${page.everyS === undefined ? '' : html` data-every="${page.everyS}"`}${page.path === undefined ? '' : html` data-path="${page.path}"`}>
<a class="skip" href="#main">Skip to the content</a>
${header(frame, page)}
${frame.demo === null || !page.hasBanner ? null : demoBanner(frame.demo)}
<main id="main">
${page.notice ? noticeBox(page.notice) : null}
${page.body}
</main>
<div id="announcer" class="visually-hidden" role="status" aria-live="polite"></div>
</body>
</html>`;
}

function header(frame: Frame, { at }: Page): Html {
  const { caller, needsToken, hasPreview, hasErase } = frame;
  const entries: readonly (readonly [string, string])[] = [
    ['/', 'Incidents'],
    ['/detectors', 'Detectors'],
    ...(hasPreview ? [['/preview', 'Slack & sheet'] as const] : []),
    ['/health', 'Health'],
    ...(hasErase ? [['/erase', 'Erase'] as const] : []),
  ];
  const nav = html`<nav aria-label="Console"><ul>${entries.map(
    ([href, label]) =>
      html`<li><a class="tab" href="${href}"${at === href ? html` aria-current="page"` : ''}>${label}</a></li>`,
  )}</ul></nav>`;
  return html`<header class="top"><div class="inner">
<a class="brand" href="/"><svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true"><path class="brand-line" d="M3 21h6l4-13 6 18 4-9h6"/></svg><span>declinewatch</span></a>
${caller === null ? null : nav}
<div class="who">${
    caller === null
      ? null
      : html`<span class="live" id="live" hidden><span class="dot" aria-hidden="true"></span><span id="live-text">live</span></span>`
  }${
    needsToken && caller?.session
      ? html`<form method="post" action="/logout"><input type="hidden" name="form" value="${caller.formToken}"><span class="muted">${clean(caller.actor.name, 40)}</span> <button class="quiet">Log out</button></form>`
      : null
  }</div>
</div></header>`;
}

function demoBanner(lines: readonly string[]): Html {
  return html`<aside class="demo" aria-label="Demo"><div class="inner"><p><strong>This is the demo.</strong> Traffic and the attack are simulated; everything else is the real program. To make each part real:</p>
<ul>${lines.map((line) => html`<li>${demoLine(line)}</li>`)}</ul></div></aside>`;
}

/** Names of variables stand out. */
function demoLine(line: string): readonly (Html | string)[] {
  return line
    .split(/([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)/)
    .map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}

const noticeBox = ({ kind, text }: Notice): Html =>
  html`<p class="notice ${kind}" role="${kind === 'problem' ? 'alert' : 'status'}">${clean(text, 600)}</p>`;
