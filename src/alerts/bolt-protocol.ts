// What the main thread and the thread of Bolt say to each other. Plain data: it is copied, never shared.
import type { Change, Command } from '../model/commands.ts';

export type WorkerData = {
  readonly botToken: string;
  /** Socket Mode; null: requests come from the main thread. */
  readonly appToken: string | null;
  readonly apiUrl: string | null;
  /** User ids and user group ids; empty: everyone of the same team. */
  readonly responders: readonly string[];
};

/** Answered with an `answer` of the same id. */
export type Ask =
  | { readonly kind: 'submit'; readonly command: Command }
  | { readonly kind: 'outcome'; readonly commandId: string; readonly timeoutMs: number }
  /** What a mute of this incident's entity would have hidden lately. */
  | { readonly kind: 'hidden'; readonly incident: string };

export type SubmitAnswer = { readonly recorded: boolean };
/** Null: not known within the time. */
export type OutcomeAnswer = { readonly change: Pick<Change, 'type' | 'refusal'> | null };

export type HiddenAnswer = { readonly hidden: string | null };
export type Answer = SubmitAnswer | OutcomeAnswer | HiddenAnswer;

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
  | { readonly type: 'stop' };
