// What the responding side reads: every incident's newest state, its timeline, the settings in force, and proposals. The port;
// incident-feed.ts follows the log.
import type { AcceptedSettings, Change, ChangeType } from '../model/commands.ts';
import type { GeneralSettings, Severity } from '../model/detector.ts';
import type { Entity } from '../model/entity.ts';
import type { Actor, Incident, Status } from '../model/incident.ts';
import type { StoredProposal } from '../model/proposal.ts';

export type IncidentFilter = {
  readonly status?: Status;
  readonly severity?: Severity;
  readonly detector?: string;
  readonly entity?: Entity;
  /** null: the platform's own account; absent: any. */
  readonly account?: string | null;
  readonly livemode?: boolean;
  /** Milliseconds: opened at or after. */
  readonly since?: number;
  /** Milliseconds: opened before. */
  readonly until?: number;
  /** Default 50, at most 500. */
  readonly limit?: number;
  /** Id of the last incident of the page before. */
  readonly after?: string;
};

export type IncidentPage = {
  /** Newest first, by number. */
  readonly incidents: readonly Incident[];
  /** The `after` of the next page; null: this is the last. */
  readonly next: string | null;
};

export type TimelineEntry = {
  /** Of the incident after it. */
  readonly version: number;
  /** Milliseconds. */
  readonly at: number;
  readonly type: ChangeType;
  readonly actor: Actor;
  readonly data: Readonly<Record<string, unknown>>;
  /** `<offset>.<index>`: unique, stable. */
  readonly change: string;
};

export type Mute = {
  readonly detector: string;
  readonly account: string | null;
  readonly livemode: boolean;
  readonly entity: Incident['entity'];
  /** Milliseconds. */
  readonly until: number;
  /** The newest incident it was set on. */
  readonly incident: string;
};

export interface IncidentFeed {
  /** null: no such incident, or one that is closed and no longer among the newest 10,000. */
  get(id: string): Incident | null;
  list(filter?: IncidentFilter): IncidentPage;
  /** Every incident that is held, newest first. */
  all(): Iterable<Incident>;
  /** Oldest first; at most 500 entries: of a longer one the first 50 and the newest. Empty for an unknown id. */
  timeline(id: string): readonly TimelineEntry[];
  /** By name: of each detector the settings accepted last (in force from `rule.sinceS`). Removed ones are left out. */
  settings(): readonly AcceptedSettings[];
  /** Oldest first, at most the newest 500; removals included. */
  settingsHistory(detector: string): readonly AcceptedSettings[];
  /** Every detector that ever had settings. */
  detectorNames(): readonly string[];
  /** null: nothing has been accepted yet. */
  general(): GeneralSettings | null;
  /** null: no such proposal, or one that is no longer among the newest 200. */
  proposal(id: string): StoredProposal | null;
  /** Newest first. */
  proposals(): readonly StoredProposal[];
  /** Mutes that end after `now`. */
  mutes(now: number): readonly Mute[];
  /** Called with each new change once, in order, after the feed shows it. A listener that throws is logged. */
  subscribe(listener: (change: Change) => void): () => void;
  /** The first change of a command; null if none is seen in time. */
  waitForCommand(commandId: string, timeoutMs: number): Promise<Change | null>;
  /** Resolves once everything that is in the log at the call is shown here. */
  caughtUp(): Promise<void>;
  status(): FeedStatus;
  close(): Promise<void>;
}

export type FeedStatus = {
  readonly incidents: number;
  readonly unresolved: number;
  /** Records of `incidents` not read yet, as last seen. */
  readonly behind: number;
  /** Why following stopped for good (`newer_schema`); null: it goes on. */
  readonly stopped: { readonly code: string; readonly message: string } | null;
};
