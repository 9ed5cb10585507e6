// The pages and their forms. A page shows the feed as it is; a form asks for a command and comes back to its page.
import { Hono } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import { STATUSES, type Status } from '../model/incident.ts';
import { ACTIONS, isActionName } from './action-body.ts';
import { notFound } from './api.ts';
import { askDetector, askIncident, detailOf, findIncident } from './desk.ts';
import { countsByDetector } from './detector-json.ts';
import { type ErrorJson, type ErrorStatus, errorAnswer, httpError } from './errors.ts';
import { doneText, formAction, formDetectorChange, readForm } from './forms.ts';
import { type ConsoleContext, type ConsoleEnv, callerOf, SESSION_COOKIE } from './guard.ts';
import type { FormContext } from './incident-forms.ts';
import { parseIncidentQuery } from './incident-query.ts';
import { type Frame, type Notice, type Page, renderPage } from './layout.ts';
import { detectorPage, detectorsPage } from './page-detectors.ts';
import { errorBody } from './page-error.ts';
import { healthPage } from './page-health.ts';
import { incidentPage } from './page-incident.ts';
import { listPage } from './page-list.ts';
import { loginPage, safeNext, samePageAgain } from './page-login.ts';
import { formsOf, type PageParts, type Show, sentence } from './page-parts.ts';
import { previewPage } from './page-preview.ts';
import { curvePages } from './pages-curve.ts';
import { deadLetterPages } from './pages-dead-letters.ts';
import { erasePages } from './pages-erase.ts';
import { monthPages } from './pages-month.ts';
import { SESSION_MS } from './sessions.ts';

export type Pages = {
  readonly routes: Hono<ConsoleEnv>;
  /** An error as a page; for a page that needs a token, the way to the login form. */
  errorPage(c: ConsoleContext, error: ErrorJson['error'], status: ErrorStatus): Response | Promise<Response>;
};

export function createPages(parts: PageParts): Pages {
  const { desk, guard, assets, preview, demo, erases = null } = parts;
  const frameOf = (c: ConsoleContext): Frame => ({
    assetUrl: assets.url,
    caller: c.get('caller') ?? null,
    needsToken: guard.needsToken,
    hasPreview: preview() !== null,
    hasErase: erases !== null,
    demo: demo?.lines ?? null,
    now: desk.clock.now(),
  });
  const show: Show = (c, page, status = 200) => {
    // `no-referrer` would make a browser send `Origin: null` with the page's own forms.
    c.header('referrer-policy', 'same-origin');
    return c.html(renderPage(frameOf(c), page), status);
  };
  const routes = new Hono<ConsoleEnv>();
  incidentPages(routes, parts, show);
  detectorPages(routes, parts, show);
  curvePages(routes, parts, show);
  deadLetterPages(routes, parts, show);
  erasePages(routes, parts, show);
  monthPages(routes, parts, show);
  otherPages(routes, parts, show);
  loginPages(routes, parts, show);
  return {
    routes,
    errorPage: (c, error, status) => {
      if (error.code === 'unauthorized' && c.req.method === 'GET') return toLogin(c);
      return show(c, { title: `${status}`, at: null, body: errorBody(error, status) }, status);
    },
  };
}

function incidentPages(routes: Hono<ConsoleEnv>, { desk, preview }: PageParts, show: Show): void {
  const { feed, clock } = desk;
  routes.get('/', (c) => {
    const query = new URL(c.req.url).searchParams;
    const filter = parseIncidentQuery(query, clock.now());
    const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
    for (const { status } of feed.all()) counts[status] += 1;
    const view = { page: feed.list(filter), filter, query, counts, detectors: feed.detectorNames() };
    return show(c, { title: 'Incidents', at: '/', body: listPage(view), hasBanner: true });
  });
  const one = async (c: ConsoleContext, id: string, notice: Notice | null): Promise<Page> => {
    const incident = await findIncident(desk, id);
    const detail = await detailOf(desk, incident);
    const view = { incident, detail, timeline: feed.timeline(id), forms: formsOf(c), now: clock.now() };
    return { title: `${id} ${incident.title}`, at: '/', body: incidentPage(view), notice, hasChart: true };
  };
  routes.get('/incidents/:id', async (c) => {
    const { id } = c.req.param();
    return await show(c, await one(c, id, noticeOf(c, id)));
  });
  routes.post('/incidents/:id/:action', async (c) => {
    const { id, action } = c.req.param();
    if (!isActionName(action)) throw notFound();
    const form = await readForm(c);
    const isPreview = form.get('back') === '/preview' && preview() !== null;
    try {
      const body = formAction({ action, incident: id, form, now: clock.now() });
      const asked = await askIncident(desk, callerOf(c).actor, body);
      const mark = asked.outcome === 'done' ? 'done' : 'pending';
      return c.redirect(isPreview ? `/preview?${mark}=${action}&of=${id}` : `/incidents/${id}?${mark}=${action}`, 303);
    } catch (error) {
      const { status, body } = errorAnswer(error);
      if (status !== 409 && status !== 400) throw error;
      return await show(c, await one(c, id, { kind: 'problem', text: sentence(body.error) }), status);
    }
  });
}

/** From a closed list, so that a link cannot make the console say what it likes. */
function noticeOf(c: ConsoleContext, id: string): Notice | null {
  const { done, pending } = c.req.query();
  const action = ACTIONS.find((known) => known === (done ?? pending));
  if (action === undefined || !/^INC-\d{1,15}$/.test(id)) return null;
  const text =
    pending === undefined
      ? doneText(action, id)
      : `${id}: recorded. It is done as soon as the incident manager answers.`;
  return { kind: 'done', text };
}

function detectorPages(routes: Hono<ConsoleEnv>, { desk, tuning }: PageParts, show: Show): void {
  const { feed, clock } = desk;
  routes.get('/detectors', (c) => {
    const view = {
      settings: feed.settings(),
      counts: countsByDetector(feed.all()),
      mutes: feed.mutes(clock.now()),
      forms: formsOf(c),
    };
    return show(c, { title: 'Detectors', at: '/detectors', body: detectorsPage(view) });
  });
  const one = (
    c: ConsoleContext,
    name: string,
    more: { readonly notice: Notice | null; readonly sent: URLSearchParams | null },
  ): Page => {
    const history = feed.settingsHistory(name);
    const current = history.at(-1);
    if (current === undefined)
      throw httpError('not_found', 'There is no such detector.', { help: 'Look at the list of detectors.' });
    const view = {
      history,
      current,
      counts: countsByDetector(feed.all()).get(name),
      forms: formsOf(c),
      sent: more.sent,
      hasCurve: tuning !== null && tuning !== undefined,
    };
    return { title: name, at: '/detectors', body: detectorPage(view), notice: more.notice };
  };
  routes.get('/detectors/:name', (c) => {
    const { done, pending } = c.req.query();
    const text =
      done !== undefined
        ? 'Changed. It is in force 10 seconds after it was accepted.'
        : 'Recorded. It is accepted or refused as soon as the incident manager answers.';
    const notice: Notice | null = done === undefined && pending === undefined ? null : { kind: 'done', text };
    return show(c, one(c, c.req.param('name'), { notice, sent: null }));
  });
  routes.post('/detectors/:name', async (c) => {
    const name = c.req.param('name');
    const form = await readForm(c);
    try {
      const asked = await askDetector(desk, name, { actor: callerOf(c).actor, body: formDetectorChange(form) });
      return c.redirect(`/detectors/${encodeURIComponent(name)}?${asked.outcome}=1`, 303);
    } catch (error) {
      const { status, body } = errorAnswer(error);
      if (status !== 409 && status !== 400 && status !== 422) throw error;
      return await show(
        c,
        one(c, name, { notice: { kind: 'problem', text: sentence(body.error) }, sent: status === 409 ? null : form }),
        status,
      );
    }
  });
}

function otherPages(routes: Hono<ConsoleEnv>, parts: PageParts, show: Show): void {
  const { desk, health, failedDeliveries, deadLetters, preview } = parts;
  routes.get('/health', async (c) => {
    const body = healthPage(await health(), failedDeliveries(), deadLetters?.waiting() ?? null);
    return await show(c, { title: 'Health', at: '/health', body, everyS: 5 });
  });
  routes.get('/preview', (c) => {
    const shown = preview();
    if (shown === null) throw notFound();
    const forms: FormContext = { ...formsOf(c, '/preview'), detectorOf: (id) => desk.feed.get(id)?.detector ?? null };
    const body = previewPage({ messages: shown.slack(), sheet: shown.sheet(), forms });
    return show(c, {
      title: 'Slack & sheet',
      at: '/preview',
      body,
      notice: noticeOf(c, c.req.query('of') ?? ''),
      everyS: 3,
    });
  });
}

function loginPages(routes: Hono<ConsoleEnv>, { guard, desk }: PageParts, show: Show): void {
  const isSecure = desk.consoleUrl.startsWith('https:');
  const login = (c: ConsoleContext, next: string, notice: Notice | null = null) =>
    show(c, { title: 'Log in', at: null, body: loginPage(next), notice }, notice === null ? 200 : 401);
  routes.get('/login', (c) => {
    if (!guard.needsToken || c.get('caller') !== undefined)
      return c.redirect(safeNext(c.req.query('next') ?? '/'), 303);
    return login(c, safeNext(c.req.query('next') ?? '/'));
  });
  routes.post('/login', async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const next = safeNext(form.get('next') ?? '/');
    if (!guard.needsToken) return c.redirect(next, 303);
    const name = guard.checkLogin(c, form.get('token') ?? '');
    if (name === null) return await login(c, next, { kind: 'problem', text: 'This token is not known.' });
    const session = guard.sessions.open(name);
    setCookie(c, SESSION_COOKIE, session.id, {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      secure: isSecure,
      maxAge: SESSION_MS / 1000,
    });
    return c.redirect(next, 303);
  });
  routes.post('/logout', async (c) => {
    await readForm(c);
    const { session } = callerOf(c);
    if (session !== null) guard.sessions.close(session.id);
    deleteCookie(c, SESSION_COOKIE, { path: '/', secure: isSecure });
    return c.redirect(guard.needsToken ? '/login' : '/', 303);
  });
}

function toLogin(c: ConsoleContext): Response | Promise<Response> {
  const { pathname, search } = new URL(c.req.url);
  const path = safeNext(`${pathname}${search}`);
  if (c.req.header('sec-fetch-site') === 'cross-site') {
    c.header('referrer-policy', 'same-origin');
    return c.html(samePageAgain(path));
  }
  return c.redirect(path === '/' ? '/login' : `/login?next=${encodeURIComponent(path)}`, 303);
}
