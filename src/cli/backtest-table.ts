// A backtest for people: the episodes by detector, in time order, and what was read.
import type { CountKind, DetectorSettings } from '../model/detector.ts';
import { clean } from '../model/mask.ts';
import { formatMoney } from '../model/money.ts';
import { formatCount, formatPeak, plural } from '../model/words.ts';
import type { Backtest, BacktestSummary, EpisodeLine } from '../tuning/backtest.ts';

/** Pieces of text to write one after the other. */
export function* backtestTable(
  backtest: Pick<Backtest, 'episodes' | 'summary'>,
  detectors: readonly DetectorSettings[],
): Generator<string> {
  const rows = new Map<string, string[]>();
  for (const episode of backtest.episodes()) {
    const settings = detectors.find(({ name }) => name === episode.detector);
    const known = rows.get(episode.detector) ?? [];
    known.push(row(episode, settings));
    rows.set(episode.detector, known);
  }
  for (const { name, title } of detectors) {
    const own = rows.get(name);
    if (own === undefined) continue;
    yield `${name}: ${clean(title)}, ${plural(own.length, 'episode')}\n`;
    for (const text of own) yield text;
    yield '\n';
  }
  yield summaryText(backtest.summary());
}

function row(episode: EpisodeLine, settings: DetectorSettings | undefined): string {
  const { account, livemode, entity, severity } = episode;
  const parts = [
    period(episode.firstAttemptAt, episode.lastAttemptAt).padEnd(44),
    severity.toUpperCase().padEnd(8),
    `peak ${peakText(episode.peak, settings)}`.padEnd(12),
    plural(episode.attempts.length, settings?.on === 'signal' ? 'signal' : 'attempt').padEnd(14),
    entity.kind === 'account' ? 'whole account' : `${entity.kind} ${clean(entity.value)}`,
    account === null ? '' : `in ${clean(account)}`,
    livemode ? '' : '[TEST]',
  ];
  return `  ${parts
    .filter((part) => part !== '')
    .join('  ')
    .trimEnd()}\n`;
}

function peakText(peak: number, settings: DetectorSettings | undefined): string {
  const count: CountKind | null = settings?.count ?? null;
  return count === 'sum(amount)' ? formatMoney(peak, settings?.currency ?? '') : formatPeak(peak, count);
}

/** `2026-11-26 10:00:00 – 10:09:12 UTC`; the second date only if it is another. */
function period(from: string, to: string): string {
  const [fromDay = '', fromTime = ''] = split(from);
  const [toDay = '', toTime = ''] = split(to);
  if (from === to) return `${fromDay} ${fromTime} UTC`;
  return `${fromDay} ${fromTime} – ${fromDay === toDay ? '' : `${toDay} `}${toTime} UTC`;
}

const split = (iso: string): readonly string[] => [iso.slice(0, -14), iso.slice(-13, -5)];

function summaryText(summary: BacktestSummary): string {
  const { events, duplicates, ignored, bad, attempts, outcomes, episodes } = summary;
  const of = Object.entries(outcomes).map(
    ([outcome, count]) => `${formatCount(count)} ${outcome.replaceAll('_', ' ')}`,
  );
  return [
    `${plural(episodes, 'episode')}.`,
    `${plural(events, 'event')}: ${plural(duplicates, 'duplicate')}, ${formatCount(ignored)} ignored; ${plural(bad, 'bad line')}.`,
    `${plural(attempts, 'attempt')}${of.length === 0 ? '' : `: ${of.join(', ')}`}.`,
    '',
  ].join('\n');
}
