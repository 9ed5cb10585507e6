// What the slash command, the App Home and the handover card are made of. Given from outside: alerts know no detector, no
// window and no Stripe.
import type { IncidentFeed } from '../feed/feed.ts';
import type { ActOutcome, NewCommand } from '../feed/submit.ts';
import type { Clock } from '../model/clock.ts';
import type { WhyAnswer, WhyQuestion } from '../model/why.ts';

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
  readonly why?: (asked: WhyQuestion) => Promise<WhyAnswer>;
  /** How far what Stripe has agrees with what the log has, one sentence; null: not known. */
  readonly coverage?: () => string | null;
  readonly health?: () => Promise<readonly PartTold[]>;
  /** Alerts that wait to be told, and deliveries that were refused. */
  readonly waiting: () => { readonly pending: number; readonly failedCount: number };
};
