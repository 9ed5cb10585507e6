// Offers each version of a detector that has run in the shadow for a week, once.
import type { IncidentFeed } from '../feed/feed.ts';
import type { Clock } from '../model/clock.ts';
import type { Promotion } from '../model/suggestions.ts';
import { promotionCard, promotionSubject } from './blocks-promotion.ts';
import type { Notice } from './notice.ts';

export type PromotionNewsOptions = {
  /** As things stand now. */
  readonly promotions: () => readonly Promotion[];
  readonly feed: Pick<IncidentFeed, 'settings'>;
  readonly channel: string;
  readonly consoleUrl: string;
  readonly clock: Clock;
};

/** Every incident is looked at for it: not at each look, unless settings have changed. */
const EVERY_MS = 600_000;
const WORTH_FOR_MS = 86_400_000;

export function createPromotionNews(options: PromotionNewsOptions): () => readonly Notice[] {
  const { promotions, feed, channel, clock } = options;
  let read = { at: Number.NEGATIVE_INFINITY, versions: '', promotions: [] as readonly Promotion[] };
  return () => {
    const now = clock.now();
    const versions = feed
      .settings()
      .map(({ position }) => position.offset)
      .join();
    if (now - read.at >= EVERY_MS || versions !== read.versions) read = { at: now, versions, promotions: promotions() };
    return read.promotions
      .filter((promotion) => isNewest(options, promotion))
      .map((promotion) => ({
        subject: promotionSubject(promotion.detector),
        version: promotion.version,
        channel,
        card: () => promotionCard(promotion, { ...options, title: titleOf(options, promotion), decision: null }),
        untilMs: now + WORTH_FOR_MS,
      }));
  };
}

const settingsOf = ({ feed }: PromotionNewsOptions, { detector }: Promotion) =>
  feed.settings().find(({ rule }) => rule.detector === detector)?.rule;

const isNewest = (options: PromotionNewsOptions, promotion: Promotion): boolean =>
  settingsOf(options, promotion)?.version === promotion.version;

const titleOf = (options: PromotionNewsOptions, promotion: Promotion): string =>
  settingsOf(options, promotion)?.settings?.title ?? promotion.detector;
