// Daily totals, brought up to date: the days that something new belongs to are counted again from the log, as long as it
// holds them. Idempotent; two that do it at once write the same.
//
// They are kept in a topic of their own, compacted by scope and day: the log keeps attempts 35 days only, replicas over Kafka
// share no folder, and every other topic that lasts is another part's only truth or forgets after 400 days.
import { recordsIn } from '../detectors/replay.ts';
import { encode } from '../log/codec.ts';
import type { EventLog, NewRecord, PartitionEnds } from '../log/event-log.ts';
import type { SignalView, View } from '../model/attempt.ts';
import type { Clock } from '../model/clock.ts';
import {
  DAY_S,
  type DailyTotals,
  dayOf,
  dayStartS,
  MAX_PROOFS,
  markId,
  type Proof,
  type TotalsRecord,
  totalsId,
} from '../model/daily-totals.ts';
import { type Scope, scopeId } from '../model/scope.ts';
import { type DayFigures, noFigures } from './totals-days.ts';
import { type KeptTotals, readTotals } from './totals-kept.ts';
import { mergeProofs, proofOf, withCharge } from './totals-proofs.ts';
import { AHEAD_MS, daysNear, figuresOfDays, type ScopeDay } from './totals-scan.ts';

export type TotalsParts = {
  readonly log: Pick<EventLog, 'read' | 'ends' | 'offsetsAt' | 'append'>;
  readonly piiKey: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Attempts held at once. */
  readonly maxHeld?: number;
};

/** Older days are not begun: a total of them would be of a fragment. */
const OLDEST_S = 400 * DAY_S;

/** Resolves with every day that is kept, up to date with the log as it was at the call. */
export async function updateTotals(parts: TotalsParts): Promise<KeptTotals> {
  const kept = await readTotals(parts.log);
  for (const ends of await parts.log.ends('attempts')) await updatePartition(parts, kept, ends);
  return kept;
}

async function updatePartition(parts: TotalsParts, kept: KeptTotals, ends: PartitionEnds): Promise<void> {
  const { log, clock } = parts;
  const { partition, first, next } = ends;
  const from = Math.max(first, kept.marks.get(partition) ?? 0);
  if (from >= next) return;
  const news = await readNews(parts, kept, { partition, from, to: next });
  await findCharges(parts, news, { partition, from: first, to: next });
  const sinceMs = first === 0 ? Number.NEGATIVE_INFINITY : await timeOf(log, partition, first);
  const isHeld = (day: string): boolean => dayStartS(day) * 1_000 - AHEAD_MS > sinceMs;
  // Of a day that the log has begun to let go of, what was counted before is better than what is left.
  const again = new Map([...news.days].filter(([id, { day }]) => isHeld(day) || !kept.days.has(id)));
  const figures = await countAgain(parts, again, ends);
  const records: NewRecord[] = [];
  const write = (key: string, record: TotalsRecord): void => {
    records.push({ key, value: encode('daily-totals', record), timeMs: clock.now() });
  };
  for (const [id, { scope, day }] of news.days) {
    const facts = { before: kept.days.get(id), counted: figures.get(id), isHeld: isHeld(day), news };
    const totals = totalsOf({ scope, day, asOf: next }, facts);
    // A view near midnight may have been of this day, and was not.
    if (isEmpty(totals) && !kept.days.has(id)) continue;
    kept.days.set(id, totals);
    write(id, { totals });
  }
  // The mark last: until it is there, the same days are counted again.
  if (records.length > 0) await log.append('daily-totals', records);
  await log.append('daily-totals', [
    {
      key: markId(partition),
      value: encode('daily-totals', { mark: { partition, next } } satisfies TotalsRecord),
      timeMs: clock.now(),
    },
  ]);
  kept.marks.set(partition, next);
}

function isEmpty({ outcomes, saves, proofs }: DailyTotals): boolean {
  return Object.keys(outcomes).length + Object.keys(saves).length + proofs.length === 0;
}

type News = {
  /** What is to be counted again, by totalsId. */
  readonly days: Map<string, ScopeDay>;
  /** All that are kept or new, by scope, kind and id. */
  readonly proofs: Map<string, { readonly scope: Scope; readonly proof: Proof }>;
  /** Proofs by the charge whose facts they lack. */
  readonly lacking: Map<string, Set<string>>;
};

type Range = { readonly partition: number; readonly from: number; readonly to: number };

const chargeId = (scope: Scope, charge: string): string => `${scopeId(scope)}\u001f${charge}`;

async function readNews(parts: TotalsParts, kept: KeptTotals, range: Range): Promise<News> {
  const news: News = { days: new Map(), proofs: new Map(), lacking: new Map() };
  for (const { scope, proofs } of kept.days.values()) for (const proof of proofs) hold(news, scope, proof);
  const oldestS = parts.clock.now() / 1_000 - OLDEST_S;
  for await (const record of factsIn(parts, range)) {
    if (record.time < oldestS) continue;
    const scope = { account: record.account, livemode: record.livemode };
    if (record.record === 'view') {
      for (const day of daysNear(record)) touch(news, scope, day);
      learn(news, record, parts.piiKey);
    } else takeSignal(news, scope, record);
  }
  return news;
}

async function* factsIn({ log, signal }: TotalsParts, range: Range): AsyncGenerator<View | SignalView> {
  const { partition, from, to } = range;
  const input = { log, partition, ranges: [{ from, to }], ...(signal === undefined ? {} : { signal }) };
  for await (const slice of recordsIn(input))
    for (const { record } of slice) if (record.record !== 'rule') yield record;
}

function touch({ days }: News, scope: Scope, day: string): void {
  const id = totalsId({ scope, day });
  if (!days.has(id)) days.set(id, { scope, day });
}

function hold({ proofs, lacking }: News, scope: Scope, proof: Proof): void {
  const id = proofId(scope, proof);
  proofs.set(id, { scope, proof });
  if (proof.charge === null) return;
  const charge = chargeId(scope, proof.charge);
  const waiting = lacking.get(charge) ?? new Set<string>();
  if (proof.paid === null) waiting.add(id);
  else waiting.delete(id);
  if (waiting.size === 0) lacking.delete(charge);
  else lacking.set(charge, waiting);
}

const proofId = (scope: Scope, { kind, id }: Proof): string => `${scopeId(scope)}\u001f${kind}\u001f${id}`;

function takeSignal(news: News, scope: Scope, signal: SignalView): void {
  const found = proofOf(signal);
  if (found === null) return;
  const known = news.proofs.get(proofId(scope, found))?.proof;
  const proof = known === undefined ? found : mergeProofs(known, found);
  if (known !== undefined) touch(news, scope, dayOf(known.at));
  touch(news, scope, dayOf(proof.at));
  hold(news, scope, proof);
}

/** A view of a charge that a proof lacks: its facts are the proof's. */
function learn(news: News, view: View, piiKey: string): void {
  const waiting = news.lacking.get(chargeId(view, view.attempt));
  if (waiting === undefined || view.fields.result === undefined) return;
  for (const id of [...waiting]) {
    const known = news.proofs.get(id);
    if (known === undefined) continue;
    const { scope, proof } = known;
    touch(news, scope, dayOf(proof.at));
    hold(news, scope, withCharge(proof, view, piiKey));
  }
}

/** Of new proofs: their charges may be anywhere in the log. */
async function findCharges(parts: TotalsParts, news: News, range: Range): Promise<void> {
  const isNew = (ids: ReadonlySet<string>): boolean =>
    [...ids].some((id) => {
      const known = news.proofs.get(id);
      return known !== undefined && news.days.has(totalsId({ scope: known.scope, day: dayOf(known.proof.at) }));
    });
  if (![...news.lacking.values()].some(isNew)) return;
  for await (const record of factsIn(parts, range)) {
    if (news.lacking.size === 0) return;
    if (record.record === 'view') learn(news, record, parts.piiKey);
  }
}

async function countAgain(
  parts: TotalsParts,
  days: ReadonlyMap<string, ScopeDay>,
  { partition, first, next }: PartitionEnds,
): Promise<ReadonlyMap<string, DayFigures>> {
  const { log, signal, maxHeld } = parts;
  if (days.size === 0) return new Map();
  const earliest = Math.min(...[...days.values()].map(({ day }) => dayStartS(day) * 1_000 - AHEAD_MS));
  const positions = await log.offsetsAt('attempts', Math.max(0, earliest));
  const from = Math.max(first, positions.find((position) => position.partition === partition)?.offset ?? 0);
  const range = { from, to: next };
  return await figuresOfDays({ log, partition, range, days, signal, ...(maxHeld === undefined ? {} : { maxHeld }) });
}

async function timeOf(log: TotalsParts['log'], partition: number, offset: number): Promise<number> {
  for await (const page of log.read('attempts', partition, offset, offset + 1))
    return page[0]?.timeMs ?? Number.POSITIVE_INFINITY;
  return Number.POSITIVE_INFINITY;
}

type DayParts = {
  readonly before: DailyTotals | undefined;
  /** undefined: not counted again. */
  readonly counted: DayFigures | undefined;
  /** The log holds the whole day. */
  readonly isHeld: boolean;
  readonly news: News;
};

function totalsOf(
  { scope, day, asOf }: ScopeDay & { readonly asOf: number },
  { before, counted, isHeld, news }: DayParts,
): DailyTotals {
  const own: Proof[] = [];
  for (const { scope: of, proof } of news.proofs.values())
    if (of.account === scope.account && of.livemode === scope.livemode && dayOf(proof.at) === day) own.push(proof);
  own.sort((a, b) => (a.kind === b.kind ? Number(a.id > b.id) - Number(a.id < b.id) : a.kind < b.kind ? -1 : 1));
  const figures = counted ?? before ?? noFigures();
  const { outcomes, saves, brands } = figures;
  const whole = (counted === undefined ? before?.whole === true : isHeld) && own.length <= MAX_PROOFS;
  return { scope, day, asOf, whole, outcomes, saves, brands, proofs: own.slice(0, MAX_PROOFS) };
}
