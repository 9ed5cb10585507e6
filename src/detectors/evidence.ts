// The evidence a report carries: what an episode is made of, in at most 1.5 KB of JSON whatever comes in (design §4.4).
import type { Evidence, MemberSummary } from '../model/episode.ts';
import { cardLabel, clean } from '../model/mask.ts';
import {
  amountsIn,
  changeTally,
  codesIn,
  createTally,
  distinctIn,
  type MemberFacts,
  outcomesIn,
  type Tally,
} from './tally.ts';

export const EVIDENCE_MAX_BYTES = 1_536;
export const NEWEST_MAX = 10;
export const SERIES_MAX_POINTS = 60;
const CODES_MAX = 8;
const CURRENCIES_MAX = 3;

const MAX_ID = 128;
const MAX_CODE = 48;

/** At breach instants (seconds), in time order: side by side in two lists. */
export type Values = { readonly times: readonly number[]; readonly values: readonly number[] };

export type EvidenceInput = {
  /** In any order. One pass, so that an episode of 100,000 members costs no more than looking at each. */
  readonly members: Iterable<MemberFacts>;
  readonly values: Values;
  readonly trigger: MemberFacts | null;
};

export function evidenceOf({ members, values, trigger }: EvidenceInput): Evidence {
  const tally = createTally();
  const newest: MemberFacts[] = [];
  for (const member of members) {
    changeTally(tally, member, 1);
    keepNewest(newest, member);
  }
  return evidenceFrom({ tally, newest, values, trigger });
}

/** `newest`: what `keepNewest` has kept of them. */
export function evidenceFrom({
  tally,
  newest,
  values,
  trigger,
}: Omit<EvidenceInput, 'members'> & { readonly tally: Tally; readonly newest: readonly MemberFacts[] }): Evidence {
  const told: Told = {
    outcomes: outcomesIn(tally),
    codes: codesIn(tally, CODES_MAX).map(({ code, count }) => ({ code: shown(code, MAX_CODE), count })),
    amounts: amountsIn(tally, CURRENCIES_MAX).map((sum) => ({ ...sum, currency: shown(sum.currency, 3) })),
    distinct: distinctIn(tally),
    newest: newest.map(summaryOf),
  };
  const last = trigger === null ? null : summaryOf(trigger);
  for (const size of SIZES) {
    const bare = shrink({ told, series: seriesOf(values, 0), trigger: last, size });
    const room = EVIDENCE_MAX_BYTES - bytesOf(bare);
    // There may be a value a second for days: they are gone through only if there is room for what comes of them.
    if (room < 0) continue;
    const series = seriesOf(values, size.points);
    if (bytesOf(series) - bytesOf(bare.series) <= room) return { ...bare, series };
  }
  return { ...NOTHING, distinct: told.distinct };
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** What is given up first, when it does not fit: links, then older members, then points, then codes. */
const SIZES = [
  { newest: 10, points: 60, codes: 8, links: true },
  { newest: 10, points: 60, codes: 8, links: false },
  { newest: 8, points: 40, codes: 8, links: false },
  { newest: 6, points: 40, codes: 8, links: false },
  { newest: 5, points: 30, codes: 8, links: false },
  { newest: 4, points: 20, codes: 8, links: false },
  { newest: 3, points: 20, codes: 8, links: false },
  { newest: 2, points: 12, codes: 6, links: false },
  { newest: 1, points: 6, codes: 3, links: false },
  { newest: 0, points: 0, codes: 1, links: false },
] as const;

type Size = (typeof SIZES)[number];

const NOTHING: Evidence = {
  outcomes: {},
  codes: [],
  amounts: [],
  distinct: { cards: 0, customers: 0, emails: 0, ips: 0 },
  newest: [],
  series: { fromS: 0, stepS: 1, values: [] },
  trigger: null,
};

type Told = Omit<Evidence, 'series' | 'trigger'>;

type Parts = {
  readonly told: Told;
  readonly series: Evidence['series'];
  readonly trigger: MemberSummary | null;
  readonly size: Size;
};

function shrink({ told, series, trigger, size }: Parts): Evidence {
  const linked = (member: MemberSummary): MemberSummary => (size.links ? member : { ...member, intent: null });
  return {
    ...told,
    codes: told.codes.slice(0, size.codes),
    newest: told.newest.slice(0, size.newest).map(linked),
    series,
    trigger: trigger === null ? null : linked(trigger),
  };
}

/** Newest first, equals by id; an insertion into at most ten. */
export function keepNewest(newest: MemberFacts[], member: MemberFacts): void {
  const last = newest[NEWEST_MAX - 1];
  if (last !== undefined && compareNewest(member, last) >= 0) return;
  let at = newest.length;
  while (at > 0 && isBefore(member, newest[at - 1])) at -= 1;
  newest.splice(at, 0, member);
  if (newest.length > NEWEST_MAX) newest.pop();
}

const isBefore = (a: MemberFacts, b: MemberFacts | undefined): boolean => b !== undefined && compareNewest(a, b) < 0;

function compareNewest(a: MemberFacts, b: MemberFacts): number {
  return b.at - a.at || (a.id > b.id ? -1 : a.id < b.id ? 1 : 0);
}

function summaryOf({ id, at, outcome, code, fields }: MemberFacts): MemberSummary {
  return {
    id: shown(id, MAX_ID),
    at,
    outcome: outcome ?? '',
    code: shown(code, MAX_CODE),
    amount: fields.amount ?? null,
    currency: fields.currency === undefined ? null : shown(fields.currency, 3),
    card: cardLabel(fields),
    intent: fields.intent === undefined ? null : shown(fields.intent, MAX_ID),
  };
}

const shown = (text: string, length: number): string => clean(text.slice(0, length));

/** The largest value in each step; a step without a breach instant is 0. */
function seriesOf({ times, values }: Values, points: number): Evidence['series'] {
  const fromS = times[0] ?? 0;
  const toS = times.at(-1);
  if (toS === undefined || points === 0) return { fromS, stepS: 1, values: [] };
  const stepS = Math.max(1, Math.ceil((toS - fromS + 1) / points));
  const steps = new Array<number>(Math.floor((toS - fromS) / stepS) + 1).fill(0);
  let step = 0;
  let endS = fromS + stepS;
  for (let i = 0; i < times.length; i++) {
    const time = times[i] ?? 0;
    if (time >= endS) {
      step = Math.floor((time - fromS) / stepS);
      endS = fromS + (step + 1) * stepS;
    }
    steps[step] = Math.max(steps[step] ?? 0, values[i] ?? 0);
  }
  return { fromS, stepS, values: steps.map((value) => Math.round(value * 10_000) / 10_000) };
}
