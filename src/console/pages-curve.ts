// The routes of a detector's curve and of its proposals. A form proposes, applies, discards or reverts, and comes back to the page.
import type { Hono } from 'hono';
import type { DetectorSettings } from '../model/detector.ts';
import type { Decision, Proposal } from '../model/proposal.ts';
import { notFound } from './api.ts';
import type { Desk } from './desk.ts';
import { httpError } from './errors.ts';
import { formProposal, readForm } from './forms.ts';
import { type ConsoleContext, type ConsoleEnv, callerOf } from './guard.ts';
import type { Notice, Page } from './layout.ts';
import type { ConsoleTuning } from './options.ts';
import { type CurveView, curvePage } from './page-curve.ts';
import { formsOf, type PageParts, problemOf, type Show } from './page-parts.ts';
import { durationText, parseDuration } from './times.ts';

const READING_S = 1;
const IDLE_S = 15;
const MAX_WHY = 500;

const DONE = {
  read: 'It is being read again.',
  proposed: 'Proposed. What it would have done is read below; nothing has changed yet.',
  applied: 'Applied. It is in force 10 seconds after it was accepted.',
  discarded: 'Discarded.',
  reverted: 'Taken back. It is in force 10 seconds after it was accepted.',
  pending: 'Recorded. It is accepted or refused as soon as the incident manager answers.',
} as const;
type Done = keyof typeof DONE;

type Known = { readonly desk: Desk; readonly tuning: ConsoleTuning };
type More = { readonly notice: Notice | null; readonly sent: URLSearchParams | null };

export function curvePages(routes: Hono<ConsoleEnv>, { desk, tuning = null }: PageParts, show: Show): void {
  if (tuning === null) return;
  const known: Known = { desk, tuning };
  routes.get('/detectors/:name/curve', async (c) => {
    const name = c.req.param('name');
    await desk.feed.caughtUp();
    return await show(c, pageOf(c, known, name, { notice: noticeOf(c), sent: null }));
  });
  /** Does what a form asks; what cannot be is said on the page that it stands on. */
  const form = (path: string, act: (c: ConsoleContext, sent: URLSearchParams, name: string) => Done | Promise<Done>) =>
    routes.post(path, async (c) => {
      const name = c.req.param('name') ?? '';
      const sent = await readForm(c);
      await desk.feed.caughtUp();
      try {
        const done = await act(c, sent, name);
        const window = parseDuration(sent.get('window') ?? '') === null ? '' : `&window=${sent.get('window')}`;
        return c.redirect(`/detectors/${encodeURIComponent(name)}/curve?done=${done}${window}`, 303);
      } catch (error) {
        const { notice, status } = problemOf(error);
        return await show(c, pageOf(c, known, name, { notice, sent }), status);
      }
    });
  form('/detectors/:name/curve/read', (_, __, name) => {
    currentOf(desk, name);
    tuning.curves.readNow(name);
    return 'read';
  });
  form('/detectors/:name/proposals', async (c, sent, name) => await propose(c, known, { name, sent }));
  form('/detectors/:name/proposals/:id/apply', async (c, _, name) => {
    const { id } = proposalOf(tuning, name, c.req.param('id'));
    return doneBy(await tuning.proposals.apply(id, callerOf(c).actor), 'applied');
  });
  form('/detectors/:name/proposals/:id/discard', async (c, _, name) => {
    const { id } = proposalOf(tuning, name, c.req.param('id'));
    return doneBy(await tuning.proposals.discard(id, callerOf(c).actor), 'discarded');
  });
  form('/detectors/:name/revert', async (c, sent, name) => {
    const { version } = currentOf(desk, name);
    if (sent.get('basedOn') !== String(version))
      throw httpError('stale_version', `${name} is at version ${version} by now.`, {
        help: 'Look at what is in force, and revert from there.',
      });
    return doneBy(await tuning.proposals.revert(name, callerOf(c).actor), 'reverted');
  });
}

/** From a closed list, so that a link cannot make the console say what it likes. */
function noticeOf(c: ConsoleContext): Notice | null {
  const done = c.req.query('done') ?? '';
  return Object.hasOwn(DONE, done) ? { kind: 'done', text: DONE[done as Done] } : null;
}

function pageOf(c: ConsoleContext, { desk, tuning }: Known, name: string, more: More): Page {
  const { settings, history } = currentOf(desk, name);
  const current = history.at(-1);
  if (current === undefined) throw notFound();
  const reading = tuning.curves.of(name);
  const before = history.at(-2)?.rule;
  const proposals = tuning.proposals.list().filter(({ detector }) => detector === name);
  const asked = (parseDuration(c.req.query('window') ?? more.sent?.get('window') ?? '') ?? 0) / 1000;
  const view: CurveView = {
    ...{ current, settings, reading, proposals, sent: more.sent, forms: formsOf(c) },
    before: before?.settings ? { version: before.version, settings: before.settings } : null,
    windowS: reading.surface?.windows.includes(asked) === true ? asked : settings.windowS,
    promotion: tuning.suggestions.promotions().find(({ detector }) => detector === name) ?? null,
  };
  const isReading = reading.progress !== null || proposals.some(({ state }) => state === 'reading');
  return {
    ...{ title: `Curve of ${name}`, at: '/detectors', body: curvePage(view), notice: more.notice, hasChart: true },
    everyS: isReading ? READING_S : IDLE_S,
    isChanging: isReading,
    path: `/detectors/${encodeURIComponent(name)}/curve?window=${durationText(view.windowS * 1000)}`,
  };
}

type InForce = {
  readonly settings: DetectorSettings;
  readonly version: number;
  readonly history: ReturnType<Desk['feed']['settingsHistory']>;
};

/** Throws not_found for a detector that there is not, or not any more. */
function currentOf({ feed }: Desk, name: string): InForce {
  const history = feed.settingsHistory(name);
  const rule = history.at(-1)?.rule;
  if (rule === undefined || rule.settings === null)
    throw httpError('not_found', 'There is no such detector.', { help: 'Look at the list of detectors.' });
  return { settings: rule.settings, version: rule.version, history };
}

function proposalOf({ proposals }: ConsoleTuning, name: string, id = ''): Proposal {
  const proposal = proposals.get(id);
  if (proposal?.detector === name) return proposal;
  throw httpError('not_found', 'The proposal is not known any more.', {
    help: 'The newest 200 are kept: make the change again.',
  });
}

/** Throws what was refused. */
function doneBy(decision: Decision, done: Done): Done {
  if (decision.outcome === 'pending') return 'pending';
  if (decision.outcome === 'done') return done;
  throw httpError('invalid_transition', decision.message);
}

type Sent = { readonly name: string; readonly sent: URLSearchParams };

async function propose(c: ConsoleContext, { desk, tuning }: Known, { name, sent }: Sent): Promise<Done> {
  const { settings, version } = currentOf(desk, name);
  const basedOn = Number(sent.get('basedOn'));
  const { change, why } = sent.has('suggestion')
    ? suggested(tuning, { name, ask: sent.get('suggestion') ?? '', current: version })
    : formProposal(sent, settings);
  if (!Number.isSafeInteger(basedOn) || Object.keys(change).length === 0)
    throw httpError('invalid_request', 'Nothing differs from what is in force.', {
      help: 'Change a threshold, the window or the mode first.',
    });
  const { actor } = callerOf(c);
  const asked = { detector: name, change, basedOn, by: actor, why: why.slice(0, MAX_WHY) };
  const made = await tuning.proposals.propose(asked);
  if (made.state === 'refused')
    throw httpError('invalid_detector', `It cannot be: ${made.problem}.`.replace('..', '.'));
  return 'proposed';
}

type SuggestionAsked = { readonly name: string; readonly ask: string; readonly current: number };
type Suggested = { readonly change: Readonly<Record<string, unknown>>; readonly why: string };

/** As it stands now, whatever it was when the page was made: it is proposed, not applied. */
function suggested({ curves, suggestions }: ConsoleTuning, { name, ask, current }: SuggestionAsked): Suggested {
  const promotion = suggestions.promotions().find(({ detector }) => detector === name);
  if (ask === 'promote' && promotion !== undefined)
    return { change: promotion.change, why: `promote: it ${promotion.words}` };
  const { surface, version } = curves.of(name);
  const found = version === current ? surface?.suggestions.find((one) => one.name === ask) : undefined;
  if (found === undefined)
    throw httpError('invalid_transition', 'This is not suggested any more.', {
      help: 'Look at what is suggested now.',
    });
  return { change: found.change, why: `${ask.replaceAll('_', ' ')}: ${found.words}` };
}
