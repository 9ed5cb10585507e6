// The routes of erasing: look, confirm by giving the value again, follow it. The value is in the body of a form and nowhere else.
import type { Hono } from 'hono';
import { isEraseOver } from '../model/erase-status.ts';
import { httpError } from './errors.ts';
import { readForm } from './forms.ts';
import { type ConsoleContext, type ConsoleEnv, callerOf } from './guard.ts';
import type { Notice, Page } from './layout.ts';
import type { EraseDesk } from './options.ts';
import { askPage, erasePage, erasePath } from './page-erase.ts';
import { formsOf, type PageParts, problemOf, type Show } from './page-parts.ts';

const RUNNING_S = 1;
const IDLE_S = 5;
const TITLE = 'Erase';

export function erasePages(routes: Hono<ConsoleEnv>, { erases = null }: PageParts, show: Show): void {
  if (erases === null) return;
  routes.get('/erase', (c) => show(c, asking(c, erases, { kind: null, notice: null })));
  routes.post('/erase', async (c) => {
    const form = await readForm(c);
    const kind = form.get('kind') ?? '';
    try {
      const { id } = erases.look({ kind, value: form.get('value') ?? '' }, callerOf(c).actor);
      return c.redirect(erasePath(id), 303);
    } catch (error) {
      const { notice, status } = problemOf(error);
      return await show(c, asking(c, erases, { kind, notice }), status);
    }
  });
  routes.get('/erase/:id', (c) => {
    const id = c.req.param('id');
    const found = erases.get(id);
    // What was looked for and has become an erase is shown as that.
    if (found !== null && found.id !== id) return c.redirect(erasePath(found.id), 303);
    return show(c, one(c, erases, { id, notice: null }));
  });
  routes.post('/erase/:id', async (c) => {
    const id = c.req.param('id');
    const form = await readForm(c);
    try {
      const begun = erases.confirm(id, form.get('value') ?? '', callerOf(c).actor);
      return c.redirect(erasePath(begun.id), 303);
    } catch (error) {
      const { notice, status } = problemOf(error);
      return await show(c, one(c, erases, { id, notice }), status);
    }
  });
}

type Ask = { readonly kind: string | null; readonly notice: Notice | null };

function asking(c: ConsoleContext, erases: EraseDesk, { kind, notice }: Ask): Page {
  const body = askPage({ kind, erases: erases.list(), forms: formsOf(c) });
  return { title: TITLE, at: '/erase', body, notice, everyS: IDLE_S, path: '/erase' };
}

type One = { readonly id: string; readonly notice: Notice | null };

function one(c: ConsoleContext, erases: EraseDesk, { id, notice }: One): Page {
  const status = erases.get(id);
  if (status === null)
    throw httpError('not_found', 'No such erase is known here.', {
      help: 'It may have been asked of another process, or before the last start: look again, what is done stays done.',
    });
  const body = erasePage({ status, erases: erases.list(), forms: formsOf(c) });
  const isChanging = !isEraseOver(status);
  const path = erasePath(status.id);
  return { title: TITLE, at: '/erase', body, notice, everyS: isChanging ? RUNNING_S : IDLE_S, isChanging, path };
}
