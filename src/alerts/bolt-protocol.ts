// What the main thread and the thread of Bolt say to each other. Plain data: it is copied, never shared.
import type { KnownBlock } from '@slack/types';
import type { Change, Command } from '../model/commands.ts';
import type { TuneAnswer, TuneAsk } from './bolt-tune-protocol.ts';
import type { NoticeAnswer, NoticeClick } from './notice-clicks.ts';

export type WorkerData = {
  readonly botToken: string;
  /** Socket Mode; null: requests come from the main thread. */
  readonly appToken: string | null;
  readonly apiUrl: string | null;
  /** Ids of users, user groups and channels; empty: the members of `channels`. */
  readonly responders: readonly string[];
  /** Where alerts go. */
  readonly channels: readonly string[];
};

/** Answered with an `answer` of the same id. */
export type Ask =
  | { readonly kind: 'submit'; readonly command: Command }
  | { readonly kind: 'outcome'; readonly commandId: string; readonly timeoutMs: number }
  /** What a mute of this incident's entity would have hidden lately. */
  | { readonly kind: 'hidden'; readonly incident: string }
  | { readonly kind: 'tune'; readonly tune: TuneAsk }
  /** A button under a notice. */
  | { readonly kind: 'notice'; readonly click: NoticeClick }
  /** What was typed after the slash command. */
  | { readonly kind: 'slash'; readonly text: string; readonly user: { readonly id: string; readonly name: string } }
  /** The App Home of this person. */
  | { readonly kind: 'home'; readonly user: string };

export type SubmitAnswer = { readonly recorded: boolean };
/** Null: not known within the time. */
export type OutcomeAnswer = { readonly change: Pick<Change, 'type' | 'refusal'> | null };

export type HiddenAnswer = { readonly hidden: string | null };
/** What to tell the asker alone, or the form to open. */
export type SlashAnswer =
  | { readonly kind: 'text'; readonly text: string; readonly blocks: readonly KnownBlock[] }
  | { readonly kind: 'mute'; readonly incident: string; readonly duration: string | null };
export type HomeAnswer = { readonly home: readonly KnownBlock[] };
/** `failed`: it cannot be said now. */
export type Answer =
  | SubmitAnswer
  | OutcomeAnswer
  | HiddenAnswer
  | SlashAnswer
  | HomeAnswer
  | TuneAnswer
  | NoticeAnswer
  | { readonly failed: true };

export type FromWorker =
  | { readonly type: 'ready' }
  /** How many Socket Mode connections are open. */
  | { readonly type: 'connections'; readonly open: number }
  | { readonly type: 'ask'; readonly id: number; readonly ask: Ask }
  | {
      readonly type: 'http';
      readonly id: number;
      readonly status: number;
      readonly body: string;
      readonly contentType: string;
    }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Record<string, string>;
    };

export type ToWorker =
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answer }
  /** A request whose signature has been checked. */
  | { readonly type: 'http'; readonly id: number; readonly body: string; readonly contentType: string }
  /** What App Homes show has changed. */
  | { readonly type: 'home-changed' }
  | { readonly type: 'stop' };
