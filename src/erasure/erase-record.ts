// What a record of the log becomes once somebody in it was erased: by topic. Pure, and safe to do again.
import { eraseView } from '../attempts/erase-view.ts';
import { decodeAttemptsRecord, encodeAttemptsRecord } from '../attempts/wire.ts';
import { decode, encode } from '../log/codec.ts';
import type { StoredRecord } from '../log/event-log.ts';
import type { Change, Command } from '../model/commands.ts';
import type { TotalsRecord } from '../model/daily-totals.ts';
import type { Erasure } from '../model/erasure.ts';
import { AppError } from '../model/errors.ts';
import { namingOf } from '../model/mask-erased.ts';
import { eraseProposalRead } from '../model/mask-proposal.ts';
import { eraseChange, eraseMembers, eraseReport, eraseTotals } from '../model/mask-told.ts';
import { type EndedMembers, membersId } from '../model/members.ts';
import type { TopicName } from '../model/topics.ts';
import { eraseEvent, idsOfEvent } from './erase-event.ts';

/** In the order in which they are gone through: what holds most first. */
export const PERSONAL_TOPICS = [
  'attempts',
  'stripe-events',
  'commands',
  'incidents',
  'members',
  'daily-totals',
] as const satisfies readonly TopicName[];
type PersonalTopic = (typeof PERSONAL_TOPICS)[number];

export type Rewritten = Pick<StoredRecord, 'key' | 'value'>;

/** Of commands, reports and what proposals would have done tell of persons. */
function eraseBody(body: Command['body'], erasures: readonly Erasure[]): Command['body'] {
  if (body?.type === 'report') return eraseReport(body, erasures);
  return body?.type === 'proposal_read' ? eraseProposalRead(body, erasures) : body;
}

/** Null: the record stays as it is. What cannot be read stays too; `newer_schema` is left to who reads it. */
export type RecordEraser = (topic: TopicName, record: StoredRecord) => Rewritten | null;

/** What came later is about somebody new. Of the others what was told later may have been told by who did not know yet. */
const BY_RECEIPT: ReadonlySet<TopicName> = new Set<TopicName>(['attempts', 'stripe-events', 'incidents']);

const isPersonal = (topic: TopicName): topic is PersonalTopic => (PERSONAL_TOPICS as readonly string[]).includes(topic);

/** What comes of erased attempts after so long has been taken in by who knew of it. */
const UNHEARD_MS = 3_600_000;

/** `erasures`: oldest first. `isNew`: records that are about to be written, whenever they were received. */
export function createRecordEraser(
  erasures: readonly Erasure[],
  piiKey: string,
  { isNew = false }: { readonly isNew?: boolean } = {},
): RecordEraser {
  const newestMs = erasures.reduce((newest, { at }) => Math.max(newest, at), 0);
  const untilMs = isNew ? Number.POSITIVE_INFINITY : newestMs + UNHEARD_MS;
  const knowing = `"erased":${erasures.at(-1)?.number ?? 0}`;
  const nameOf = namingOf(erasures, piiKey);
  const erasers: Readonly<Record<PersonalTopic, (record: StoredRecord) => Rewritten | null>> = {
    attempts: ({ key, value, timeMs }) => {
      const view = decodeAttemptsRecord(value);
      if (view.record !== 'view') return null;
      const seen = { at: timeMs, ids: [view.attempt] };
      const after = eraseView(view, (entity) => nameOf(entity, seen));
      return after === view ? null : { key, value: encodeAttemptsRecord(after) };
    },
    'stripe-events': ({ key, value, timeMs }) => {
      const { event, ...rest } = decode<{ readonly event?: unknown }>('stripe-events', value);
      const seen = { at: timeMs, ids: idsOfEvent(event) };
      const after = eraseEvent(event, (entity) => nameOf(entity, seen) !== null);
      return after === null ? null : { key, value: encode('stripe-events', { event: after, ...rest, erased: true }) };
    },
    commands: ({ key, value }) => {
      if (value.includes(knowing) || !/"(report|proposal_read)"/.test(value)) return null;
      const command = decode<Command>('commands', value);
      const body = eraseBody(command.body, erasures);
      return body === command.body ? null : { key, value: encode('commands', { ...command, body }) };
    },
    incidents: ({ key, value }) => {
      const change = decode<Change>('incidents', value);
      const after = eraseChange(change, erasures);
      return after === change ? null : { key, value: encode('incidents', after) };
    },
    members: ({ value }) => {
      const members = decode<EndedMembers>('members', value);
      const after = eraseMembers(members, erasures);
      return after === members ? null : { key: membersId(after), value: encode('members', after) };
    },
    'daily-totals': ({ key, value }) => {
      const record = decode<TotalsRecord>('daily-totals', value);
      if (!('totals' in record)) return null;
      const totals = eraseTotals(record.totals, erasures);
      return totals === record.totals ? null : { key, value: encode('daily-totals', { totals }) };
    },
  };
  return (topic, record) => {
    if (erasures.length === 0 || !isPersonal(topic)) return null;
    if (BY_RECEIPT.has(topic) && record.timeMs > untilMs) return null;
    try {
      return erasers[topic](record);
    } catch (error) {
      if (error instanceof AppError && (error.code === 'bad_record' || error.code === 'newer_schema')) return null;
      throw error;
    }
  };
}
