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
  /** Milliseconds, by subject: since when what it would have done stands there. */
  const standsSince = new Map<string, number>();
  const stop = new AbortController();
  const ringing = new Set<Promise<void>>();
  const unsubscribe = proposals.subscribe((proposal) => {
    const subject = subjectOf(proposal);
    if (proposal.state !== 'proposed' || standsSince.has(subject)) return onDue();
    standsSince.set(subject, clock.now());
    const ring = clock.sleep(STANDS_MS, stop.signal).then(() => {
      ringing.delete(ring);
      if (!stop.signal.aborted) onDue();
    });
    ringing.add(ring);
  });
  const noticeOf = (proposal: Proposal, told: NoticesTold): readonly Notice[] => {
    const subject = subjectOf(proposal);
    const receipt = told.of(subject);
    const since = standsSince.get(subject);
    // Begun with the answer lost, it is first found again, or posted as it stands by now.
    const isPosted = receipt?.state === 'posted' && receipt.version >= PROPOSED;
    const isDue = proposal.state === 'proposed' && since !== undefined && clock.now() - since >= STANDS_MS;
    if (receipt === null && !(isDue && isForChannel(proposal))) return [];
    if (receipt?.state === 'failed' && receipt.version === PROPOSED) return [];
    const isDecided = proposal.state !== 'proposed' && proposal.state !== 'reading';
    return [
      {
        subject,
        version: isPosted && isDecided ? DECIDED : PROPOSED,
        isLiving: true,
        channel,
        card: () => proposalCard(shownOf(newestOf(proposals, proposal)), consoleUrl),
        untilMs: isPosted ? clock.now() + WORTH_FOR_MS : (since ?? proposal.at) + WORTH_FOR_MS,
      },
    ];
  };
  return {
    due: (told) => {
      const listed = proposals.list();
      const known = new Set(listed.map(subjectOf));
      for (const subject of standsSince.keys()) if (!known.has(subject)) standsSince.delete(subject);
      return listed.toReversed().flatMap((proposal) => noticeOf(proposal, told));
    },
    close: async () => {
      unsubscribe();
      stop.abort();
      await Promise.all(ringing);
    },
  };
}

/** What is proposed again after it was discarded is another proposal of the same id. */
const subjectOf = ({ id, at }: Pick<Proposal, 'id' | 'at'>): string => `proposal:${id}:${at}`;

/** What was made in a form of Slack is decided there, unless somebody else must. */
const isForChannel = ({ by, secondPerson }: Proposal): boolean => by.kind !== 'slack' || secondPerson !== undefined;

function newestOf(proposals: ProposalNewsOptions['proposals'], proposal: Proposal): Proposal {
  const now = proposals.get(proposal.id);
  return now !== null && now.at === proposal.at ? now : proposal;
}
