// What everybody who tells something in a channel shares: its pace (about one message a second), the pace of edits, and
// whether another organisation would read it.
import type { WebClient } from '@slack/web-api';
import type { Clock } from '../model/clock.ts';
import { createEditPace, type EditPace } from './edit-pace.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export type Channels = {
  readonly bucketOf: (channel: string) => TokenBucket;
  readonly pace: EditPace;
  readonly isShared: (channel: string) => Promise<boolean>;
};

export type ChannelsOptions = {
  readonly client: WebClient;
  readonly clock: Clock;
  /** Of one channel. Default 1000. */
  readonly everyMs?: number;
};

const EVERY_MS = 1_000;
const BURST = 3;
/** For tests that wait for no one. */
const QUICK = { perMinute: 10_000, growthPerMinute: 10_000 };

export function createChannels(options: ChannelsOptions): Channels {
  const { clock, everyMs } = options;
  const isQuick = everyMs !== undefined && everyMs < EVERY_MS;
  return {
    bucketOf: createBuckets(options),
    pace: createEditPace({ clock, ...(isQuick ? { sameMs: everyMs, growthMs: everyMs, ...QUICK } : {}) }),
    isShared: createIsShared(options),
  };
}

function createBuckets({ clock, everyMs = EVERY_MS }: ChannelsOptions): Channels['bucketOf'] {
  const buckets = new Map<string, TokenBucket>();
  return (channel) => {
    const bucket = buckets.get(channel) ?? createTokenBucket({ clock, everyMs, burst: BURST });
    buckets.set(channel, bucket);
    return bucket;
  };
}

/** Asked again after ten minutes; of one that is shared after one, for that is to be put right. */
const SHARED_MS = 60_000;
const OWN_MS = 600_000;

/** Whether another organisation would read it. Where Slack does not say, it is taken for our own. */
function createIsShared({ client, clock }: ChannelsOptions): Channels['isShared'] {
  const known = new Map<string, { readonly at: number; readonly isShared: boolean }>();
  return async (channel) => {
    const before = known.get(channel);
    if (before !== undefined && clock.now() - before.at < (before.isShared ? SHARED_MS : OWN_MS))
      return before.isShared;
    const isShared = await client.conversations.info({ channel }).then(
      (answer) => answer.channel?.is_ext_shared === true,
      () => null,
    );
    if (isShared !== null) known.set(channel, { at: clock.now(), isShared });
    return isShared ?? false;
  };
}
