// A detector that has run in the shadow for a week: what it would have done, and the offer to let it alert. Pure.
import type { ActionsBlock, KnownBlock } from '@slack/types';
import type { Promotion } from '../model/suggestions.ts';
import { detectorLink, isPlainName, versionValue } from './blocks-detector.ts';
import { cutEscaped, safe } from './blocks-inert.ts';
import { contextBlock, header, plainOf, section } from './blocks-list.ts';
import { BLOCK_STYLE } from './blocks-state.ts';
import type { Card } from './notice.ts';

/** Held stable: buttons in old messages must go on working. */
export const PROMOTE = 'promote-detector';
export const KEEP_IN_SHADOW = 'keep-in-shadow';

type Offered = Pick<Promotion, 'detector' | 'version' | 'since' | 'words'>;

export type PromotionParts = {
  readonly title: string;
  readonly consoleUrl: string;
  /** What became of the offer, a sentence, escaped; null: it stands. */
  readonly decision: string | null;
};

export const promotionSubject = (detector: string): string => `promotion:${detector}`;

export function promotionCard(promotion: Offered, { title, consoleUrl, decision }: PromotionParts): Card {
  const { detector, version, since, words } = promotion;
  const name = safe(detector, 64);
  const headline = `Promote ${name} out of the shadow?`;
  const story = `*${safe(title, 120)}* (${detectorLink(detector, consoleUrl)}, version ${version}) has run in the shadow since ${BLOCK_STYLE.when(since)}. It ${safe(words, 600)}.`;
  const tail = decision ?? 'In the shadow its incidents are in the sheet and the console, and nobody is called.';
  return {
    text: plainOf([headline, story, tail, `${consoleUrl}/detectors`]),
    blocks: [
      header(cutEscaped(headline, 150)),
      section(story),
      contextBlock(tail),
      ...(decision === null && isPlainName(detector) ? [buttons({ detector, version })] : []),
    ],
  };
}

function buttons({ detector, version }: Pick<Promotion, 'detector' | 'version'>): KnownBlock {
  const value = versionValue({ detector, version });
  const label = (verb: string): string => cutEscaped(`${verb} ${safe(detector, 40)}`, 75);
  const block: ActionsBlock = {
    type: 'actions',
    block_id: `promotion-${version}`,
    elements: [
      {
        type: 'button',
        action_id: PROMOTE,
        value,
        style: 'primary',
        text: { type: 'plain_text', text: 'Promote', emoji: false },
        accessibility_label: label('Promote'),
      },
      {
        type: 'button',
        action_id: KEEP_IN_SHADOW,
        value,
        text: { type: 'plain_text', text: 'Keep in shadow', emoji: false },
        accessibility_label: label('Keep in shadow'),
      },
    ],
  };
  return block;
}
