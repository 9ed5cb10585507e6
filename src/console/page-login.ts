// The login form: a token, for a session of twelve hours.
import { html } from 'hono/html';
import type { Html } from './markup.ts';

export function loginPage(next: string): Html {
  return html`<div class="login"><h1>Log in</h1><p class="muted">With a token of DECLINEWATCH_TOKENS. What you do is recorded under its name.</p>
<form method="post" action="/login"><input type="hidden" name="next" value="${next}">
<label class="field">Token<input type="password" name="token" autocomplete="current-password" required autofocus></label>
<button class="primary">Log in</button></form></div>`;
}

/**
 * Strict cookies do not come along with a link from Slack: asked once more by a page of our own, they do.
 * `path` is our own, so the session is found now, or the login form is shown.
 */
export function samePageAgain(path: string): Html {
  return html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${path}"><title>declinewatch</title></head><body><p><a href="${path}">Continue</a></p></body></html>`;
}

/** Only a path of this console: never another site, however it is written. */
export function safeNext(next: string): string {
  // A browser leaves tabs and line ends out before it looks at an address.
  return /^\/(?!\/)[!-[\]-~]{0,500}$/.test(next) && !next.startsWith('/login') ? next : '/';
}
