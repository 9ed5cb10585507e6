// Keeps the tab of detectors true, and takes what analysts ask there: an edited cell is a proposal, `apply`, `discard` and
// `revert` in Status decide. Every reading compares the whole tab, so whatever was overwritten or deleted comes back.
import type { Logger } from 'pino';
import { type Bell, createBell } from '../deliveries/bell.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { Clock } from '../model/clock.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import type { DetectorSettings } from '../model/detector.ts';
import { messageOf } from '../model/errors.ts';
import type { Actor } from '../model/incident.ts';
import { type Decision, isOpenProposal, type Proposal, type Proposals } from '../model/proposal.ts';
import type { Suggestions } from '../model/suggestions.ts';
import { actorName } from '../model/words.ts';
import {
  askOf,
  type DetectorColumnId,
  editOf,
  inForceWords,
  openCells,
  openText,
  type StatusSays,
  versionOf,
} from './detectors-rows.ts';
import { isSuggestedAsk, type Suggested, suggestedFor, suggestionWords } from './detectors-suggested.ts';
import { type DetectorRow, findDetectorRow, type RowWrite } from './detectors-tab.ts';
import { type Cell, number, text } from './rows-cells.ts';
import type { SheetsSink } from './sheets-sink.ts';

export type DetectorDeskOptions = {
  readonly sink: Pick<SheetsSink, 'readDetectors' | 'writeDetectors'>;
  readonly feed: Pick<IncidentFeed, 'settings' | 'settingsHistory' | 'subscribe' | 'caughtUp'>;
  readonly proposals: Proposals;
  /** What the past suggests. Absent: nothing. */
  readonly suggestions?: Suggestions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of several replicas one reads: the one that writes. */
  readonly isActive: () => boolean;
  /** Default 6 s: ten of the sixty reads a minute. */
  readonly everyMs?: number;
};

export type DetectorDesk = { close(): Promise<void> };

const EVERY_MS = 6_000;
const BY: Actor = { kind: 'sheet', id: 'sheet', name: 'the sheet' };

/** What was made of a row's cells, and what is said beside them. */
type Memory = {
  /** The cells and the version by which it was decided. */
  readonly decidedOn: string;
  /** null: it could not be proposed. */
  readonly proposal: string | null;
  readonly error: string;
};

type Parts = DetectorDeskOptions & {
  readonly memory: Map<string, Memory>;
  /** By detector the version of the row in which `revert` was carried out: the row may not show it yet. */
  readonly reverted: Map<string, number>;
};

export function startDetectorDesk(options: DetectorDeskOptions): DetectorDesk {
  const { clock, logger, isActive, everyMs = EVERY_MS, proposals, feed } = options;
  const parts: Parts = { ...options, memory: new Map(), reverted: new Map() };
  const stop = new AbortController();
  const bell: Bell = createBell();
  // What was read, and what others decide, shows at once.
  const unheard = [
    proposals.subscribe(() => bell.ring()),
    options.suggestions?.subscribe(() => bell.ring()) ?? (() => undefined),
    feed.subscribe(({ type }) => {
      if (type === 'settings_accepted') bell.ring();
    }),
  ];
  let failure = '';
  const running = (async () => {
    while (!stop.signal.aborted) {
      if (isActive()) {
        const error = await syncOnce(parts, stop.signal).then(() => '', messageOf);
        if (error !== '' && error !== failure) logger.warn({ error }, 'the tab of detectors cannot be kept yet');
        failure = error;
      } else parts.memory.clear();
      await bell.wait(everyMs, clock, stop.signal);
    }
  })();
  return {
    close: async () => {
      stop.abort();
      for (const unhear of unheard) unhear();
      await running;
    },
  };
}

async function syncOnce(parts: Parts, signal: AbortSignal): Promise<void> {
  const { sink, feed } = parts;
  const accepted = feed.settings();
  if (accepted.length === 0) return;
  const tab = await sink.readDetectors(signal);
  const writes: RowWrite[] = [];
  for (const one of accepted) {
    if (signal.aborted) return;
    const row = findDetectorRow(tab, one.rule.detector, text(inForceWords(one)));
    writes.push(await writeOf(parts, one, row));
  }
  const inForce = new Set(accepted.map(({ rule }) => rule.detector));
  const known = (name: string): boolean => feed.settingsHistory(name).length > 0;
  for (const { name, cells } of tab.rows) if (!inForce.has(name) && known(name)) writes.push(removedWrite(name, cells));
  await sink.writeDetectors(writes, signal);
}

type Said = { readonly status: StatusSays; readonly whatIf: string; readonly error: string };

const QUIET: Said = { status: 'in force', whatIf: '', error: '' };

async function writeOf(parts: Parts, accepted: AcceptedSettings, row: DetectorRow | null): Promise<RowWrite> {
  const name = accepted.rule.detector;
  const { settings } = accepted.rule;
  if (settings === null || row === null) return restored(parts, name, { row: null, ...quietOf(parts, name) });
  const decided = await decide(parts, { accepted, settings, row });
  if (decided.isRestored) return restored(parts, name, { row, ...decided });
  return { name, cells: ownCells(accepted, decided), decidedOn: row.cells };
}

type Row = { readonly accepted: AcceptedSettings; readonly settings: DetectorSettings; readonly row: DetectorRow };
/** `isRestored`: the analysts' cells are to show what is in force. */
type Decided = Said & { readonly isRestored: boolean };

async function decide(parts: Parts, { accepted, settings, row }: Row): Promise<Decided> {
  const { memory, feed } = parts;
  const { detector, version } = accepted.rule;
  const ask = askOf(row.cells);
  const based = versionOf(row.cells) ?? version;
  if (ask === 'revert') return await revert(parts, accepted, based);
  const history = feed.settingsHistory(detector);
  const base = history.find(({ rule }) => rule.version === based)?.rule.settings ?? settings;
  const isAsInForce = editOf(row.cells, settings).kind === 'none';
  if (isAsInForce || editOf(row.cells, base).kind === 'none') {
    // What was said of cells that stand there no more goes with them.
    const stays = memory.get(detector)?.decidedOn === '' ? (memory.get(detector)?.error ?? '') : '';
    await forget(parts, detector);
    if (isSuggestedAsk(ask) && based === version) return await choose(parts, accepted, ask);
    const other = openProposalOf(parts, detector);
    if (other !== null) return { isRestored: true, ...(await answered(parts, other, ask)) };
    // A row that is behind was not rewritten yet after what it asked for.
    const error = based !== version ? '' : ask === null ? stays : 'Nothing is proposed here.';
    if (error !== '') memory.set(detector, { decidedOn: '', proposal: null, error });
    return { isRestored: based !== version, ...quietOf(parts, detector), error };
  }
  if (ask === 'discard') {
    await forget(parts, detector);
    return { isRestored: true, ...QUIET };
  }
  return await decideEdit(parts, { accepted, settings, row }, { based, ask });
}

/** Somebody else's, or one that was chosen in Status. */
function openProposalOf(parts: Parts, detector: string): Proposal | null {
  return openOf(parts, detector).find((one) => !isOfCells(one)) ?? null;
}

const openOf = ({ proposals }: Parts, detector: string): readonly Proposal[] =>
  proposals.list().filter((one) => one.detector === detector && isOpenProposal(one));

/** What a choice in Status proposes says why. */
const isOfCells = ({ by, why = '' }: Proposal): boolean => by.kind === 'sheet' && why === '';

function quietOf({ suggestions }: Parts, detector: string): Said {
  return { ...QUIET, whatIf: suggestionWords(suggestedFor(suggestions, detector)) };
}

async function choose(parts: Parts, { rule }: AcceptedSettings, ask: Suggested['ask']): Promise<Decided> {
  const { detector, version } = rule;
  const { suggestions, proposals, memory } = parts;
  const suggested = suggestedFor(suggestions, detector).find((one) => one.ask === ask);
  if (suggested === undefined) {
    const error = `Nothing is suggested for “${ask}” now.`;
    memory.set(detector, { decidedOn: '', proposal: null, error });
    return { isRestored: true, ...quietOf(parts, detector), error };
  }
  const { change, words } = suggested;
  const made = await proposals.propose({ detector, change, basedOn: version, by: BY, why: `${ask}: ${words}` });
  if (made.state === 'refused') return { isRestored: true, ...QUIET, error: made.problem };
  return { isRestored: true, status: 'reading', whatIf: readingWords(made), error: '' };
}

const readingWords = ({ progress }: Proposal): string => `reading the last 30 days: ${Math.floor(progress * 100)} %`;

type Edited = { readonly based: number; readonly ask: ReturnType<typeof askOf> };

async function decideEdit(parts: Parts, { accepted, settings, row }: Row, { based, ask }: Edited): Promise<Decided> {
  const { memory, proposals } = parts;
  const { detector, version } = accepted.rule;
  const decidedOn = openText(row.cells);
  let known = memory.get(detector);
  // A refusal of these very cells stands, whatever version is in force by now.
  const isKnown = known?.decidedOn === decidedOn && (known.proposal === null || based === version);
  if (!isKnown || known === undefined) {
    const edit = editOf(row.cells, settings);
    if (edit.kind === 'problem') known = { decidedOn, proposal: null, error: edit.message };
    else {
      const change = edit.kind === 'change' ? edit.change : {};
      // Proposed before a restart, or by the replica that wrote before, it is the same.
      const made = await proposals.propose({ detector, change, basedOn: based, by: BY });
      const isRefused = made.state === 'refused';
      known = { decidedOn, proposal: isRefused ? null : made.id, error: isRefused ? made.problem : '' };
    }
    await forget(parts, detector, known.proposal);
    memory.set(detector, known);
  }
  if (known.proposal === null) return { isRestored: false, status: 'refused', whatIf: '', error: known.error };
  const proposal = proposals.get(known.proposal);
  if (proposal === null) {
    // Not decided yet, or forgotten since: asked again at the next reading.
    memory.delete(detector);
    return { isRestored: false, status: 'reading', whatIf: '', error: '' };
  }
  if (proposal.state === 'discarded') {
    const by = proposal.decidedBy === null ? '' : ` by ${actorName(proposal.decidedBy)}`;
    memory.set(detector, { decidedOn: '', proposal: null, error: `discarded${by}` });
    return { isRestored: true, ...QUIET, error: `discarded${by}` };
  }
  const said = await answered(parts, proposal, ask);
  if (said.status === 'in force') memory.delete(detector);
  if (said.status === 'refused') memory.set(detector, { decidedOn, proposal: null, error: said.error });
  return { isRestored: said.status === 'in force', ...said };
}

/** What is said of a proposal, after `apply` or `discard` if that was chosen. */
async function answered({ proposals }: Parts, proposal: Proposal, ask: Edited['ask']): Promise<Said> {
  const { id, state, words, problem, by, secondPerson } = proposal;
  if (ask === 'discard') {
    await proposals.discard(id, BY);
    return QUIET;
  }
  const whose = by.kind === 'sheet' ? '' : ` (proposed by ${actorName(by)})`;
  if (state === 'refused') return { status: 'refused', whatIf: '', error: problem };
  if (state === 'reading') {
    const error = ask === 'apply' ? 'See first what it would have done, then choose apply again.' : '';
    return { status: 'reading', whatIf: `${readingWords(proposal)}${whose}`, error };
  }
  // Who edits is not known here: what the sheet has proposed is applied elsewhere.
  const alone = secondPerson !== undefined && by.kind === 'sheet';
  const error = alone ? `${secondPerson} Somebody else must apply it, in Slack or in the console.` : '';
  const said: Said = { status: 'proposed', whatIf: `${words}${whose}`, error };
  if (ask !== 'apply') return said;
  const done = await proposals.apply(id, BY);
  if (done.outcome === 'done') return QUIET;
  if (done.outcome === 'pending') return { ...said, error: 'recorded, not yet in force' };
  return proposals.get(id)?.state === 'proposed'
    ? { ...said, error: done.message }
    : { status: 'refused', whatIf: '', error: done.message };
}

async function revert({ proposals, reverted }: Parts, { rule }: AcceptedSettings, based: number): Promise<Decided> {
  const { detector, version } = rule;
  if (reverted.get(detector) === based) return { isRestored: true, ...QUIET };
  if (based !== version) {
    const error = `${detector} is at version ${version} by now: look at what is in force and choose revert again.`;
    return { isRestored: true, ...QUIET, error };
  }
  const decision: Decision = await proposals.revert(detector, BY);
  if (decision.outcome !== 'refused') reverted.set(detector, based);
  else if (decision.proposal !== undefined) return { isRestored: true, ...QUIET, error: decision.message };
  if (decision.outcome === 'refused') return { isRestored: false, ...QUIET, error: decision.message };
  return { isRestored: true, ...QUIET, error: decision.outcome === 'pending' ? 'recorded, not yet in force' : '' };
}

/** What was proposed by cells that stand there no more is off the table, also what was before a restart. */
async function forget(parts: Parts, detector: string, except: string | null = null): Promise<void> {
  parts.memory.delete(detector);
  for (const one of openOf(parts, detector))
    if (isOfCells(one) && one.id !== except) await parts.proposals.discard(one.id, BY);
}

/** The row as it is when nothing is asked: by what is in force at this moment, a command of just now included. */
function restored(
  { feed }: Parts,
  name: string,
  { row, ...said }: Said & { readonly row: DetectorRow | null },
): RowWrite {
  const accepted = feed.settings().find(({ rule }) => rule.detector === name);
  const settings = accepted?.rule.settings ?? null;
  if (accepted === undefined || settings === null) return removedWrite(name, row?.cells ?? null);
  const cells = new Map([...openCells(settings), ...ownCells(accepted, said)]);
  return { name, cells, decidedOn: row?.cells ?? null };
}

function ownCells(accepted: AcceptedSettings, { status, whatIf, error }: Said): Map<DetectorColumnId, Cell> {
  return new Map<DetectorColumnId, Cell>([
    ['detector', text(accepted.rule.detector)],
    ['in_force', text(inForceWords(accepted))],
    ['what_if', text(whatIf)],
    ['status', text(status)],
    ['error', text(error)],
    ['version', number(accepted.rule.version, '0')],
  ]);
}

function removedWrite(name: string, decidedOn: RowWrite['decidedOn']): RowWrite {
  const cells = new Map<DetectorColumnId, Cell>([
    ['in_force', text('')],
    ['what_if', text('')],
    ['status', text('removed')],
    ['error', text('')],
  ]);
  return { name, cells, decidedOn };
}
