// What the console is given: it reads the feed, asks by commands, and is told the rest by the app, so that it knows no
// stage and no adapter.
import type { Logger } from 'pino';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Curves } from '../model/curve.ts';
import type { DeadLetter, LetterResult, RecordFacts } from '../model/dead-letter.ts';
import type { Delivery } from '../model/delivery.ts';
import type { DetectorSettings, GeneralSettings } from '../model/detector.ts';
import type { MemberSummary } from '../model/episode.ts';
import type { EraseStatus } from '../model/erase-status.ts';
import type { ErrorDetail } from '../model/errors.ts';
import type { Actor, Incident } from '../model/incident.ts';
import type { Proposals } from '../model/proposal.ts';
import type { Suggestions } from '../model/suggestions.ts';

export type Token = { readonly name: string; readonly token: string };

/** One part of the program: what it is called, how it is, and what to do about it ('' if nothing). */
export type HealthPart = {
  readonly name: string;
  readonly state: 'fine' | 'degraded' | 'down';
  readonly message: string;
  readonly help: string;
};

/** `ready`: events can be taken and handled. A part that is down need not make it unready. */
export type Health = { readonly ready: boolean; readonly parts: readonly HealthPart[] };

/** A message of the Slack preview; `blocks` is Block Kit JSON as it would be posted. */
export type PreviewedMessage = {
  readonly incident: string;
  /** Milliseconds. */
  readonly postedAt: number;
  /** Milliseconds; null: never edited. */
  readonly editedAt: number | null;
  readonly text: string;
  readonly blocks: readonly unknown[];
  readonly thread: readonly { readonly at: number; readonly text: string }[];
};

export type PreviewedSheet = {
  readonly headers: readonly string[];
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
};

/** The fields that change, in the file's form, over the settings in force: settings in full, or every problem with its path. */
type ValidateDetector = (
  current: DetectorSettings,
  change: unknown,
  general: GeneralSettings,
) => { readonly settings: DetectorSettings } | { readonly problems: readonly ErrorDetail[] };

/** What is shown in place of Slack and the sheet. */
export type Preview = {
  readonly slack: () => readonly PreviewedMessage[];
  readonly sheet: () => PreviewedSheet;
};

/** A further question or job of the API, answered by another part; guarded like every route. */
export type Operation = {
  readonly method: 'GET' | 'POST';
  /** Under `/api`. */
  readonly path: `/${string}`;
  /** `body`: parsed JSON, undefined if there was none. Rejects with AppError. */
  readonly run: (request: {
    readonly query: URLSearchParams;
    readonly body: unknown;
    readonly actor: Actor;
    readonly signal: AbortSignal;
  }) => Promise<{ readonly status: 200 | 202; readonly body: object }>;
};

/** Thresholds tried on the past, and changes before they are in force. */
export type ConsoleTuning = {
  readonly curves: Pick<Curves, 'of' | 'readNow'>;
  readonly proposals: Pick<Proposals, 'propose' | 'get' | 'list' | 'apply' | 'discard' | 'revert'>;
  readonly suggestions: Pick<Suggestions, 'promotions'>;
};

/** What could not be handled, in the hands of a person. */
export type DeadLetterDesk = {
  /** How many wait. */
  waiting(): number;
  /** Newest first. */
  list(asked: { readonly source: string | null; readonly reason: string | null }): Promise<readonly DeadLetter[]>;
  /** null: none of that id waits. `record` null: the log has it no more, or it has none. */
  show(id: string): Promise<{ readonly letter: DeadLetter; readonly record: RecordFacts | null } | null>;
  /** One after the other until the signal is aborted; an id of which none waits any more is passed over. */
  handle(asked: {
    readonly action: 'retry' | 'drop';
    readonly ids: readonly string[];
    readonly by: Actor;
    readonly signal: AbortSignal;
  }): Promise<readonly LetterResult[]>;
};

/** Takes a person out of what is kept. Whom is in its hands no longer than it takes. */
export type EraseDesk = {
  /** Looks, and changes nothing. Throws AppError `invalid_request` or `too_many_requests`. */
  look(asked: { readonly kind: string; readonly value: string }, by: Actor): EraseStatus;
  /**
   * Does what was looked for, if it is the same value; asked twice, it is one erase. Throws AppError `not_found`,
   * `invalid_request`, `invalid_transition` or `too_many_requests`.
   */
  confirm(id: string, value: string, by: Actor): EraseStatus;
  /** Of what was looked for and has become an erase: that one. null: none of that id is known here. */
  get(id: string): EraseStatus | null;
  /** Newest first. */
  list(): readonly EraseStatus[];
};

/** The month of fraud in words, by account: lines of label and figure. */
export type MonthWords = {
  /** `2026-10`. */
  readonly month: string;
  readonly scopes: readonly {
    readonly title: string;
    /** What is to be known of how it was counted; '' if nothing is. */
    readonly notice: string;
    readonly sections: readonly {
      readonly title: string;
      readonly lines: readonly (readonly [label: string, figure: string])[];
    }[];
  }[];
};

export type ConsoleOptions = {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Empty: loopback only, without a token. */
  readonly tokens: readonly Token[];
  readonly feed: IncidentFeed;
  readonly log: Pick<EventLog, 'append'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The console's root as people reach it (DECLINEWATCH_URL), without a slash at its end; null: where it listens. */
  readonly consoleUrl?: string | null;
  /** The attempts of an incident, newest first; at most 200 are shown. */
  readonly attemptsOf: (incident: Incident) => Promise<readonly MemberSummary[]>;
  /** The newest record of each delivery of an incident. */
  readonly deliveriesOf: (incidentId: string) => Promise<readonly Delivery[]> | readonly Delivery[];
  readonly failedDeliveries: () => readonly Delivery[];
  readonly health: () => Promise<Health>;
  /** Whether the process gets on, for `/healthz`. Default: it answers, so it does. */
  readonly alive?: () => { readonly ok: boolean; readonly body: object };
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  readonly validateDetector: ValidateDetector;
  readonly operations?: readonly Operation[];
  /** Absent or null: another process responds. */
  readonly tuning?: ConsoleTuning | null;
  readonly deadLetters?: DeadLetterDesk | null;
  readonly erases?: EraseDesk | null;
  /** Read anew from the log. Absent or null: no month is shown. */
  readonly months?: ((month: string, signal: AbortSignal) => Promise<MonthWords>) | null;
  /** null: Slack and the sheet are real, or not used. */
  readonly preview: () => Preview | null;
  /** One line for each part that is simulated: which variables make it real. */
  readonly demo: { readonly lines: readonly string[] } | null;
};
