// The reducer's state, folded from the log: `detector-settings`, then `incidents`.
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { AcceptedSettings, Change } from '../model/commands.ts';
import { comparePositions } from '../model/commands.ts';
import type { Erasure } from '../model/erasure.ts';
import { evolve, evolveSettings } from './evolve.ts';
import { createState, type State } from './state.ts';

export type Loaded = {
  readonly state: State;
  /** Offset in `commands` to go on at. */
  readonly resumeAt: number;
  /** Every accepted version that the log holds, by detector, oldest first. */
  readonly accepted: ReadonlyMap<string, readonly AcceptedSettings[]>;
  /** Accepted, but not yet in `detector-settings`: a crash came between. */
  readonly unrecorded: readonly AcceptedSettings[];
  /** Every erase that the log holds, oldest first. */
  readonly erasures: readonly Erasure[];
};

/**
 * Folds `detector-settings` and `incidents`. The newest command's changes may have been written in part only: it is decided again, and what is there already is
 * recognised by its position. Rejects with the log's errors, `newer_schema` and `bad_record` among them.
 */
export async function loadState(log: EventLog): Promise<Loaded> {
  const state = createState();
  const accepted = new Map<string, AcceptedSettings[]>();
  const recorded: AcceptedSettings[] = [];
  for await (const each of recordsOf<AcceptedSettings>(log, 'detector-settings')) {
    if (add(accepted, each)) recorded.push(each);
  }
  recorded.sort((a, b) => comparePositions(a.position, b.position));
  /** In step with the changes: a command that is decided again must find the settings of its own time. */
  const foldSettings = (before: number): void => {
    while ((recorded[0]?.position.offset ?? before) < before) {
      const [next] = recorded.splice(0, 1);
      if (next !== undefined) evolveSettings(state, next);
    }
  };
  const unrecorded: AcceptedSettings[] = [];
  const erasures: Erasure[] = [];
  let group: Change[] = [];
  for await (const change of recordsOf<Change>(log, 'incidents')) {
    const last = group.at(-1);
    if (change.position.offset <= state.offset) continue;
    if (last !== undefined && comparePositions(change.position, last.position) <= 0) continue;
    if (change.accepted !== undefined && add(accepted, change.accepted)) unrecorded.push(change.accepted);
    if (change.erasure !== undefined) erasures.push(change.erasure);
    if (last !== undefined && change.position.offset > last.position.offset) {
      foldSettings(last.position.offset);
      evolve(state, group);
      group = [];
    }
    group.push(change);
  }
  const [{ first = 0 } = {}] = await log.ends('commands');
  const newest = group[0]?.position.offset;
  const isGone = newest === undefined || newest < first;
  foldSettings(isGone ? Number.POSITIVE_INFINITY : newest);
  if (isGone) evolve(state, group);
  return { state, resumeAt: Math.max(first, newest ?? 0), accepted, unrecorded, erasures };
}

async function* recordsOf<T>(log: EventLog, topic: 'incidents' | 'detector-settings'): AsyncGenerator<T> {
  for (const { partition, first } of await log.ends(topic)) {
    for await (const page of log.read(topic, partition, first)) {
      for (const { value } of page) yield decode<T>(topic, value);
    }
  }
}

/** Of one detector; older ones judge nothing any more. */
const MAX_VERSIONS = 500;

/** False: that version is known already. */
function add(accepted: Map<string, AcceptedSettings[]>, one: AcceptedSettings): boolean {
  const versions = accepted.get(one.rule.detector) ?? [];
  if ((versions.at(-1)?.rule.version ?? 0) >= one.rule.version) return false;
  versions.push(one);
  if (versions.length > MAX_VERSIONS) versions.shift();
  accepted.set(one.rule.detector, versions);
  return true;
}
