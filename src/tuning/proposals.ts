// Proposals to change a detector: checked at once, tried over the last 30 days behind, applied when a person says so. What is
// applied is a settings command like any other, with what it would have done as its reason.
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { validateChange } from '../detectors/detectors-file.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { act } from '../feed/submit.ts';
import type { EventLog } from '../log/event-log.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import type { DetectorSettings, GeneralSettings } from '../model/detector.ts';
import { messageOf } from '../model/errors.ts';
import type { Actor } from '../model/incident.ts';
import type { Asked, Decision, Proposal, Proposals } from '../model/proposal.ts';
import { whatIfWords } from '../model/what-if-words.ts';
import { actorName } from '../model/words.ts';
import { type WhatIfParts, whatIf } from './what-if.ts';

export type ProposalsOptions = Omit<WhatIfParts, 'feed' | 'log'> & {
  readonly log: WhatIfParts['log'] & Pick<EventLog, 'append'>;
  readonly feed: WhatIfParts['feed'] & Pick<IncidentFeed, 'waitForCommand'>;
  readonly logger: Logger;
};

const LOOKED_BACK_MS = 30 * 86_400_000;
const MOST_KEPT = 200;
const MAX_WHY = 500;

type Entry = { proposal: Proposal; readonly settings: DetectorSettings | null; readonly stop: AbortController };
type Parts = ProposalsOptions & {
  readonly entries: Map<string, Entry>;
  readonly change: (entry: Entry, change: Partial<Proposal>) => void;
};

export function createProposals(options: ProposalsOptions): Proposals {
  const { logger } = options;
  const entries = new Map<string, Entry>();
  const listeners = new Set<(proposal: Proposal) => void>();
  let reading: Promise<void> = Promise.resolve();
  const change = (entry: Entry, changed: Partial<Proposal>): void => {
    entry.proposal = { ...entry.proposal, ...changed };
    for (const listener of listeners) listener(entry.proposal);
  };
  const parts: Parts = { ...options, entries, change };
  return {
    propose: (asked) => {
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
    },
    get: (id) => entries.get(id)?.proposal ?? null,
    list: () => [...entries.values()].map(({ proposal }) => proposal).reverse(),
    apply: async (id, by) => await apply(parts, id, by),
    discard: (id, by) => {
      const entry = entries.get(id);
      if (entry === undefined) return refused(GONE);
      const { state, basedOn } = entry.proposal;
      if (state === 'applied') return refused('It is applied already: revert the detector instead.');
      entry.stop.abort();
      change(entry, { state: 'discarded', decidedBy: by });
      return { outcome: 'done', version: basedOn };
    },
    revert: async (detector, by) => await revert(parts, detector, by),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: async () => {
      for (const { stop } of entries.values()) stop.abort();
      await reading;
    },
  };
}

const GONE = 'The proposal is not known any more: make the change again.';

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

function entryOf({ feed, clock }: Parts, id: string, asked: Asked): Entry {
  const checked = check(feed, asked);
  const isRefused = 'problem' in checked;
  const proposal: Proposal = {
    ...asked,
    id,
    at: clock.now(),
    state: isRefused ? 'refused' : 'reading',
    progress: 0,
    words: '',
    result: null,
    problem: isRefused ? checked.problem : '',
    decidedBy: null,
  };
  return { proposal, settings: isRefused ? null : checked.settings, stop: new AbortController() };
}

type Checked = { readonly settings: DetectorSettings } | { readonly problem: string };

function check(feed: Parts['feed'], { detector, change, basedOn }: Asked): Checked {
  const current = currentOf(feed, detector);
  const general = feed.general();
  if (current === null || general === null) return { problem: `There is no detector ${detector.slice(0, 100)}.` };
  if (current.accepted.rule.version !== basedOn) return { problem: staleMessage(current.accepted, basedOn) };
  const valid = validateChange(current.settings, change, general);
  if ('settings' in valid) return valid;
  return { problem: valid.problems.map(({ path, message }) => `${fieldName(path)} ${message}`).join('; ') };
}

const fieldName = (path: string): string => {
  const name = path.replace(/^thresholds\./, '');
  return name === '' ? 'It' : `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
};

type Current = { readonly accepted: AcceptedSettings; readonly settings: DetectorSettings };

function currentOf(feed: Pick<IncidentFeed, 'settings'>, detector: string): Current | null {
  const accepted = feed.settings().find(({ rule }) => rule.detector === detector);
  const settings = accepted?.rule.settings ?? null;
  return accepted === undefined || settings === null ? null : { accepted, settings };
}

function staleMessage({ rule, actor, at }: AcceptedSettings, basedOn: number): string {
  const time = `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `${rule.detector} is at version ${rule.version} since ${time} (${actorName(actor)}); this was made from version ${basedOn}. Look at what is in force and change it again.`;
}

async function read(parts: Parts, entry: Entry): Promise<void> {
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

const refused = (message: string): Decision => ({ outcome: 'refused', message });

async function apply(parts: Parts, id: string, by: Actor): Promise<Decision> {
  const entry = parts.entries.get(id);
  if (entry === undefined) return refused(GONE);
  const { proposal, settings } = entry;
  const { state, detector, basedOn, words } = proposal;
  if (state === 'reading') return refused('What it would have done is not read yet: apply it when it stands there.');
  if (state === 'refused' || settings === null) return refused(proposal.problem);
  if (state !== 'proposed') return refused(`It is ${state} already.`);
  const from = proposal.by.id === by.id ? '' : `, proposed by ${actorName(proposal.by)}`;
  const own = proposal.why === undefined || proposal.why === '' ? '' : `${proposal.why}: `;
  const decided = await command(parts, by, { detector, settings, basedOn, why: `${own}${words}${from}` });
  if (decided.outcome === 'done') parts.change(entry, { state: 'applied', decidedBy: by });
  if (decided.outcome === 'refused') parts.change(entry, { state: 'refused', problem: decided.message });
  return decided;
}

async function revert(parts: Parts, detector: string, by: Actor): Promise<Decision> {
  const current = currentOf(parts.feed, detector);
  if (current === null) return refused(`There is no detector ${detector.slice(0, 100)}.`);
  const history = parts.feed.settingsHistory(detector);
  const before = history.at(-2)?.rule;
  if (before === undefined || before.settings === null)
    return refused(`${detector} has no earlier version to go back to.`);
  const { version } = current.accepted.rule;
  const why = `back to version ${before.version}`;
  return await command(parts, by, { detector, settings: before.settings, basedOn: version, why });
}

type Settings = { detector: string; settings: DetectorSettings; basedOn: number; why: string };

async function command(parts: Parts, actor: Actor, { why, ...asked }: Settings): Promise<Decision> {
  const general: GeneralSettings | null = parts.feed.general();
  if (general === null) return refused('No settings are in force yet.');
  const body = { type: 'settings', ...asked, why: why.slice(0, MAX_WHY), general } as const;
  const done = await act(parts, { actor, body });
  if (done.outcome === 'pending') return { outcome: 'pending' };
  if (done.outcome === 'refused') return refused(done.refusal.message);
  return {
    outcome: 'done',
    version: currentOf(parts.feed, asked.detector)?.accepted.rule.version ?? asked.basedOn + 1,
  };
}
