// What a person of the workspace is called, for the sheet and the console, which know no Slack ids.
import type { WebClient } from '@slack/web-api';
import { inert } from './blocks-inert.ts';
import { classifySlackError } from './slack-errors.ts';

/** `problem`: why nothing can be given to this person. */
export type NameOf = (userId: string) => Promise<{ readonly name: string } | { readonly problem: string }>;

/** Asks Slack each time: an assignment is rare, and people leave. */
export function createNameOf(client: WebClient): NameOf {
  return async (userId) => {
    try {
      const { user } = await client.users.info({ user: userId });
      if (user?.deleted === true) return { problem: 'This person has left the workspace. Choose somebody else.' };
      if (user?.is_bot === true) return { problem: 'This is an app, not a person. Choose a person.' };
      const name = user?.profile?.display_name || user?.real_name || user?.name || userId;
      return { name: inert(name, 80) };
    } catch (error) {
      const failure = classifySlackError(error);
      if (failure.kind !== 'retry') return { problem: 'Slack knows no such person. Choose somebody else.' };
      // Without the permission users:read, or while Slack does not answer, the id is a name too.
      return { name: userId };
    }
  };
}
