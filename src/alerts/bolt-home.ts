// The App Home: published when somebody opens it, and again for a day whenever what it shows has changed.
import type { App } from '@slack/bolt';
import type { KnownBlock } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import type { Clock } from '../model/clock.ts';
import { escapeSlack } from './blocks-inert.ts';
import { type HandlerDeps, userOf } from './bolt-click.ts';

export type Homes = {
  /** Shows this person's home, with a sentence on top that concerns the last click. */
  publish(userId: string, notice?: string): Promise<void>;
  /** What homes show has changed. */
  changed(): void;
};

/** Whoever opened it within a day is kept up to date; of more people than this those who opened it last. */
const SEEN_FOR_MS = 86_400_000;
const MAX_SEEN = 30;
/** One call for each person: an attack must not use up what Slack allows. */
const EVERY_MS = 15_000;
const LATER = 'declinewatch cannot say right now. Open this page again in a moment.';

export function registerHomes(app: App, deps: HandlerDeps, client: WebClient): Homes {
  const seen = new Map<string, number>();
  let timer: NodeJS.Timeout | null = null;

  const show = async (userId: string, blocks: readonly KnownBlock[], notice?: string): Promise<void> => {
    const top = notice === undefined ? [] : [context(notice)];
    const view = { type: 'home' as const, blocks: [...top, ...blocks] };
    await client.views.publish({ user_id: userId, view });
  };
  const publish = async (userId: string, notice?: string): Promise<void> => {
    try {
      await show(userId, (await deps.home(userId)) ?? [context(LATER)], notice);
    } catch (error) {
      deps.warn('an App Home could not be shown', { error: String(error).slice(0, 300) });
    }
  };
  app.event('app_home_opened', async ({ event, body }) => {
    if (event.tab !== 'home') return;
    const user = userOf({ user: { id: event.user }, team: { id: body.team_id } });
    const refusal = await deps.mayAct(user);
    if (refusal !== null) return await show(user.id, [context(refusal)]).catch(() => undefined);
    remember(seen, user.id, deps.clock);
    await publish(user.id);
  });
  return {
    publish,
    changed: () => {
      if (timer !== null || seen.size === 0) return;
      timer = setTimeout(() => {
        timer = null;
        const since = deps.clock.now() - SEEN_FOR_MS;
        for (const [id, at] of seen) if (at < since) seen.delete(id);
        void (async () => {
          for (const id of [...seen.keys()]) await publish(id);
        })();
      }, EVERY_MS);
      timer.unref();
    },
  };
}

function remember(seen: Map<string, number>, userId: string, clock: Clock): void {
  seen.delete(userId);
  seen.set(userId, clock.now());
  const [longestAgo] = seen.keys();
  if (seen.size > MAX_SEEN && longestAgo !== undefined) seen.delete(longestAgo);
}

function context(text: string): KnownBlock {
  return { type: 'context', elements: [{ type: 'mrkdwn', text: escapeSlack(text).slice(0, 2_900), verbatim: true }] };
}
