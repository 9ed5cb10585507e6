// Proposals to change a detector: checked here, kept in the log, tried over the last 30 days by whoever responds
// (proposal-reader.ts), decided by the incident manager when a person says so.
import { randomBytes } from 'node:crypto';
import { validateChange } from '../detectors/detectors-file.ts';
import { act } from '../feed/submit.ts';
import type { DetectorSettings } from '../model/detector.ts';
import { type ErrorDetail, messageOf } from '../model/errors.ts';
import type { Asked, Proposal, Proposals, StoredProposal } from '../model/proposal.ts';
import { overtakenInWords } from '../model/settings-words.ts';
import { currentOf, decide, revertDetector } from './proposal-decisions.ts';
import type { ProposalsOptions } from './proposal-entries.ts';
import { startProposalReader } from './proposal-reader.ts';

export function createProposals(options: ProposalsOptions): Proposals {
  const { feed, logger } = options;
  const reader = startProposalReader(options);
  const listeners = new Set<(proposal: Proposal) => void>();
  const shown = ({ settings: _, ...proposal }: StoredProposal): Proposal => {
    const progress = proposal.state === 'reading' ? reader.progressOf(proposal.id) : 1;
    return { ...proposal, progress };
  };
  const propose = async (asked: Asked): Promise<Proposal> => {
    const made = await submit(options, asked);
    return 'settings' in made ? shown(made) : made;
  };
  const unfollow = feed.subscribe(({ proposal }) => {
    if (proposal === undefined) return;
    for (const listener of listeners) {
      try {
        listener(shown(proposal));
      } catch (error) {
        logger.error({ error: messageOf(error) }, 'a listener of proposals failed');
      }
    }
  });
  return {
    propose,
    get: (id) => {
      const proposal = feed.proposal(id);
      return proposal === null ? null : shown(proposal);
    },
    list: () => feed.proposals().map(shown),
    apply: async (proposal, by, click) => await decide(options, { proposal, decision: 'apply', by, click }),
    discard: async (proposal, by, click) => await decide(options, { proposal, decision: 'discard', by, click }),
    revert: async (detector, by) => await revertDetector({ ...options, propose }, detector, by),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: async () => {
      unfollow();
      await reader.close();
    },
  };
}

/** As it is in the log by now; one without settings is not there: it was refused, or is not decided yet. */
async function submit(parts: ProposalsOptions, asked: Asked): Promise<Proposal | StoredProposal> {
  const { detector, change, basedOn, by, why = '' } = asked;
  const { feed, clock } = parts;
  const id = randomBytes(8).toString('hex');
  const draft: Proposal = {
    ...{ id, ...asked, at: clock.now(), state: 'reading', changes: [], progress: 0 },
    ...{ words: '', result: null, readAt: null, problem: '', decidedBy: null },
  };
  const checked = check(feed, asked);
  if ('problem' in checked) return { ...draft, state: 'refused', ...checked };
  const { settings } = checked;
  const body = { type: 'propose', proposal: id, detector, change, settings, basedOn, why } as const;
  const done = await act(parts, { actor: by, body });
  if (done.outcome === 'pending') return draft;
  if (done.outcome === 'refused') return { ...draft, state: 'refused', problem: done.refusal.message };
  return done.change.proposal ?? { ...draft, state: 'refused', problem: NOT_UNDERSTOOD };
}

const NOT_UNDERSTOOD = 'The incident manager could not read it: does it run another version of declinewatch?';

type Checked =
  | { readonly settings: DetectorSettings }
  | { readonly problem: string; readonly problems?: readonly ErrorDetail[] };

function check(feed: ProposalsOptions['feed'], { detector, change, basedOn }: Asked): Checked {
  const current = currentOf(feed, detector);
  const general = feed.general();
  if (current === null || general === null) return { problem: `There is no detector ${detector.slice(0, 100)}.` };
  if (current.accepted.rule.version !== basedOn) return { problem: overtakenInWords(current.accepted, basedOn) };
  const valid = validateChange(current.settings, change, general);
  if ('settings' in valid) return valid;
  const { problems } = valid;
  return { problems, problem: problems.map(({ path, message }) => `${fieldName(path)} ${message}`).join('; ') };
}

const fieldName = (path: string): string => {
  const name = path.replace(/^thresholds\./, '');
  return name === '' ? 'It' : `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
};
