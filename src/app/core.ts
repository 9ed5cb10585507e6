// What every part is put together from: the configuration, the log and the window store, the feed of incidents, and where health
// and metrics are gathered.
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { openIncidentFeed } from '../feed/incident-feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { GeneralSettings } from '../model/detector.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { type ErasingLog, openErasingLog } from './erasing.ts';
import { type Health, type HealthSources, healthOf } from './health.ts';
import { keptPiiKey, markOf } from './pii-key.ts';
import { openStorage, type Storage } from './storage.ts';
import type { Teardown } from './teardown.ts';

/** `manage`: incidents can be read and acted on, nothing is told or heard; what the CLI opens for one command. */
export const ROLES = ['ingest', 'detect', 'respond', 'manage'] as const;
export type Role = (typeof ROLES)[number];

export type AppOptions = {
  readonly roles: readonly Role[];
  /** Simulated traffic, previews in place of Slack and the sheet, a data folder of its own. */
  readonly demo: boolean;
  /** The detectors file wins over what persons have set. */
  readonly takeFile?: boolean;
  readonly clock?: Clock;
  /** What opens the log and the window store. Default: as configured. Tests of crashes put something between. */
  readonly storage?: typeof openStorage;
};

export type Parts = {
  readonly config: Config;
  readonly options: AppOptions;
  readonly logger: Logger;
  readonly teardown: Teardown;
  readonly clock: Clock;
};

export type Core = Parts & {
  /** This process has one of them. */
  readonly has: (...roles: readonly Role[]) => boolean;
  readonly dataFolder: string;
  readonly storage: Storage;
  readonly erasing: ErasingLog;
  /** Read by everybody without those who were erased. */
  readonly log: EventLog;
  readonly piiKey: string;
  readonly feed: IncidentFeed;
  /** Settings as in force now. */
  readonly general: () => GeneralSettings;
  readonly metrics: Metrics;
  /** Parts add how they are. */
  readonly sources: HealthSources;
  readonly health: () => Promise<Health>;
  /** Of a part. */
  readonly child: (part: string) => Logger;
};

export async function openCore(parts: Parts): Promise<Core> {
  const { config, options, logger, teardown, clock } = parts;
  const dataFolder = options.demo ? join(config.dataFolder, 'demo') : config.dataFolder;
  const owner = `console at ${config.url ?? `http://${config.adminHost}:${config.adminPort}`}`;
  const child = (part: string): Logger => logger.child({ part });
  const open = options.storage ?? openStorage;
  // An embedded installation makes its key once it has the lock of the folder.
  const sharedKey = config.kafka === null ? null : (config.piiKey ?? keptPiiKey(dataFolder));
  const mark = sharedKey === null ? {} : { mark: markOf(sharedKey) };
  const storage = await open({ config, dataFolder, owner, clock, logger, ...mark }, teardown);
  const piiKey = sharedKey ?? config.piiKey ?? keptPiiKey(dataFolder);
  const erasing = await openErasingLog(storage, { piiKey, logger: child('erasure') }, teardown);
  const { log } = erasing;
  const sources: HealthSources = { log, store: storage.store, deliveries: [] };
  const feed = await openIncidentFeed({ log, logger: child('feed'), ...groupOf(storage, 'feed') });
  teardown.push('feed', () => feed.close());
  sources.feed = feed.status;
  return {
    ...parts,
    has: (...roles) => roles.some((role) => options.roles.includes(role)),
    dataFolder,
    storage,
    erasing,
    log,
    piiKey,
    feed,
    general: () => feed.general() ?? NO_SETTINGS,
    metrics: createMetrics(),
    sources,
    health: async () => await healthOf(sources),
    child,
  };
}

/** Before any file was read: the defaults of design §5. */
const NO_SETTINGS: GeneralSettings = { latenessMs: 72 * 3_600_000, metadata: { ip: null, keys: [] } };

/** Groups of an embedded log are kept for ever: they have names. In Kafka each process has its own, which goes with it. */
export function groupOf({ kind }: Pick<Storage, 'kind'>, group: string): { readonly group?: string } {
  return kind === 'embedded' ? { group } : {};
}
