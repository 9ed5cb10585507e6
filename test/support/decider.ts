// Given changes, when commands, then changes: the reducer as tests speak of it, and reports and settings to feed it.
import { evolve } from '../../src/incidents/evolve.ts';
import { decide } from '../../src/incidents/reducer.ts';
import { createState, type State } from '../../src/incidents/state.ts';
import type {
  Change,
  Command,
  CommandBody,
  ProposalReadCommand,
  ProposeCommand,
  SettingsCommand,
} from '../../src/model/commands.ts';
import type { DetectorSettings, GeneralSettings } from '../../src/model/detector.ts';
import type { Evidence, Report, ReportedEpisode } from '../../src/model/episode.ts';
import type { Actor } from '../../src/model/incident.ts';

/** Milliseconds and seconds at which the stories begin: ahead of any clock, so that no log takes them for old. */
export const T0_MS = Date.UTC(2036, 9, 1, 12, 0, 0);
export const T0_S = T0_MS / 1000;

export const ENGINE: Actor = { kind: 'engine', id: 'detector', name: '' };
export const ANA: Actor = { kind: 'slack', id: 'U0ANA', name: 'ana' };
export const BEN: Actor = { kind: 'console', id: 'ben', name: 'Ben' };

export const GENERAL: GeneralSettings = { latenessMs: 259_200_000, metadata: { ip: null, keys: [] } };

export function detectorSettings(overrides: Partial<DetectorSettings> = {}): DetectorSettings {
  return {
    name: 'card-declines',
    title: 'Declines on one card',
    why: 'Many declines of one card in minutes are seldom a customer’s mistake.',
    on: 'attempt',
    count: 'attempts',
    where: 'outcome == "declined"',
    of: null,
    at: null,
    minimum: null,
    currency: null,
    per: 'card',
    windowS: 600,
    quietForS: 3_600,
    thresholds: { warning: 3, critical: 8 },
    mode: 'alert',
    settleMs: 2_000,
    alertMaxAgeMs: 3_600_000,
    continueAfter: null,
    repage: 2,
    escalation: [],
    stormAfter: 10,
    ...overrides,
  };
}

export function settingsCommand(
  settings: DetectorSettings | null = detectorSettings(),
  overrides: Partial<SettingsCommand> = {},
): SettingsCommand {
  const detector = settings?.name ?? 'card-declines';
  return { type: 'settings', detector, settings, basedOn: 0, why: 'first settings', general: GENERAL, ...overrides };
}

/** A proposal of the settings given; `proposal` is its id. */
export function proposeCommand(settings: DetectorSettings, overrides: Partial<ProposeCommand> = {}): ProposeCommand {
  const { name: detector, mode, thresholds } = settings;
  const asked = { detector, settings, change: { mode, thresholds: { ...thresholds } }, basedOn: 1, why: '' };
  return { type: 'propose', proposal: PROPOSAL, ...asked, ...overrides };
}

export function proposalRead(overrides: Partial<ProposalReadCommand> = {}): ProposalReadCommand {
  const words = '1 → 2 incidents in 30 days';
  return { type: 'proposal_read', proposal: PROPOSAL, words, result: null, problem: '', erased: 0, ...overrides };
}

export const PROPOSAL = '0123456789abcdef';

export function evidence(ids: readonly string[], overrides: Partial<Evidence> = {}): Evidence {
  return {
    outcomes: { declined: ids.length },
    codes: [{ code: 'generic_decline', count: ids.length }],
    amounts: [{ currency: 'eur', amount: ids.length * 1000, count: ids.length }],
    distinct: { cards: 1, customers: 1, emails: 1, ips: 0 },
    newest: ids.slice(0, 10).map((id, index) => ({
      id,
      at: T0_S - index,
      outcome: 'declined',
      code: 'generic_decline',
      amount: 1000,
      currency: 'eur',
      card: 'visa •••• 4242',
      intent: null,
    })),
    series: { fromS: T0_S, stepS: 60, values: [ids.length] },
    trigger: null,
    ...overrides,
  };
}

/** Breaches from `fromS` to `toS`, seconds after T0. */
export function episode(fromS: number, toS: number, overrides: Partial<ReportedEpisode> = {}): ReportedEpisode {
  const attemptCount = overrides.attemptCount ?? 3;
  return {
    severity: 'warning',
    threshold: 3,
    firstAttemptAt: T0_S + fromS - 60,
    lastAttemptAt: T0_S + toS,
    firstBreachAt: T0_S + fromS,
    lastBreachAt: T0_S + toS,
    peak: attemptCount,
    attemptCount,
    exact: true,
    settingsVersion: 1,
    evidence: evidence(Array.from({ length: attemptCount }, (_, i) => `ch_${fromS}_${attemptCount - i}`)),
    over: false,
    ...overrides,
  };
}

export function report(offset: number, episodes: readonly ReportedEpisode[], overrides: Partial<Report> = {}): Report {
  return {
    type: 'report',
    detector: 'card-declines',
    scope: { account: null, livemode: true },
    entity: { kind: 'card', value: 'fp_4242', label: 'visa •••• 4242' },
    asOf: { lane: 'live', topic: 'attempts', partition: 0, offset },
    range: { fromS: T0_S - 259_200, toS: null },
    episodes,
    receivedAt: T0_MS,
    ...overrides,
  };
}

export type Desk = {
  readonly state: State;
  readonly changes: readonly Change[];
  readonly commands: readonly Command[];
  /** The changes of the newest command. */
  readonly last: readonly Change[];
  /** One more command; `at` in milliseconds after T0, default: the offset in seconds. */
  tell(body: CommandBody, by?: Actor, options?: { readonly at?: number; readonly id?: string }): readonly Change[];
};

/** With detector `card-declines` in force, unless `settings` says otherwise (null: none). */
export function openDesk(settings: DetectorSettings | null = detectorSettings()): Desk {
  let state = createState();
  const changes: Change[] = [];
  const commands: Command[] = [];
  let last: readonly Change[] = [];
  const tell: Desk['tell'] = (body, by = ENGINE, options = {}) => {
    const offset = commands.length;
    const command: Command = {
      id: options.id ?? `command-${offset}`,
      at: T0_MS + (options.at ?? offset * 1000),
      actor: by,
      body,
    };
    commands.push(command);
    last = decide(state, command, offset);
    changes.push(...last);
    state = evolve(state, last);
    return last;
  };
  if (settings !== null) tell(settingsCommand(settings), { kind: 'file', id: 'detectors.yaml', name: '' });
  return {
    get state() {
      return state;
    },
    changes,
    commands,
    get last() {
      return last;
    },
    tell,
  };
}
