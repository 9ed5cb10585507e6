// What proposals would have done, read from the log behind everything else. Every process that responds reads each one that is not
// read yet: so one that ends in the middle is missed by nobody, and the first to be done is the one that counts.
import { submitCommand } from '../feed/submit.ts';
import type { ProposalReadCommand } from '../model/commands.ts';
import { AppError, messageOf } from '../model/errors.ts';
import type { Actor } from '../model/incident.ts';
import type { StoredProposal } from '../model/proposal.ts';
import type { WhatIf } from '../model/what-if.ts';
import { whatIfWords } from '../model/what-if-words.ts';
import type { ProposalsOptions } from './proposal-entries.ts';
import { whatIf } from './what-if.ts';

export type ProposalReader = {
  /** From 0 to 1, as far as this process is. */
  progressOf(id: string): number;
  /** Reading stops. */
  close(): Promise<void>;
};

type Reading = { progress: number; readonly stop: AbortController };

const LOOKED_BACK_MS = 30 * 86_400_000;
const READER: Actor = { kind: 'engine', id: 'tuning', name: '' };
/** Of each list of incidents in the log; the counts are exact. */
const MOST_LISTED = 20;
const MOST_TRIES = 3;
const AGAIN_MS = 5_000;

export function startProposalReader(parts: ProposalsOptions): ProposalReader {
  const { feed, logger } = parts;
  const underWay = new Map<string, Reading>();
  let reading: Promise<void> = Promise.resolve();
  const take = (proposal: StoredProposal): void => {
    for (const [id, { stop }] of underWay) {
      if (feed.proposal(id)?.state === 'reading') continue;
      stop.abort();
      underWay.delete(id);
    }
    if (proposal.state !== 'reading' || underWay.has(proposal.id)) return;
    const one: Reading = { progress: 0, stop: new AbortController() };
    underWay.set(proposal.id, one);
    // One after the other: each is a reading of the whole month.
    reading = reading
      .then(async () => await read(parts, proposal, one))
      .catch((error: unknown) => logger.error({ error: messageOf(error) }, 'a proposal could not be read'));
  };
  const unfollow = feed.subscribe(({ proposal }) => {
    if (proposal !== undefined) take(proposal);
  });
  for (const proposal of feed.proposals().toReversed()) take(proposal);
  return {
    progressOf: (id) => underWay.get(id)?.progress ?? 0,
    close: async () => {
      unfollow();
      for (const { stop } of underWay.values()) stop.abort();
      await reading;
    },
  };
}

async function read(parts: ProposalsOptions, proposal: StoredProposal, one: Reading): Promise<void> {
  const { clock } = parts;
  const { signal } = one.stop;
  const body = await readingOf(parts, proposal, one);
  // Another process was faster, or somebody has decided.
  while (!signal.aborted && body !== null) {
    try {
      // The same for every process: what comes second has been asked before.
      await submitCommand(parts, { id: `read-${proposal.id}`, actor: READER, body });
      return;
    } catch (error) {
      if (!isRetriable(error)) throw error;
      await clock.sleep(AGAIN_MS, signal);
    }
  }
}

/** null: it is not asked for any more. */
async function readingOf(
  parts: ProposalsOptions,
  { id, detector, settings }: StoredProposal,
  one: Reading,
): Promise<ProposalReadCommand | null> {
  const { clock } = parts;
  const { signal } = one.stop;
  for (let tries = 1; !signal.aborted; tries += 1) {
    const body = { type: 'proposal_read', proposal: id, erased: parts.erased?.() ?? 0 } as const;
    try {
      const result = await whatIf(parts, {
        detector,
        settings,
        sinceMs: clock.now() - LOOKED_BACK_MS,
        signal,
        onProgress: ({ done, total }) => {
          one.progress = total === 0 ? 1 : Math.min(1, done / total);
        },
      });
      return { ...body, words: whatIfWords(result), result: shortened(result), problem: '' };
    } catch (error) {
      if (signal.aborted) return null;
      if (!isRetriable(error) || tries >= MOST_TRIES)
        return { ...body, words: '', result: null, problem: messageOf(error) };
      await clock.sleep(AGAIN_MS, signal);
    }
  }
  return null;
}

const isRetriable = (error: unknown): boolean => error instanceof AppError && error.retriable;

const shortened = (result: WhatIf): WhatIf => ({
  ...result,
  added: result.added.slice(0, MOST_LISTED),
  removed: result.removed.slice(0, MOST_LISTED),
});
