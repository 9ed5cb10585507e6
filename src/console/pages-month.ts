// The route of the month of fraud: counted when it is asked for.
import type { Hono } from 'hono';
import { httpError } from './errors.ts';
import type { ConsoleEnv } from './guard.ts';
import { monthPage } from './page-month.ts';
import type { PageParts, Show } from './page-parts.ts';

export function monthPages(routes: Hono<ConsoleEnv>, { desk, months = null }: PageParts, show: Show): void {
  if (months === null) return;
  routes.get('/months/:month', async (c) => {
    const month = c.req.param('month');
    const now = new Date(desk.clock.now()).toISOString().slice(0, 7);
    if (!/^2\d{3}-(0[1-9]|1[0-2])$/.test(month) || month > now)
      throw httpError('not_found', 'There is no such month.', {
        help: `Ask for one that has begun (UTC), such as /months/${now}.`,
      });
    const words = await months(month, c.req.raw.signal);
    const after = next(month, 1);
    const body = monthPage({ ...words, before: next(month, -1), after: after > now ? null : after });
    return await show(c, { title: `Month of fraud ${month}`, at: null, body });
  });
}

/** `2026-11` of `2026-10` and 1. */
function next(month: string, by: 1 | -1): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}
