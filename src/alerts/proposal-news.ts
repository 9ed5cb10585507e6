// Tells the channel of proposals that wait for somebody: once each, after a while in which most are decided where they were
// made; the message is edited when it is decided.
import type { Clock } from '../model/clock.ts';
import type { Proposal, Proposals } from '../model/proposal.ts';
import { proposalCard } from './blocks-proposal.ts';
import type { Notice, NoticesTold } from './notice.ts';
import { shownOf } from './tune.ts';

export type ProposalNewsOptions = {
  readonly proposals: Pick<Proposals, 'list' | 'get' | 'subscribe'>;
  readonly channel: string;
  /** The console's root without a slash at its end. */
  readonly consoleUrl: string;
  /** Something may have become due. */
  readonly onDue: () => void;
  readonly clock: Clock;
};

export type ProposalNews = {
  due(told: NoticesTold): readonly Notice[];
  close(): Promise<void>;
};

/** Whoever edits a second cell, or decides at once, is not told of in between. */
const STANDS_MS = 10_000;
const WORTH_FOR_MS = 6 * 3_600_000;
const PROPOSED = 1;
const DECIDED = 2;

export function createProposalNews(options: ProposalNewsOptions): ProposalNews {
  const { proposals, channel, consoleUrl, onDue, clock } = options;
  const stop = new AbortController();
  const ringing = new Set<Promise<void>>();
  const unsubscribe = proposals.subscribe((proposal) => {
    if (proposal.state !== 'proposed') return onDue();
    const ring = clock.sleep(STANDS_MS, stop.signal).then(() => {
      ringing.delete(ring);
      if (!stop.signal.aborted) onDue();
    });
    ringing.add(ring);
  });
  const noticeOf = (proposal: Proposal, told: NoticesTold): readonly Notice[] => {
    const subject = subjectOf(proposal);
    const receipt = told.of(subject);
    const { readAt } = proposal;
    // Begun with the answer lost, it is first found again, or posted as it stands by now.
    const isPosted =
      receipt !== null && (receipt.version > PROPOSED || (receipt.version === PROPOSED && receipt.state === 'posted'));
    const isDue = proposal.state === 'proposed' && readAt !== null && clock.now() - readAt >= STANDS_MS;
    if (receipt === null && !(isDue && isForChannel(proposal))) return [];
    if (receipt?.state === 'failed' && receipt.version === PROPOSED) return [];
    const isDecided = proposal.state !== 'proposed' && proposal.state !== 'reading';
    return [
      {
        subject,
        version: isPosted && isDecided ? DECIDED : PROPOSED,
        isLiving: true,
        channel,
        card: () => proposalCard(shownOf(proposals.get(proposal.id) ?? proposal), consoleUrl),
        untilMs: isPosted ? clock.now() + WORTH_FOR_MS : (readAt ?? proposal.at) + WORTH_FOR_MS,
      },
    ];
  };
  return {
    due: (told) =>
      proposals
        .list()
        .toReversed()
        .flatMap((proposal) => noticeOf(proposal, told)),
    close: async () => {
      unsubscribe();
      stop.abort();
      await Promise.all(ringing);
    },
  };
}

const subjectOf = ({ id }: Pick<Proposal, 'id'>): string => `proposal:${id}`;

/** What was made in a form of Slack is decided there, unless somebody else must. */
const isForChannel = ({ by, secondPerson }: Proposal): boolean => by.kind !== 'slack' || secondPerson !== undefined;
