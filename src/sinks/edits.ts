// Reads what analysts write into Verdict, Owner and Notes, and asks for it: each edit becomes a command like a click does. The
// last valid edit counts, in the order of the command log; what is refused is said in the row's status.
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { IncidentFeed } from '../feed/feed.ts';
import { act } from '../feed/submit.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import type { Actor } from '../model/incident.ts';
import { type Edit, type EditedColumn, editsOf, type Taken, takenOf } from './edits-read.ts';
import type { SheetsSink } from './sheets-sink.ts';
import type { WrittenRow } from './sheets-view.ts';

export type EditsOptions = {
  readonly sink: Pick<SheetsSink, 'readEdits' | 'rewrite'>;
  readonly feed: IncidentFeed;
  readonly log: Pick<EventLog, 'append'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of several replicas one reads: the one that writes. */
  readonly isActive: () => boolean;
  /** Default 6 s: ten of the sixty reads a minute. */
  readonly everyMs?: number;
};

export type Edits = {
  /** What is wrong with what analysts wrote beside an incident; null: nothing. */
  problemOf(id: string): string | null;
  close(): Promise<void>;
};

const EVERY_MS = 6_000;
/** Commands of one reading; more wait for the next. */
const MOST_EDITS = 50;
const BY: Actor = { kind: 'sheet', id: 'sheet', name: 'the sheet' };

type Row = { taken: Taken; readonly problems: Map<EditedColumn, string> };
type Parts = EditsOptions & { readonly rows: Map<string, Row> };

export function startEdits(options: EditsOptions): Edits {
  const { clock, logger, everyMs = EVERY_MS, isActive } = options;
  const parts: Parts = { ...options, rows: new Map() };
  const stop = new AbortController();
  let failure = '';
  const running = (async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(everyMs, stop.signal);
      if (stop.signal.aborted) return;
      if (!isActive()) {
        // Another replica takes edits now: what was taken is learnt anew.
        parts.rows.clear();
        continue;
      }
      const error = await readOnce(parts, stop.signal).then(() => '', messageOf);
      // Said once, not at every reading.
      if (error !== '' && error !== failure) logger.warn({ error }, 'edits in the sheet cannot be read yet');
      failure = error;
    }
  })();
  return {
    problemOf: (id) => {
      const problems = [...(parts.rows.get(id)?.problems.values() ?? [])];
      return problems.length === 0 ? null : problems.join('; ');
    },
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

async function readOnce(parts: Parts, signal: AbortSignal): Promise<void> {
  const { sink, feed } = parts;
  const touched: string[] = [];
  let left = MOST_EDITS;
  for (const written of await sink.readEdits(signal)) {
    if (left <= 0 || signal.aborted) break;
    const incident = feed.get(written.id);
    if (incident === null) continue;
    const row = rowOf(parts, written);
    const edits = editsOf(written, incident, row.taken);
    if (edits.length === 0) continue;
    left -= edits.length;
    const before = [...row.problems.values()].join();
    for (const edit of edits) await take(parts, written.id, edit);
    if ([...row.problems.values()].join() !== before) touched.push(written.id);
  }
  if (touched.length > 0) await sink.rewrite(touched, signal);
}

function rowOf({ rows, feed }: Parts, { id }: WrittenRow): Row {
  const known = rows.get(id);
  if (known !== undefined) return known;
  const taken = takenOf(feed.timeline(id).filter(({ actor }) => actor.kind === 'sheet'));
  const row: Row = { taken, problems: new Map() };
  rows.set(id, row);
  return row;
}

async function take(parts: Parts, id: string, edit: Edit): Promise<void> {
  const { feed, log, clock, rows, logger } = parts;
  const row = rows.get(id);
  if (row === undefined) return;
  const { column, value } = edit;
  row.problems.delete(column);
  if ('problem' in edit) row.problems.set(column, edit.problem);
  else
    for (const [step, body] of edit.asks.entries()) {
      const done = await act(
        { feed, log, clock },
        { id: commandId(parts, id, { column, value, step }), actor: BY, body },
      );
      // It is recorded and will be done: the next reading sees whether it was.
      if (done.outcome === 'pending') return;
      if (done.outcome === 'refused' && done.refusal.code !== 'repeated') {
        row.problems.set(column, `${nameOf(column)}: ${done.refusal.message}`);
        break;
      }
      logger.info({ incident: id, column, asked: body.type }, 'an edit in the sheet was taken');
    }
  row.taken = { ...row.taken, [column]: value };
}

const nameOf = (column: EditedColumn): string => `${column.charAt(0).toUpperCase()}${column.slice(1)}`;

type Asked = { readonly column: EditedColumn; readonly value: string; readonly step: number };

/** The same for the same edit, also after a restart in between; another once the sheet has changed the incident. */
function commandId({ feed }: Parts, id: string, { column, value, step }: Asked): string {
  const changes = feed.timeline(id).filter(({ actor }) => actor.kind === 'sheet');
  const last = changes.at(-1)?.change ?? 'none';
  const digest = createHash('sha256')
    .update(JSON.stringify([id, column, value, step, last]))
    .digest('hex');
  return `sheet-${digest.slice(0, 32)}`;
}
