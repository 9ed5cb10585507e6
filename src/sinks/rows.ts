// The row of an incident: which columns there are, and what stands in them. Pure: the sheet and the preview show the same.
import { describeCode } from '../attempts/codes.ts';
import type { Incident } from '../model/incident.ts';
import { currencyDigits, formatMoney } from '../model/money.ts';
import {
  actorName,
  formatCount,
  formatDuration,
  formatPeak,
  OUTCOME_WORDS,
  plural,
  SEVERITY_WORDS,
  STATUS_WORDS,
  VERDICT_WORDS,
} from '../model/words.ts';
import { type Cell, date, EMPTY, number, text } from './rows-cells.ts';

export type RowContext = {
  /** The console's root without a slash at its end. */
  readonly consoleUrl: string;
  /** What is wrong with what analysts wrote in this row, shown in its status; null or absent: nothing. */
  readonly problem?: string | null;
};

type CellOf = (incident: Incident, context: RowContext) => Cell;

export type Column = {
  /** For ever this column's: its mark in the sheet is made of it. Never used again for another. */
  readonly number: number;
  readonly id: string;
  readonly header: string;
  /** Pixels. */
  readonly width: number;
  /** null: the analysts' own; the program never writes it. */
  readonly cell: CellOf | null;
};

const column = (number: number, header: string, width: number, cell: CellOf | null): Column => {
  return { number, id: header.toLowerCase().replaceAll(' ', '_'), header, width, cell };
};

/** In the order of a new tab. People may move and rename them. */
export const COLUMNS: readonly Column[] = [
  column(1, 'Incident', 80, ({ id }, { consoleUrl }) => text(id, `${consoleUrl}/incidents/${encodeURIComponent(id)}`)),
  column(2, 'Status', 110, ({ status }, { problem }) =>
    text(problem ? `${STATUS_WORDS[status]} · ${problem}` : STATUS_WORDS[status]),
  ),
  column(3, 'Verdict', 150, null),
  column(4, 'Owner', 110, null),
  column(5, 'Notes', 260, null),
  column(6, 'Severity', 90, ({ severity }) => text(SEVERITY_WORDS[severity])),
  column(7, 'Opened', 145, ({ openedAt }) => date(openedAt)),
  column(8, 'Title', 220, ({ title }) => text(title)),
  column(9, 'On', 190, (incident) => text(incident.entity.label || incident.entity.value, entityLink(incident))),
  column(10, 'Peak', 80, (incident) => measure(incident.peak, incident)),
  column(11, 'Threshold', 80, (incident) => measure(incident.threshold, incident)),
  column(12, 'Window', 80, ({ windowS, kind }) => (kind === 'episode' ? text(formatDuration(windowS)) : EMPTY)),
  column(13, 'Attempts', 80, ({ attemptCount }) => number(attemptCount)),
  column(14, 'Amount', 120, (incident) => money(incident.evidence.amounts[0])),
  column(15, 'Further amounts', 160, furtherAmounts),
  column(16, 'Outcomes', 200, outcomes),
  column(17, 'Reasons', 260, reasons),
  column(18, 'Distinct', 200, distinct),
  column(19, 'First attempt', 145, ({ firstAttemptAt }) => date(firstAttemptAt)),
  column(20, 'Last attempt', 145, ({ lastAttemptAt }) => date(lastAttemptAt)),
  column(21, 'Newest attempt', 200, newestAttempt),
  column(22, 'Marks', 220, (incident) => text(marks(incident).join(', '))),
  column(23, 'Acknowledged by', 130, ({ acknowledged }) => (acknowledged ? text(actorName(acknowledged.by)) : EMPTY)),
  column(24, 'Acknowledged at', 145, ({ acknowledged }) => date(acknowledged?.at ?? null)),
  column(25, 'Resolution', 160, ({ resolved }) => (resolved ? text(VERDICT_WORDS[resolved.verdict]) : EMPTY)),
  column(26, 'Resolved by', 130, ({ resolved }) => (resolved ? text(actorName(resolved.by)) : EMPTY)),
  column(27, 'Resolved at', 145, ({ resolved }) => date(resolved?.at ?? null)),
  column(28, 'Assigned to', 130, ({ owner }) => text(owner ?? '')),
  column(29, 'Log of notes', 300, notes),
  column(30, 'Detector', 170, ({ detector }) => text(detector)),
  column(31, 'Settings version', 80, ({ settingsVersion }) => number(settingsVersion)),
  column(32, 'Account', 160, ({ account }) => text(account ?? '')),
  column(33, 'Updated', 145, ({ updatedAt }) => date(updatedAt)),
  column(34, 'Version', 70, ({ version }) => number(version)),
];

/** Of the incident's id, by which its row is found wherever it has been moved. */
export const ID_COLUMN = 'incident';
export const OPENED_COLUMN = 'opened';
export const VERDICT_COLUMN = 'verdict';
export const OWNER_COLUMN = 'owner';
export const NOTES_COLUMN = 'notes';
export const VERSION_COLUMN = 'version';

export const APP_COLUMNS: readonly Column[] = COLUMNS.filter(({ cell }) => cell !== null);

/** The cells of the program's own columns, by column id. */
export function rowOf(incident: Incident, context: RowContext): ReadonlyMap<string, Cell> {
  return new Map(APP_COLUMNS.map(({ id, cell }) => [id, cell?.(incident, context) ?? EMPTY]));
}

/** What is special about an incident, each in a word or two. */
function marks(incident: Incident): readonly string[] {
  const { livemode, kind, mode, late, exact, over, status, mergedInto, continues, splitFrom, storm, mutedUntil } =
    incident;
  return [
    livemode ? '' : 'TEST',
    kind === 'episode' ? '' : kind,
    mode === 'shadow' ? 'shadow' : '',
    late ? 'late' : '',
    exact ? '' : 'at least',
    over ? 'over' : '',
    status === 'withdrawn' ? 'withdrawn' : '',
    mergedInto === null ? '' : `merged into ${mergedInto}`,
    continues === null ? '' : `continues ${continues}`,
    splitFrom === null ? '' : `split from ${splitFrom}`,
    storm === null ? '' : `storm ${storm}`,
    mutedUntil === null ? '' : 'muted',
  ].filter((mark) => mark !== '');
}

/** The peak or the threshold in the unit of what is counted. */
function measure(value: number, { count, currency }: Incident): Cell {
  if (count === 'ratio') return number(value, '0.00%', formatPeak(value, 'ratio'));
  if (count === 'sum(amount)') return money({ amount: value, currency: currency ?? '' });
  return number(value);
}

/** An amount as a number in units of its currency, with the currency's own digits. */
export function money(amount: { readonly amount: number; readonly currency: string } | undefined): Cell {
  if (amount === undefined) return EMPTY;
  const { amount: minor, currency } = amount;
  const shown = formatMoney(minor, currency);
  const lower = currency.toLowerCase();
  if (!/^[a-z]{3}$/.test(lower)) return number(minor, '#,##0 "minor units"', shown);
  // As many digits as the words show: some currencies are sent with two that are always zero.
  const digits = /\.(\d+) /.exec(shown)?.[1]?.length ?? 0;
  const format = `#,##0${digits === 0 ? '' : `.${'0'.repeat(digits)}`} "${lower.toUpperCase()}"`;
  return number(minor / 10 ** currencyDigits(lower), format, shown);
}

function furtherAmounts({ evidence }: Incident): Cell {
  const [, ...rest] = evidence.amounts;
  return text(
    rest.map(({ amount, currency, count }) => `${formatMoney(amount, currency)} in ${formatCount(count)}`).join(', '),
  );
}

function outcomes({ evidence }: Incident): Cell {
  const words: Readonly<Record<string, string>> = OUTCOME_WORDS;
  const seen = Object.entries(evidence.outcomes).filter(([outcome, count]) => outcome !== '' && count > 0);
  return text(seen.map(([outcome, count]) => `${formatCount(count)} ${words[outcome] ?? outcome}`).join(', '));
}

function reasons({ evidence }: Incident): Cell {
  const named = evidence.codes.filter(({ code }) => code !== '');
  return text(named.map(({ code, count }) => `${formatCount(count)} × ${describeCode(code)}`).join(', '));
}

function distinct({ evidence: { distinct: seen } }: Incident): Cell {
  const parts = [
    seen.cards > 1 ? plural(seen.cards, 'card') : '',
    seen.customers > 1 ? plural(seen.customers, 'customer') : '',
    seen.emails > 1 ? plural(seen.emails, 'e-mail address', 'e-mail addresses') : '',
    seen.ips > 1 ? plural(seen.ips, 'IP address', 'IP addresses') : '',
  ];
  return text(parts.filter((part) => part !== '').join(', '));
}

function notes({ notes: taken, resolved }: Incident): Cell {
  const lines = taken.map(({ by, text: note }) => `${actorName(by)}: ${note}`);
  return text([...(resolved && resolved.note !== '' ? [resolved.note] : []), ...lines].join(' | '));
}

function newestAttempt(incident: Incident): Cell {
  const [newest] = incident.evidence.newest;
  if (newest === undefined) return EMPTY;
  const id = /^(ch|py|pi)_/.test(newest.id) ? newest.id : newest.intent;
  return text(
    newest.id,
    id !== null && isStripeId(id) && /^(ch|py|pi)_/.test(id) ? `${dashboard(incident)}/payments/${id}` : undefined,
  );
}

function entityLink(incident: Incident): string | undefined {
  const { kind, value } = incident.entity;
  return kind === 'customer' && isStripeId(value) ? `${dashboard(incident)}/customers/${value}` : undefined;
}

/** Only ids of Stripe's own form become links. */
const isStripeId = (id: string): boolean => /^[a-z]{2,12}_[A-Za-z0-9_]{1,200}$/.test(id);

function dashboard({ account, livemode }: Incident): string {
  const scope = account !== null && isStripeId(account) ? `/${account}` : '';
  return `https://dashboard.stripe.com${scope}${livemode ? '' : '/test'}`;
}
