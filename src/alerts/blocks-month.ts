// The month of fraud as a message: the headline figures of each account, and where the whole report is. Pure.
import type { Sums } from '../model/daily-totals.ts';
import { SEVERITIES } from '../model/detector.ts';
import { formatMoney } from '../model/money.ts';
import {
  type Count,
  type Estimate,
  type Month,
  type MonthOfScope,
  monthNotice,
  PROOF_LABELS,
  scopeTitle,
  type Times,
} from '../model/month.ts';
import { formatCount, formatDuration, plural, SEVERITY_WORDS, VERDICT_WORDS } from '../model/words.ts';
import { cutEscaped, safe } from './blocks-inert.ts';
import { contextBlock, header, plainOf, section } from './blocks-list.ts';
import type { Card } from './notice.ts';

const MOST_SCOPES = 6;
const MOST_CURRENCIES = 3;
const MAX_SCOPE = 1_500;

export function monthCard({ month, scopes }: Month, { consoleUrl }: { readonly consoleUrl: string }): Card {
  const isTest = scopes.every(({ scope }) => !scope.livemode);
  const title = `${isTest ? 'TEST · ' : ''}Month of fraud ${month}`;
  const shown = scopes
    .slice(0, MOST_SCOPES)
    .map((part) => [`*${safe(scopeTitle(part.scope), 100)}*`, ...linesOf(part)]);
  const rest = scopes.length - shown.length;
  const more = rest > 0 ? `${plural(rest, 'further account')} in the report. ` : '';
  const tail = `${more}Days are of UTC; the programmes are estimates. <${consoleUrl}/months/${month}|All figures in the console>; \`declinewatch report --month ${month}\` prints them.`;
  return {
    text: plainOf([title, ...shown.flat(), tail, `${consoleUrl}/months/${month}`]),
    blocks: [
      header(title),
      ...shown.map((lines) => section(cutEscaped(lines.join('\n'), MAX_SCOPE))),
      contextBlock(tail),
    ],
  };
}

function linesOf(part: MonthOfScope): readonly string[] {
  const { payments, proofs, incidents, grades, estimates } = part;
  const notice = monthNotice(part);
  const reported = PROOF_LABELS.map(([kind, label]) => countText(proofs[kind], label));
  return [
    ...(notice === '' ? [] : [safe(notice, 300)]),
    `Payments: ${plural(payments.all.count, 'attempt')}, ${countText(payments.declined, 'declined by the bank')}, ${countText(payments.blocked, 'blocked by Radar')}`,
    `Reported later: ${reported.join(', ')}`,
    `Alerts: ${formatCount(incidents.alerts)}${severitiesText(incidents.severities)}; ${verdictsText(incidents.verdicts)}`,
    `Acknowledged ${timesText(incidents.toAcknowledgeMs)}; resolved ${timesText(incidents.toResolveMs)}`,
    gradesText(grades),
    ...estimates.map(estimateText),
  ];
}

function countText({ count, amounts }: Count, label: string): string {
  const money = moneyText(amounts);
  return `${formatCount(count)} ${label}${money === '' ? '' : ` (${money})`}`;
}

function moneyText(amounts: Sums): string {
  return Object.entries(amounts)
    .sort(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1))
    .slice(0, MOST_CURRENCIES)
    .map(([currency, { amount }]) => formatMoney(amount, safe(currency, 3)))
    .join(', ');
}

function severitiesText(severities: MonthOfScope['incidents']['severities']): string {
  const parts = [...SEVERITIES].reverse().flatMap((severity) => {
    const count = severities[severity];
    return count === undefined ? [] : [`${formatCount(count)} ${SEVERITY_WORDS[severity]}`];
  });
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

function verdictsText(verdicts: MonthOfScope['incidents']['verdicts']): string {
  const words: Readonly<Record<string, string>> = { ...VERDICT_WORDS, none: 'without a verdict' };
  const parts = Object.entries(verdicts).map(
    ([verdict, count]) => `${formatCount(count)} ${words[verdict] ?? safe(verdict, 30)}`,
  );
  return parts.length === 0 ? 'no verdict' : parts.join(', ');
}

function timesText(times: Times | null): string {
  if (times === null) return 'by nobody';
  return `within ${formatDuration(times.median / 1000)} at the median, ${formatDuration(times.p90 / 1000)} at p90`;
}

function gradesText(grades: MonthOfScope['grades']): string {
  const graded = grades.reduce((sum, grade) => sum + grade.graded, 0);
  const fraud = grades.reduce((sum, grade) => sum + grade.fraud, 0);
  if (graded === 0) return 'Precision: none is graded yet';
  return `Precision: ${formatCount(fraud)} of ${formatCount(graded)} graded were fraud (${percent(fraud / graded, 0)})`;
}

function estimateText({ programme, network, numerator, denominator, ratio, reached }: Estimate): string {
  const share = ratio === null ? 'no payments to divide by' : percent(ratio, 3);
  const base = denominator === null ? 'an unknown month before' : formatCount(denominator);
  const state = reached === null ? 'below' : `*REACHED: ${reached}*`;
  return `${programme} (${network}): ${share}, ${formatCount(numerator)} of ${base}, ${state}`;
}

const percent = (share: number, digits: number): string => `${(share * 100).toFixed(digits)} %`;
