// The month of fraud in words: sections of lines of label and figure, for the terminal and for the page. Pure.
import type { Sums } from '../model/daily-totals.ts';
import { formatMoney } from '../model/money.ts';
import {
  type Count,
  type Estimate,
  type Month,
  type MonthOfScope,
  monthNotice,
  PAYMENT_LABELS,
  PROOF_LABELS,
  scopeTitle,
  type Times,
} from '../model/month.ts';

export type Section = { readonly title: string; readonly lines: readonly (readonly [label: string, figure: string])[] };
export type ScopeWords = { readonly title: string; readonly notice: string; readonly sections: readonly Section[] };

export function monthWords({ scopes }: Month): readonly ScopeWords[] {
  return scopes.map((part) => ({
    title: scopeTitle(part.scope),
    notice: monthNotice(part),
    sections: [
      paymentSection(part),
      reportSection(part),
      incidentSection(part),
      gradeSection(part),
      estimateSection(part),
    ],
  }));
}

function paymentSection({ payments, saves }: MonthOfScope): Section {
  const lines = PAYMENT_LABELS.map(([outcome, label]) => [label, countText(payments[outcome])] as const);
  const all = Object.values(saves).reduce((sum, count) => sum + count, 0);
  const saved = all === 0 ? [] : [['cards to be saved', `${all}, ${saves.succeeded ?? 0} of them succeeded`] as const];
  return { title: 'Payments', lines: [...lines, ...saved] };
}

function reportSection({ proofs }: MonthOfScope): Section {
  return {
    title: 'Reported later',
    lines: PROOF_LABELS.map(([kind, label]) => [label, countText(proofs[kind])] as const),
  };
}

function incidentSection({ incidents }: MonthOfScope): Section {
  const { opened, alerts, severities, verdicts, toAcknowledgeMs, toResolveMs } = incidents;
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`)
      .join(', ') || 'none';
  return {
    title: 'Incidents',
    lines: [
      ['opened', `${opened}, told as ${alerts}`],
      ['severity', counts(severities)],
      ['verdict', counts(verdicts)],
      ['to acknowledge', timesText(toAcknowledgeMs)],
      ['to resolve', timesText(toResolveMs)],
    ],
  };
}

function gradeSection({ grades }: MonthOfScope): Section {
  return {
    title: 'Precision, with its 95 % interval',
    lines: grades.map(({ detector, incidents, graded, precision, corrected }) => {
      const share =
        precision === null
          ? 'not graded yet'
          : `${percent(precision.value)} (${percent(precision.low)} to ${percent(precision.high)})`;
      const later = corrected === 0 ? '' : `, ${corrected} corrected by what banks said later`;
      return [detector, `${share}, ${graded} of ${incidents} graded${later}`] as const;
    }),
  };
}

function estimateSection({ estimates }: MonthOfScope): Section {
  return { title: 'Monitoring programmes (estimates)', lines: estimates.map(estimateLine) };
}

function estimateLine(estimate: Estimate): readonly [string, string] {
  const { programme, network, numerator, denominator, ratio, unknownBrand, thresholds, reached } = estimate;
  const limits = thresholds.map(({ level, count, ratio: limit }) => `${level} from ${count} and ${percent(limit)}`);
  const share = ratio === null ? 'no payments to divide by' : percent(ratio, 3);
  const unknown = unknownBrand === 0 ? '' : `, ${unknownBrand} more of an unknown card`;
  const state = reached === null ? 'below' : `REACHED: ${reached}`;
  const base = denominator === null ? 'an unknown month before' : String(denominator);
  return [`${programme} (${network})`, `${share}: ${numerator} of ${base}${unknown}; ${state} (${limits.join('; ')})`];
}

function countText({ count, amounts }: Count): string {
  const money = moneyText(amounts);
  return money === '' ? String(count) : `${count}, ${money}`;
}

function moneyText(amounts: Sums): string {
  return Object.entries(amounts)
    .sort(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1))
    .map(([currency, { amount }]) => formatMoney(amount, currency))
    .join(', ');
}

function timesText(times: Times | null): string {
  return times === null
    ? 'nobody yet'
    : `${duration(times.median)} at the median, ${duration(times.p90)} at p90 (${times.count})`;
}

const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`;

function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return `${Math.round(ms / 1_000)} s`;
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2_880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1_440)} d`;
}

export function monthText(month: Month): string {
  const lines = [`Month of fraud ${month.month} (UTC)`];
  for (const { title, notice, sections } of monthWords(month)) {
    lines.push('', title, ...(notice === '' ? [] : [notice]));
    for (const section of sections) {
      if (section.lines.length === 0) continue;
      lines.push('', `  ${section.title}`);
      for (const [label, figure] of section.lines) lines.push(`    ${label.padEnd(24)}${figure}`);
    }
  }
  if (month.scopes.length === 0) lines.push('', 'Nothing is known of this month.');
  return `${lines.join('\n')}\n`;
}
