// What proposals are made, read and decided with.
import type { Logger } from 'pino';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { WhatIfParts } from './what-if.ts';

export type ProposalsOptions = Omit<WhatIfParts, 'feed' | 'log'> & {
  readonly log: WhatIfParts['log'] & Pick<EventLog, 'append'>;
  readonly feed: WhatIfParts['feed'] &
    Pick<IncidentFeed, 'waitForCommand' | 'subscribe' | 'proposal' | 'proposals' | 'caughtUp'>;
  readonly logger: Logger;
  /** Number of the newest erase that reading the log here leaves out. Absent: there is none. */
  readonly erased?: () => number;
};
