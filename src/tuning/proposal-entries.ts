// Proposals as they are kept while the service runs, and what they are made and decided with.
import type { Logger } from 'pino';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { DetectorSettings } from '../model/detector.ts';
import type { Actor } from '../model/incident.ts';
import type { Asked, Proposal } from '../model/proposal.ts';
import type { WhatIfParts } from './what-if.ts';

export type ProposalsOptions = Omit<WhatIfParts, 'feed' | 'log'> & {
  readonly log: WhatIfParts['log'] & Pick<EventLog, 'append'>;
  readonly feed: WhatIfParts['feed'] & Pick<IncidentFeed, 'waitForCommand' | 'subscribe'>;
  readonly logger: Logger;
};

export type Entry = {
  proposal: Proposal;
  readonly settings: DetectorSettings | null;
  readonly stop: AbortController;
  /** The command that applies it, until it is decided, and whose it is. */
  applying: { readonly command: string; readonly by: Actor } | null;
};

export type ProposalParts = ProposalsOptions & {
  readonly entries: Map<string, Entry>;
  readonly propose: (asked: Asked) => Proposal;
  readonly change: (entry: Entry, change: Partial<Proposal>) => void;
};
