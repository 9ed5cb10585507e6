// The rows of a month's tab: one figure a row, typed, so that an analyst can sort, sum and chart them. Pure.
import type { Sums } from '../model/daily-totals.ts';
import {
  type Count,
  type Estimate,
  type Grade,
  type Month,
  type MonthIncidents,
  type MonthOfScope,
  monthNotice,
  PAYMENT_LABELS,
  PROOF_LABELS,
  scopeTitle,
  type Times,
} from '../model/month.ts';
import { formatCount } from '../model/words.ts';
import { money } from './rows.ts';
import { type Cell, EMPTY, number, text } from './rows-cells.ts';

export const MONTH_COLUMNS: readonly { readonly header: string; readonly width: number }[] = [
  { header: 'Account', width: 190 },
  { header: 'Part', width: 170 },
  { header: 'Figure', width: 240 },
  { header: 'Value', width: 130 },
  { header: 'Unit', width: 90 },
  { header: 'From', width: 80 },
  { header: 'To', width: 80 },
  { header: 'Remark', width: 420 },
];

/** About 1.5 MB of requests in one write: Google advises at most 2 MB. */
const MOST_ROWS = 2_000;
const SHARE = '0.0%';
const RATIO = '0.000%';
const MINUTES = '#,##0.0';

type Figure = {
  readonly part: string;
  readonly figure: string;
  readonly value: Cell;
  readonly unit: string;
  readonly from?: Cell;
  readonly to?: Cell;
  readonly remark?: string;
};

/** The header, then account by account; accounts beyond 2,000 rows are counted in a last one. */
export function monthRows(month: Month): readonly (readonly Cell[])[] {
  const rows: (readonly Cell[])[] = [MONTH_COLUMNS.map(({ header }) => text(header))];
  let left = month.scopes.length;
  for (const part of month.scopes) {
    const figures = figuresOf(part);
    if (rows.length + figures.length > MOST_ROWS) break;
    for (const figure of figures) rows.push(rowOf(scopeTitle(part.scope), figure));
    left -= 1;
  }
  const rest = `declinewatch report --month ${month.month} has them`;
  if (left > 0)
    rows.push(rowOf('', { part: 'Accounts', figure: 'further ones', value: number(left), unit: '', remark: rest }));
  return rows;
}

const rowOf = (account: string, { part, figure, value, unit, from, to, remark }: Figure): readonly Cell[] => [
  ...[text(account), text(part), text(figure), value, text(unit), from ?? EMPTY, to ?? EMPTY],
  text(remark ?? ''),
];

function figuresOf(part: MonthOfScope): readonly Figure[] {
  const days = { part: 'Days', figure: 'counted (UTC)', value: number(part.days), unit: 'days' };
  return [
    { ...days, remark: monthNotice(part) },
    ...PAYMENT_LABELS.flatMap(([outcome, label]) => counted('Payments', label, part.payments[outcome])),
    ...savesOf(part.saves),
    ...PROOF_LABELS.flatMap(([kind, label]) => counted('Reported later', label, part.proofs[kind])),
    ...incidentsOf(part.incidents),
    ...part.grades.flatMap(gradeOf),
    ...part.estimates.flatMap(estimateOf),
  ];
}

/** How many, then their amounts by currency, the most frequent first. */
function counted(part: string, figure: string, { count, amounts }: Count): readonly Figure[] {
  return [
    { part, figure, value: number(count), unit: 'number' },
    ...byFrequency(amounts).map(([currency, { amount }]) => {
      return { part, figure, value: money({ amount, currency }), unit: currency.toUpperCase() };
    }),
  ];
}

const byFrequency = (amounts: Sums): readonly (readonly [string, Sums[string]])[] =>
  Object.entries(amounts).sort(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1));

function savesOf(saves: MonthOfScope['saves']): readonly Figure[] {
  const all = Object.values(saves).reduce((sum, count) => sum + count, 0);
  if (all === 0) return [];
  const part = 'Payments';
  return [
    { part, figure: 'cards to be saved', value: number(all), unit: 'number' },
    { part, figure: 'cards saved', value: number(saves.succeeded ?? 0), unit: 'number' },
  ];
}

function incidentsOf(incidents: MonthIncidents): readonly Figure[] {
  const part = 'Incidents';
  const { opened, alerts, severities, verdicts, toAcknowledgeMs, toResolveMs } = incidents;
  const each = (word: string, counts: Readonly<Record<string, number>>): readonly Figure[] =>
    Object.entries(counts).map(([name, count]) => {
      return { part, figure: `${word}: ${name.replaceAll('_', ' ')}`, value: number(count), unit: 'number' };
    });
  return [
    { part, figure: 'opened', value: number(opened), unit: 'number' },
    { part, figure: 'told as', value: number(alerts), unit: 'number' },
    ...each('severity', severities),
    ...each('verdict', verdicts),
    ...timesOf('to acknowledge', toAcknowledgeMs),
    ...timesOf('to resolve', toResolveMs),
  ];
}

function timesOf(figure: string, times: Times | null): readonly Figure[] {
  const part = 'Incidents';
  if (times === null) return [{ part, figure, value: EMPTY, unit: 'minutes', remark: 'nobody yet' }];
  const minutes = (ms: number): Cell => number(ms / 60_000, MINUTES);
  const remark = `of ${formatCount(times.count)}`;
  return [
    { part, figure: `${figure}, median`, value: minutes(times.median), unit: 'minutes', remark },
    { part, figure: `${figure}, p90`, value: minutes(times.p90), unit: 'minutes', remark },
  ];
}

function gradeOf({ detector, incidents, graded, precision, corrected }: Grade): readonly Figure[] {
  const part = 'Precision';
  const later = corrected === 0 ? '' : `, ${formatCount(corrected)} corrected by what banks said later`;
  const remark = `${formatCount(graded)} of ${formatCount(incidents)} graded${later}`;
  if (precision === null) return [{ part, figure: detector, value: EMPTY, unit: 'share', remark }];
  const [from, to] = [number(precision.low, SHARE), number(precision.high, SHARE)];
  return [{ part, figure: detector, value: number(precision.value, SHARE), unit: 'share', from, to, remark }];
}

function estimateOf(estimate: Estimate): readonly Figure[] {
  const { programme, network, numerator, denominator, ratio, unknownBrand, thresholds, reached } = estimate;
  const part = 'Monitoring programmes (estimates)';
  const name = `${programme} (${network})`;
  const limits = thresholds.map(
    ({ level, count, ratio: limit }) => `${level} from ${count} and ${formatCount(limit * 100)} %`,
  );
  const state = reached === null ? 'below' : `REACHED: ${reached}`;
  const unknown = unknownBrand === 0 ? '' : `${formatCount(unknownBrand)} more of an unknown card`;
  return [
    {
      ...{ part, figure: name, value: ratio === null ? EMPTY : number(ratio, RATIO), unit: 'share' },
      remark: `${ratio === null ? 'no payments to divide by; ' : ''}${state} (${limits.join('; ')})`,
    },
    { part, figure: `${name}: reports`, value: number(numerator), unit: 'number', remark: unknown },
    denominator === null
      ? { part, figure: `${name}: payments`, value: EMPTY, unit: 'number', remark: 'an unknown month before' }
      : { part, figure: `${name}: payments`, value: number(denominator), unit: 'number' },
  ];
}
