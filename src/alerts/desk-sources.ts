// What the slash command, the App Home and the handover card are made of. Given from outside: alerts know no detector, no
// window and no Stripe.
import type { IncidentFeed } from '../feed/feed.ts';
import type { ActOutcome, NewCommand } from '../feed/submit.ts';
import type { Clock } from '../model/clock.ts';
import type { Mode, Severity, Thresholds } from '../model/detector.ts';
import type { Entity, LabelledEntity } from '../model/entity.ts';
import type { Status } from '../model/incident.ts';

/** About an entity, plain or as incidents show it, or about an attempt. */
export type WhyAsked = { readonly entity: Entity } | { readonly attempt: string };

export type WhyTold = {
  /** False: older attempts may be missing. */
  readonly isWhole: boolean;
  readonly attempt: { readonly id: string; readonly outcome: string; readonly code: string } | null;
  readonly detectors: readonly {
    readonly detector: string;
    readonly title: string;
    readonly mode: Mode;
    readonly livemode: boolean;
    readonly entity: LabelledEntity | null;
    readonly windowS: number;
    readonly thresholds: Thresholds;
    readonly value: number | null;
    readonly peak: { readonly value: number; readonly atMs: number; readonly severity: Severity | null } | null;
    readonly reason: string;
    readonly incident: { readonly id: string; readonly status: Status } | null;
    /** Milliseconds; null: not muted. */
    readonly mutedUntil: number | null;
  }[];
};

export type PartTold = {
  readonly name: string;
  readonly state: 'fine' | 'degraded' | 'down';
  readonly message: string;
};

export type DeskSources = {
  readonly feed: Pick<
    IncidentFeed,
    'get' | 'all' | 'list' | 'mutes' | 'settings' | 'settingsHistory' | 'detectorNames'
  >;
  /** The console's root without a slash at its end. */
  readonly consoleUrl: string;
  readonly clock: Clock;
  readonly act: (command: NewCommand) => Promise<ActOutcome>;
  /** Rejects with an AppError that says why it cannot be told. Absent: it cannot be asked here. */
  readonly why?: (asked: WhyAsked) => Promise<WhyTold>;
  /** How far what Stripe has agrees with what the log has, one sentence; null: not known. */
  readonly coverage?: () => string | null;
  readonly health?: () => Promise<readonly PartTold[]>;
  /** Alerts that wait to be told, and deliveries that were refused. */
  readonly waiting: () => { readonly pending: number; readonly failedCount: number };
};
