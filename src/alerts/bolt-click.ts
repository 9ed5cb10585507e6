// What buttons and forms share: who pressed, which command that is, and how the presser alone is answered.
import type { KnownBlock } from '@slack/types';
import type { Clock } from '../model/clock.ts';
import type { Command, IncidentAction } from '../model/commands.ts';
import { inert } from './blocks-inert.ts';
import type { OutcomeAnswer, SlashAnswer } from './bolt-protocol.ts';
import type { TuneAnswer, TuneAsk } from './bolt-tune-protocol.ts';
import type { NoticeAnswer, NoticeClick } from './notice-clicks.ts';
import type { NameOf } from './people.ts';
import type { MayAct } from './responders.ts';

export type HandlerDeps = {
  /** Whether the command is in the log; false after at most about 2 s. */
  readonly submit: (command: Command) => Promise<boolean>;
  readonly outcome: (commandId: string, timeoutMs: number) => Promise<OutcomeAnswer['change']>;
  /** What a mute of this incident's entity would have hidden lately; null if that is not known in time. */
  readonly hidden: (incident: string) => Promise<string | null>;
  /** null: not answered within the time. */
  readonly tune: (ask: TuneAsk, timeoutMs: number) => Promise<TuneAnswer | null>;
  /** What a button under a notice did; null: nothing was recorded. */
  readonly notice: (click: NoticeClick) => Promise<NoticeAnswer | null>;
  readonly mayAct: MayAct;
  readonly nameOf: NameOf;
  /** What a slash command answers; null: it cannot be said now. */
  readonly slash: (text: string, user: User) => Promise<SlashAnswer | null>;
  /** What the App Home of this person shows; null: it cannot be said now. */
  readonly home: (userId: string) => Promise<readonly KnownBlock[] | null>;
  readonly clock: Clock;
  readonly warn: (message: string, fields: Record<string, string>) => void;
};

export type User = { readonly id: string; readonly name: string; readonly teamId: string };
export type Say = (text: string) => Promise<unknown>;

export const OUTCOME_MS = 10_000;
export const NOT_RECORDED =
  'Not recorded: the log cannot be written right now. Nothing was changed; please press again in a moment.';
export const UNKNOWN_BUTTON = 'This button is not known to this version of declinewatch. Nothing was changed.';

type Body = {
  readonly user: { readonly id: string; readonly name?: string; readonly username?: string; readonly team_id?: string };
  readonly team: { readonly id: string } | null;
};

export function userOf({ user, team }: Body): User {
  const name = inert(user.name ?? user.username ?? user.id, 80);
  return { id: user.id, name, teamId: user.team_id ?? team?.id ?? '' };
}

/** Only what this program wrote into a button; anything else is null. */
export const incidentOf = (value: string | undefined): string | null =>
  value !== undefined && /^INC-\d{1,12}$/.test(value) ? value : null;

/** The same click delivered again (a retry, a replay) has the same id, and the manager applies an id once. */
export function commandOf(
  clock: Clock,
  user: User,
  asked: { readonly id: string; readonly body: IncidentAction },
): Command {
  const actor = { kind: 'slack', id: user.id, name: user.name } as const;
  return { id: `slack:${asked.id}:${user.id}`.slice(0, 300), at: clock.now(), actor, body: asked.body };
}

const ephemeral = (text: string) =>
  ({ text: inert(text, 1000), response_type: 'ephemeral', replace_original: false }) as const;

/** To the clicker alone; the address may have expired, and then nobody can be told. */
export function sayer(respond: (message: ReturnType<typeof ephemeral>) => Promise<unknown>): Say {
  return async (text) => await respond(ephemeral(text)).catch(() => undefined);
}

/** The same by the address that a form carries. */
export async function sayTo(responseUrl: string, text: string): Promise<void> {
  await fetch(responseUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ephemeral(text)),
    signal: AbortSignal.timeout(5_000),
  }).catch(() => undefined);
}
