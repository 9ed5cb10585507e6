// Tuning from Slack as the main thread answers it: the form of a detector, a change that becomes a proposal, a decision.
import type { IncidentFeed } from '../feed/feed.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import { type DetectorSettings, ladder, SEVERITIES } from '../model/detector.ts';
import type { ErrorDetail } from '../model/errors.ts';
import { valueInWords } from '../model/headline.ts';
import type { Actor } from '../model/incident.ts';
import { isOpenProposal, type Proposal, type Proposals } from '../model/proposal.ts';
import { readTyped, thresholdText, windowText } from '../model/typed-settings.ts';
import { actorName, formatDuration } from '../model/words.ts';
import {
  type ShownProposal,
  TUNE_FIELDS,
  type TuneAnswer,
  type TuneAsk,
  type TuneField,
  type TuneForm,
  type TuneProblem,
} from './bolt-tune-protocol.ts';

export type TuneDesk = {
  readonly proposals: Proposals;
  readonly feed: Pick<IncidentFeed, 'get' | 'settings'>;
};

const MAX_WHY = 500;
/** Rejects if the log cannot be written. */
export async function answerTune(desk: TuneDesk, ask: TuneAsk): Promise<TuneAnswer> {
  if (ask.kind === 'form') return { kind: 'form', form: formOf(desk, ask.incident) };
  if (ask.kind === 'propose') return await propose(desk, ask);
  if (ask.kind === 'look') return { kind: 'proposal', proposal: await look(desk, ask) };
  return await decide(desk, ask);
}

function acceptedOf({ feed }: TuneDesk, detector: string): AcceptedSettings | null {
  return feed.settings().find(({ rule }) => rule.detector === detector) ?? null;
}

function formOf(desk: TuneDesk, id: string): TuneForm | null {
  const detector = desk.feed.get(id)?.detector ?? '';
  const accepted = acceptedOf(desk, detector);
  const settings = accepted?.rule.settings ?? null;
  if (accepted === null || settings === null) return null;
  const { thresholds, mode, windowS, title } = settings;
  const texts = SEVERITIES.map((severity) => [severity, thresholdText(thresholds[severity], settings)] as const);
  return {
    detector,
    title,
    version: accepted.rule.version,
    inForce: inForceWords(accepted, settings),
    unit: unitOf(settings),
    values: {
      mode,
      window: windowText(windowS),
      ...(Object.fromEntries(texts) as Record<(typeof SEVERITIES)[number], string>),
    },
  };
}

function inForceWords({ rule, actor }: AcceptedSettings, settings: DetectorSettings): string {
  const steps = ladder(settings.thresholds).map(
    ({ severity, value }) => `${severity} ${valueInWords(value, settings)}`,
  );
  const what = `${steps.join(', ')} in ${formatDuration(settings.windowS)}, ${settings.mode}`;
  return `${what}; version ${rule.version} by ${actorName(actor)}`;
}

function unitOf({ count, currency }: DetectorSettings): string {
  if (count === 'ratio') return 'A share, such as 40 %. Empty: none.';
  if (count === 'sum(amount)') return `An amount in ${(currency ?? '').toUpperCase()}. Empty: none.`;
  return 'A whole number. Empty: none.';
}

async function propose(
  desk: TuneDesk,
  { detector, basedOn, values, user }: Extract<TuneAsk, { kind: 'propose' }>,
): Promise<TuneAnswer> {
  const { proposals } = desk;
  const problems = (...all: readonly TuneProblem[]): TuneAnswer => ({ kind: 'problems', problems: all });
  const accepted = acceptedOf(desk, detector);
  const settings = accepted?.rule.settings ?? null;
  if (settings === null)
    return problems({ field: 'mode', message: `There is no detector ${detector.slice(0, 64)} any more.` });
  if (values.why.length > MAX_WHY) return problems({ field: 'why', message: `At most ${MAX_WHY} characters.` });
  const typed = readTyped(values, settings);
  if (typed.problems.length > 0)
    return problems(...typed.problems.map(({ field, message }) => ({ field, message: titled(field, message) })));
  // What was made from another version is refused as that: by now other fields may differ.
  if (accepted?.rule.version === basedOn && Object.keys(typed.change).length === 0)
    return problems({ field: 'mode', message: 'Nothing differs from what is in force: change something first.' });
  const by = actorOf(user);
  const made = await proposals.propose({ detector, change: typed.change, basedOn, by, why: values.why.trim() });
  if (made.state === 'refused') return problems(...fieldsOf(made));
  // Who tries one thing after the other means the last one.
  const isBefore = (one: Proposal): boolean => one.id !== made.id && one.detector === detector && isOf(one, by);
  const before = proposals.list().filter((one) => isOpenProposal(one) && isBefore(one));
  await Promise.all(before.map(async ({ id }) => await proposals.discard(id, by)));
  return { kind: 'proposal', proposal: shownOf(made) };
}

const isOf = ({ by }: Proposal, { kind, id }: Actor): boolean => by.kind === kind && by.id === id;
const actorOf = ({ id, name }: { readonly id: string; readonly name: string }): Actor => ({ kind: 'slack', id, name });

/** Where each problem stands in the form: what belongs to none of its fields stands at the first. */
function fieldsOf({ problems = [], problem }: Proposal): readonly TuneProblem[] {
  if (problems.length === 0) return [{ field: 'mode', message: problem }];
  const told = new Map<TuneField, string>();
  for (const { path, message } of problems) {
    const field = fieldOf({ path, message });
    const words = titled(path.replace(/^thresholds\.?/, '') || field, message);
    told.set(field, [told.get(field) ?? '', words].filter((part) => part !== '').join('; '));
  }
  return [...told].map(([field, message]) => ({ field, message }));
}

function fieldOf({ path }: ErrorDetail): TuneField {
  const name = path.replace(/^thresholds\./, '');
  if (name === 'quietFor') return 'window';
  return TUNE_FIELDS.find((field) => field === name) ?? 'mode';
}

const titled = (field: string, message: string): string =>
  `${field.slice(0, 1).toUpperCase()}${field.slice(1)} ${message}`;

async function look({ proposals }: TuneDesk, { proposal: id, waitMs }: Extract<TuneAsk, { kind: 'look' }>) {
  if (proposals.get(id)?.state === 'reading')
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      const stop = proposals.subscribe((one) => {
        if (one.id === id) done();
      });
    });
  return shownOf(proposals.get(id));
}

async function decide({ proposals }: TuneDesk, ask: Extract<TuneAsk, { kind: 'decide' }>): Promise<TuneAnswer> {
  const { proposal: id, decision, user, click } = ask;
  const done = await proposals[decision](id, actorOf(user), click);
  const message =
    done.outcome === 'refused'
      ? done.message
      : done.outcome === 'pending'
        ? 'Recorded. It is in force, or refused, as soon as the incident manager answers.'
        : '';
  return { kind: 'decided', message, proposal: shownOf(proposals.get(id)) };
}

export function shownOf(proposal: Proposal): ShownProposal;
export function shownOf(proposal: Proposal | null): ShownProposal | null;
export function shownOf(proposal: Proposal | null): ShownProposal | null {
  if (proposal === null) return null;
  const { id, detector, by, at, state, changes, progress, words, problem, decidedBy, why = '' } = proposal;
  const { secondPerson } = proposal;
  const shown = { id, detector, by, at, state, changes, progress, words, problem, decidedBy, why };
  return secondPerson === undefined ? shown : { ...shown, secondPerson };
}
