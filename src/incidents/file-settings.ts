// The settings file as the first author (design §5): its differences become settings commands like anybody else's. What a
// person has set stays, by name, unless the file is told to win.

import type { IncidentFeed } from '../feed/feed.ts';
import { act } from '../feed/submit.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { AcceptedSettings, Refusal, SettingsCommand } from '../model/commands.ts';
import type { DetectorSettings, GeneralSettings } from '../model/detector.ts';
import type { Actor } from '../model/incident.ts';
import { canonical, fieldsOf, ownersOf, withFields } from './field-owners.ts';

export type SettingsFile = {
  readonly general: GeneralSettings;
  /** Validated, their tests run. */
  readonly detectors: readonly DetectorSettings[];
};

export type FileSettingsOptions = {
  readonly feed: IncidentFeed;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly file: SettingsFile;
  /** The file wins over what persons have set. Default false. */
  readonly takeFile?: boolean;
  readonly actor?: Actor;
};

/** A field that a person has set, and that the file would change. `detector`: the whole of it, added or removed. */
export type KeptField = {
  readonly detector: string;
  /** `mode`, `thresholds.warning`, …, `detector`. */
  readonly field: string;
  readonly inForce: unknown;
  readonly inFile: unknown;
  readonly by: Actor;
  readonly at: number;
};

export type FileSettingsResult = {
  /** Names of detectors with a new version in force. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly kept: readonly KeptField[];
  readonly refused: readonly { readonly detector: string; readonly refusal: Refusal }[];
  /** Recorded, not yet decided: no manager has answered in time. */
  readonly pending: readonly string[];
};

export const FILE_ACTOR: Actor = { kind: 'file', id: 'detectors.yaml', name: 'detectors.yaml' };

/** Resolves once each difference is decided or recorded. Rejects with the log's errors. */
export async function applyFileSettings(options: FileSettingsOptions): Promise<FileSettingsResult> {
  await options.feed.caughtUp();
  const { commands, kept } = planFileSettings(options);
  const actor = options.actor ?? FILE_ACTOR;
  const outcomes = await Promise.all(
    commands.map(async (body) => ({ body, outcome: await act(options, { actor, body }) })),
  );
  const named = (test: (one: (typeof outcomes)[number]) => boolean): string[] =>
    outcomes.filter(test).map(({ body }) => body.detector);
  return {
    changed: named(({ body, outcome }) => outcome.outcome === 'done' && body.settings !== null),
    removed: named(({ body, outcome }) => outcome.outcome === 'done' && body.settings === null),
    kept,
    refused: outcomes.flatMap(({ body, outcome }) =>
      outcome.outcome === 'refused' ? [{ detector: body.detector, refusal: outcome.refusal }] : [],
    ),
    pending: named(({ outcome }) => outcome.outcome === 'pending'),
  };
}

type Plan = { readonly commands: readonly SettingsCommand[]; readonly kept: readonly KeptField[] };
type PlanOptions = Pick<FileSettingsOptions, 'file' | 'takeFile'> & {
  readonly feed: Pick<IncidentFeed, 'settings' | 'settingsHistory' | 'general'>;
};

/** Pure: what the file changes, and what it may not. */
export function planFileSettings({ feed, file, takeFile = false }: PlanOptions): Plan {
  const commands: SettingsCommand[] = [];
  const kept: KeptField[] = [];
  const isGeneralNew = canonical(feed.general()) !== canonical(file.general);
  const why = 'detectors.yaml';
  const ask = (detector: string, settings: DetectorSettings | null, basedOn: number): void =>
    void commands.push({ type: 'settings', detector, settings, basedOn, why, general: file.general });
  for (const wanted of file.detectors) {
    const history = feed.settingsHistory(wanted.name);
    const current = history.at(-1);
    if (current === undefined) {
      ask(wanted.name, wanted, 0);
      continue;
    }
    const { settings, held } = takeFile ? { settings: wanted, held: [] } : mergeWanted(wanted, history, current);
    kept.push(...held);
    if (settings === null) continue;
    if (canonical(settings) !== canonical(current.rule.settings) || isGeneralNew)
      ask(wanted.name, settings, current.rule.version);
  }
  const names = new Set(file.detectors.map(({ name }) => name));
  for (const current of feed.settings()) {
    const { detector, version } = current.rule;
    if (names.has(detector)) continue;
    const owner = ownersOf(feed.settingsHistory(detector)).get('detector');
    if (takeFile || owner === undefined) ask(detector, null, version);
    else kept.push(keptField({ detector, field: 'detector', inForce: 'present', inFile: null, owner }));
  }
  return { commands, kept };
}

type Merged = { readonly settings: DetectorSettings | null; readonly held: readonly KeptField[] };

function mergeWanted(
  wanted: DetectorSettings,
  history: readonly AcceptedSettings[],
  current: AcceptedSettings,
): Merged {
  const owners = ownersOf(history);
  const detector = wanted.name;
  const now = current.rule.settings;
  if (now === null) {
    const owner = owners.get('detector');
    if (owner === undefined) return { settings: wanted, held: [] };
    return {
      settings: null,
      held: [keptField({ detector, field: 'detector', inForce: null, inFile: 'present', owner })],
    };
  }
  const held: KeptField[] = [];
  const inForce = fieldsOf(now);
  const inFile = fieldsOf(wanted);
  const fields = new Set([...inForce.keys(), ...inFile.keys()]);
  const stay = new Map<string, unknown>();
  for (const field of fields) {
    const owner = owners.get(field);
    if (owner === undefined || canonical(inForce.get(field)) === canonical(inFile.get(field))) continue;
    stay.set(field, inForce.get(field));
    held.push(
      keptField({ detector, field, inForce: inForce.get(field) ?? null, inFile: inFile.get(field) ?? null, owner }),
    );
  }
  return { settings: withFields(wanted, stay), held };
}

function keptField({ owner, ...rest }: Omit<KeptField, 'by' | 'at'> & { readonly owner: AcceptedSettings }): KeptField {
  return { ...rest, by: owner.actor, at: owner.at };
}
