// The routes of dead letters: listed, shown, retried, dropped.
import type { Hono } from 'hono';
import type { LetterResult } from '../model/dead-letter.ts';
import { httpError } from './errors.ts';
import { readForm } from './forms.ts';
import { type ConsoleContext, type ConsoleEnv, callerOf } from './guard.ts';
import type { Notice } from './layout.ts';
import { deadLetterPage, deadLettersPage, letterPath, SHOWN_LETTERS } from './page-dead-letters.ts';
import { formsOf, type PageParts, type Show } from './page-parts.ts';

const DONE = {
  retried: 'Retried: it is listed no more.',
  dropped: 'Dropped: it is listed no more.',
  still_dead: 'Tried again, and as bad as before: the reason is the newest.',
  waits: 'It stays as it is: it cannot be retried by hand.',
  all_retried: 'Retried: what was handled is listed no more.',
  some_left: 'Tried. What is as bad as before is still listed, with its newest reason.',
  gone: 'Nothing was to be done: somebody had it before.',
} as const;
type Done = keyof typeof DONE;

export function deadLetterPages(routes: Hono<ConsoleEnv>, { deadLetters = null }: PageParts, show: Show): void {
  if (deadLetters === null) return;
  routes.get('/dead-letters', async (c) => {
    const asked = { source: c.req.query('source') || null, reason: c.req.query('reason') || null };
    const [all, letters] = [await deadLetters.list({ source: null, reason: null }), await deadLetters.list(asked)];
    const each = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();
    const body = deadLettersPage({
      ...{ letters, asked, forms: formsOf(c) },
      sources: each(all.map(({ source }) => source)),
      reasons: each(all.map(({ reason }) => reason)),
    });
    return await show(c, { title: 'Dead letters', at: '/health', body, notice: noticeOf(c), everyS: 10 });
  });
  routes.get('/dead-letters/:id{.+}', async (c) => {
    const shown = await deadLetters.show(c.req.param('id'));
    if (shown === null)
      throw httpError('not_found', 'No such dead letter waits.', {
        help: 'It may have been retried or dropped: list those that are left.',
      });
    const body = deadLetterPage({ ...shown, forms: formsOf(c) });
    return await show(c, { title: 'Dead letter', at: '/health', body, notice: noticeOf(c) });
  });
  for (const action of ['retry', 'drop'] as const)
    routes.post(`/dead-letters/${action}`, async (c) => {
      const form = await readForm(c);
      const ids = [...new Set(form.getAll('id'))];
      if (ids.length === 0 || ids.length > SHOWN_LETTERS)
        throw httpError('invalid_request', `A form names 1 to ${SHOWN_LETTERS} dead letters.`, {
          help: 'Reload the page and try again.',
        });
      const asked = { action, ids, by: callerOf(c).actor, signal: c.req.raw.signal };
      const results = await deadLetters.handle(asked);
      return c.redirect(backTo(ids, results), 303);
    });
}

/** From a closed list, so that a link cannot make the console say what it likes. */
function noticeOf(c: ConsoleContext): Notice | null {
  const done = c.req.query('done') ?? '';
  if (!Object.hasOwn(DONE, done)) return null;
  const isDone = done !== 'still_dead' && done !== 'waits' && done !== 'some_left';
  return { kind: isDone ? 'done' : 'problem', text: DONE[done as Done] };
}

/** To one that still waits, else to the list. */
function backTo(ids: readonly string[], results: readonly LetterResult[]): string {
  const [only] = results;
  const list = (done: Done): string => `/dead-letters?done=${done}`;
  if (only === undefined) return list('gone');
  const isLeft = ({ outcome }: LetterResult): boolean => outcome === 'still_dead' || outcome === 'waits';
  if (ids.length === 1)
    return isLeft(only)
      ? `${letterPath(only.id)}?done=${only.outcome}`
      : list(only.outcome === 'dropped' ? 'dropped' : 'retried');
  if (results.some(isLeft)) return list('some_left');
  return list(only.outcome === 'dropped' ? 'dropped' : 'all_retried');
}
