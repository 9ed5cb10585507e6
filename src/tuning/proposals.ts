// Proposals to change a detector: checked at once, tried over the last 30 days behind, applied when a person says so
// (proposal-decisions.ts), and no longer possible once another version is in force.
import { createHash } from 'node:crypto';
import { formOf } from '../detectors/detector-form.ts';
import { validateChange } from '../detectors/detectors-file.ts';
import { secondPersonNeeded } from '../model/approval.ts';
import type { AcceptedSettings, Change } from '../model/commands.ts';
import type { DetectorSettings } from '../model/detector.ts';
import { type ErrorDetail, messageOf } from '../model/errors.ts';
import { type Asked, isOpenProposal, type Proposal, type Proposals } from '../model/proposal.ts';
import { changeInWords } from '../model/settings-words.ts';
import { whatIfWords } from '../model/what-if-words.ts';
import { actorName } from '../model/words.ts';
import { applyProposal, currentOf, GONE, refused, revertDetector, settle } from './proposal-decisions.ts';
import type { Entry, ProposalParts, ProposalsOptions } from './proposal-entries.ts';
import { whatIf } from './what-if.ts';

const LOOKED_BACK_MS = 30 * 86_400_000;
const MOST_KEPT = 200;

export function createProposals(options: ProposalsOptions): Proposals {
  const { feed, logger } = options;
  const entries = new Map<string, Entry>();
  const listeners = new Set<(proposal: Proposal) => void>();
  let reading: Promise<void> = Promise.resolve();
  const change = (entry: Entry, changed: Partial<Proposal>): void => {
    entry.proposal = { ...entry.proposal, ...changed };
    for (const listener of listeners) listener(entry.proposal);
  };
  const propose = (asked: Asked): Proposal => {
    const id = idOf(asked);
    const known = entries.get(id)?.proposal;
    if (known !== undefined && known.state !== 'discarded' && known.state !== 'refused') return known;
    const entry = entryOf(parts, id, asked);
    entries.delete(id);
    entries.set(id, entry);
    forgetOldest(entries);
    // One after the other: each is a reading of the whole month.
    if (entry.settings !== null)
      reading = reading
        .then(async () => await read(parts, entry))
        .catch((error: unknown) => {
          logger.error({ error: messageOf(error) }, 'a proposal could not be read');
        });
    return entry.proposal;
  };
  const parts: ProposalParts = { ...options, entries, change, propose };
  const unfollow = feed.subscribe((one) => follow(parts, one));
  return {
    propose,
    get: (id) => entries.get(id)?.proposal ?? null,
    list: () => [...entries.values()].map(({ proposal }) => proposal).reverse(),
    apply: async (id, by) => await applyProposal(parts, id, by),
    discard: (id, by) => {
      const entry = entries.get(id);
      if (entry === undefined) return refused(GONE);
      const { state, basedOn } = entry.proposal;
      if (state === 'applied') return refused('It is applied already: revert the detector instead.');
      if (entry.applying !== null) return refused('Somebody is applying it at this moment.');
      entry.stop.abort();
      change(entry, { state: 'discarded', decidedBy: by });
      return { outcome: 'done', version: basedOn };
    },
    revert: async (detector, by) => await revertDetector(parts, detector, by),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: async () => {
      unfollow();
      for (const { stop } of entries.values()) stop.abort();
      await reading;
    },
  };
}

function idOf({ detector, basedOn, change, by }: Asked): string {
  const text = JSON.stringify([detector, basedOn, change, by.kind]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function forgetOldest(entries: Map<string, Entry>): void {
  for (const [id, { stop }] of entries) {
    if (entries.size <= MOST_KEPT) return;
    stop.abort();
    entries.delete(id);
  }
}

function entryOf({ feed, clock }: ProposalParts, id: string, asked: Asked): Entry {
  const checked = check(feed, asked);
  const proposal: Proposal = {
    ...asked,
    id,
    at: clock.now(),
    state: 'reading',
    changes: [],
    progress: 0,
    words: '',
    result: null,
    problem: '',
    decidedBy: null,
  };
  const rest = { stop: new AbortController(), applying: null };
  if ('problem' in checked) return { ...rest, settings: null, proposal: { ...proposal, state: 'refused', ...checked } };
  const { before, settings } = checked;
  const secondPerson = secondPersonNeeded({ detector: asked.detector, before, after: settings });
  const changes = changeInWords(before, settings);
  return {
    ...rest,
    settings,
    proposal: { ...proposal, changes, ...(secondPerson === null ? {} : { secondPerson }) },
  };
}

type Checked =
  | { readonly before: DetectorSettings; readonly settings: DetectorSettings }
  | { readonly problem: string; readonly problems?: readonly ErrorDetail[] };

function check(feed: ProposalParts['feed'], { detector, change, basedOn }: Asked): Checked {
  const current = currentOf(feed, detector);
  const general = feed.general();
  if (current === null || general === null) return { problem: `There is no detector ${detector.slice(0, 100)}.` };
  if (current.accepted.rule.version !== basedOn) return { problem: staleMessage(current.accepted, basedOn) };
  const valid = validateChange(current.settings, change, general);
  if ('settings' in valid) return { ...valid, before: current.settings };
  const { problems } = valid;
  return { problems, problem: problems.map(({ path, message }) => `${fieldName(path)} ${message}`).join('; ') };
}

const fieldName = (path: string): string => {
  const name = path.replace(/^thresholds\./, '');
  return name === '' ? 'It' : `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
};

function staleMessage({ rule, actor, at }: AcceptedSettings, basedOn: number): string {
  const time = `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `${rule.detector} is at version ${rule.version} since ${time} (${actorName(actor)}); this was made from version ${basedOn}. Look at what is in force and change it again.`;
}

/** What became of proposals that are being applied, soon or late; and a new version overtakes those made from one before. */
function follow(parts: ProposalParts, { command, type, accepted, refusal }: Change): void {
  if (accepted === undefined && type !== 'seen' && type !== 'refused') return;
  for (const entry of parts.entries.values()) {
    const { proposal, applying, stop } = entry;
    if (!isOpenProposal(proposal)) continue;
    if (applying?.command === command) settle(parts, entry, refusal);
    // One that is applied at this moment is refused by the manager.
    else if (accepted !== undefined && applying === null && isOvertaken(proposal, accepted)) {
      stop.abort();
      // The very same by another door, or in another replica.
      if (isAsProposed(entry, accepted)) parts.change(entry, { state: 'applied', decidedBy: accepted.actor });
      else parts.change(entry, { state: 'refused', problem: staleMessage(accepted, proposal.basedOn) });
    }
  }
}

const isOvertaken = ({ detector, basedOn }: Proposal, { rule }: AcceptedSettings): boolean =>
  rule.detector === detector && rule.version > basedOn;

function isAsProposed({ settings }: Entry, { rule }: AcceptedSettings): boolean {
  if (settings === null || rule.settings === null) return false;
  return JSON.stringify(formOf(settings)) === JSON.stringify(formOf(rule.settings));
}

async function read(parts: ProposalParts, entry: Entry): Promise<void> {
  const { settings, stop } = entry;
  const { detector } = entry.proposal;
  if (settings === null || stop.signal.aborted) return;
  try {
    const result = await whatIf(parts, {
      detector,
      settings,
      sinceMs: parts.clock.now() - LOOKED_BACK_MS,
      signal: stop.signal,
      onProgress: ({ done, total }) => {
        // No listener is told of every slice.
        entry.proposal = { ...entry.proposal, progress: total === 0 ? 1 : Math.min(1, done / total) };
      },
    });
    if (stop.signal.aborted) return;
    parts.change(entry, { state: 'proposed', progress: 1, result, words: whatIfWords(result) });
  } catch (error) {
    if (stop.signal.aborted) return;
    parts.change(entry, { state: 'refused', problem: messageOf(error) });
  }
}
