// A change of a detector's settings: accepted if it was made from the version in force, else refused (design §5).
import { approvalProblem } from '../model/approval.ts';
import type { AcceptedSettings, Command, SettingsCommand } from '../model/commands.ts';
import { type DetectorSettings, ladder } from '../model/detector.ts';
import type { Actor } from '../model/incident.ts';
import { actorName } from '../model/words.ts';
import { type Draft, formatTime, refused, seen } from './draft.ts';
import { canonical } from './field-owners.ts';
import type { DetectorState, State } from './state.ts';

/** In force so long after it is accepted: every worker has it by then, so no instant is judged under two rules. */
const IN_FORCE_AFTER_MS = 10_000;
const MAX_DETECTORS = 500;
const MAX_WHY = 500;
const MAX_SHOWN = 200;

/** A version that differs in one of them counts otherwise: it gets cells of its own. */
const CELL_FIELDS = ['on', 'where', 'of', 'at', 'per', 'count', 'windowS', 'currency', 'minimum'] as const;

type Asked = Pick<Command, 'actor'> & {
  readonly body: SettingsCommand;
  /** Whose proposal the actor applies; absent: the actor asks for it directly. */
  readonly proposedBy?: Actor;
};

export function decideSettings(state: State, { body, actor, proposedBy }: Asked, time: number): Draft {
  const known = state.detectors.get(body.detector);
  const version = known?.current.rule.version ?? 0;
  if (body.basedOn !== version) return refused(staleVersion(body, known), null);
  const problem = problemOf(state, body);
  if (problem !== null) return refused({ code: 'invalid_request', message: problem }, null);
  const before = known?.current.rule.settings ?? null;
  const changes = [...changedFields(before, body.settings), ...changedGeneral(known?.current.general, body.general)];
  if (changes.length === 0) return seen({ reason: 'unchanged', detector: body.detector, version });
  // Here and nowhere else it is enforced: whoever asks, and however, comes by.
  const { detector, settings: after } = body;
  const alone = approvalProblem({ detector, before, after, by: actor, proposedBy: proposedBy ?? null });
  if (alone !== null) return refused({ code: 'approval_needed', message: alone }, null);
  const accepted: Omit<AcceptedSettings, 'position'> = {
    rule: {
      record: 'rule',
      detector: body.detector,
      version: version + 1,
      revision: revisionOf(known, body.settings),
      sinceS: version === 0 ? 0 : Math.ceil((time + IN_FORCE_AFTER_MS) / 1000),
      settings: body.settings,
      latenessMs: body.general.latenessMs,
    },
    general: body.general,
    at: time,
    actor,
    why: body.why.slice(0, MAX_WHY),
    ...(proposedBy === undefined ? {} : { proposedBy }),
  };
  return {
    type: 'settings_accepted',
    data: { detector: body.detector, version: version + 1, sinceS: accepted.rule.sinceS, changes },
    accepted,
  };
}

function staleVersion({ detector, basedOn }: SettingsCommand, known: DetectorState | undefined) {
  const now =
    known === undefined
      ? 'has no settings yet'
      : `is at version ${known.current.rule.version} (${actorName(known.current.actor)}, ${formatTime(known.current.at)})`;
  const message = `${detector} ${now}; the change was made from version ${basedOn}. Look at what is in force and try again.`;
  return { code: 'stale_version', message } as const;
}

/** What the fold cannot work with. Filters are compiled and tests are run by whoever asks, before asking. */
export function problemOf(
  { detectors }: State,
  { detector, settings }: Pick<SettingsCommand, 'detector' | 'settings'>,
): string | null {
  if (settings === null) return null;
  if (settings.name !== detector) return `The settings are those of ${settings.name}, not of ${detector}.`;
  const steps = ladder(settings.thresholds);
  if (steps.length === 0) return `${detector} needs a threshold.`;
  if (steps.some(({ value }, index) => !(value > (steps[index - 1]?.value ?? 0))))
    return `The thresholds of ${detector} must be above 0 and rise with severity.`;
  if (!(settings.windowS >= 1) || settings.quietForS < settings.windowS)
    return `${detector} needs a window of a second at least, and quietFor no smaller than it.`;
  if (!detectors.has(detector) && detectors.size >= MAX_DETECTORS)
    return `There are ${MAX_DETECTORS} detectors already.`;
  return null;
}

/** Compared with the last settings that counted: a detector that comes back as it was goes on with its cells. */
function revisionOf(known: DetectorState | undefined, settings: DetectorSettings | null): number {
  if (known === undefined) return 1;
  const { revision } = known.current.rule;
  const last = known.settings;
  if (settings === null || last === null) return revision;
  return CELL_FIELDS.some((field) => last[field] !== settings[field]) ? revision + 1 : revision;
}

type FieldChange = { readonly field: string; readonly from: unknown; readonly to: unknown };

function changedFields(before: DetectorSettings | null, after: DetectorSettings | null): readonly FieldChange[] {
  if (before === null && after === null) return [];
  if (before === null || after === null)
    return [{ field: 'detector', from: before === null ? null : 'present', to: after === null ? null : 'present' }];
  return changed(before, after);
}

function changedGeneral(before: object | undefined, after: object): readonly FieldChange[] {
  return before === undefined ? [] : changed(before, after);
}

function changed(before: object, after: object): readonly FieldChange[] {
  const was = new Map<string, unknown>(Object.entries(before));
  const is = new Map<string, unknown>(Object.entries(after));
  return [...new Set([...is.keys(), ...was.keys()])].flatMap((field) => {
    const [from, to] = [was.get(field), is.get(field)];
    return canonical(from) === canonical(to) ? [] : [{ field, from: shown(from), to: shown(to) }];
  });
}

function shown(value: unknown): unknown {
  return typeof value === 'string' && value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN - 1)}…` : (value ?? null);
}
