// What was found late, in one message: how many, from when to when, how bad, the worst of them, and where the rest is. Pure.
import { compareSeverity, SEVERITIES } from '../model/detector.ts';
import type { Incident } from '../model/incident.ts';
import { formatMoney } from '../model/money.ts';
import { formatCount, plural, SEVERITY_WORDS } from '../model/words.ts';
import { safe } from './blocks-inert.ts';
import { contextBlock, header, incidentLine, plainOf, section, sections } from './blocks-list.ts';
import { BLOCK_STYLE } from './blocks-state.ts';
import type { ErasedGroup, LateGroup } from './late-groups.ts';
import type { Card } from './notice.ts';

const WORST = 10;
const MOST_DETECTORS = 5;
const MOST_CURRENCIES = 3;

export function lateCard({ incidents, livemode }: LateGroup, parts: { consoleUrl: string; now: number }): Card {
  const { consoleUrl } = parts;
  const fromMs = Math.min(...incidents.map(({ firstAttemptAt }) => firstAttemptAt));
  const toMs = Math.max(...incidents.map(({ lastBreachAt }) => lastBreachAt));
  const openedAt = Math.min(...incidents.map((incident) => incident.openedAt));
  const title = `${livemode ? '' : 'TEST · '}${plural(incidents.length, 'incident')} found late`;
  const span = `From ${BLOCK_STYLE.when(fromMs)} to ${BLOCK_STYLE.when(toMs)}. Their events came late, as after an outage: each was over before it was found, so nobody was called.`;
  const facts = [
    `*Severity*  ${severitiesOf(incidents)}`,
    `*Detectors*  ${detectorsOf(incidents)}`,
    ...amountLines(incidents),
    ...(livemode ? [] : ['TEST mode: no real money is involved.']),
  ];
  const worst = [...incidents].sort(worstFirst).slice(0, WORST);
  const lines = worst.map((incident) => incidentLine(incident, parts));
  const rest = incidents.length - worst.length;
  const where = `<${consoleUrl}/?since=${new Date(openedAt).toISOString()}|All of them in the console>`;
  const tail = `${rest === 0 ? '' : `${formatCount(rest)} more are not listed here. `}${where}, and in the sheet, marked late. One that goes on speaks by itself.`;
  return {
    text: plainOf([title, span, ...facts, ...lines, tail, consoleUrl]),
    blocks: [
      header(title),
      section(span),
      section(facts.join('\n')),
      ...sections([`*The worst* (${worst.length})`, ...lines], 5),
      contextBlock(tail),
    ],
  };
}

/** In its place once somebody of whom it told has been erased: it names nobody any more. */
export function erasedCard({ livemode, sinceMs }: ErasedGroup, { consoleUrl }: { readonly consoleUrl: string }): Card {
  const title = `${livemode ? '' : 'TEST · '}Incidents found late`;
  const story = `Somebody of whom this told was erased. <${consoleUrl}/?since=${new Date(sinceMs).toISOString()}|The incidents in the console>`;
  return { text: plainOf([title, story, consoleUrl]), blocks: [header(title), section(story)] };
}

function severitiesOf(incidents: readonly Incident[]): string {
  return [...SEVERITIES]
    .reverse()
    .flatMap((severity) => {
      const count = incidents.filter((incident) => incident.severity === severity).length;
      return count === 0 ? [] : [`${formatCount(count)} ${SEVERITY_WORDS[severity]}`];
    })
    .join(', ');
}

function detectorsOf(incidents: readonly Incident[]): string {
  const counts = [...Map.groupBy(incidents, ({ detector }) => detector)].sort(
    ([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1),
  );
  const named = counts.slice(0, MOST_DETECTORS).map(([name, own]) => `${formatCount(own.length)} ${safe(name, 64)}`);
  const more = counts.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${plural(more, 'other')}` : ''}`;
}

/** An attempt may be in several incidents: their sum is the most that it can be. */
function amountLines(incidents: readonly Incident[]): readonly string[] {
  const sums = new Map<string, number>();
  for (const { evidence } of incidents)
    for (const { currency, amount } of evidence.amounts) sums.set(currency, (sums.get(currency) ?? 0) + amount);
  if (sums.size === 0) return [];
  const most = [...sums].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, MOST_CURRENCIES);
  return [
    `*Amount at stake*  at most ${most.map(([currency, sum]) => formatMoney(sum, safe(currency, 3))).join(', ')}`,
  ];
}

function worstFirst(a: Incident, b: Incident): number {
  return compareSeverity(b.severity, a.severity) || b.attemptCount - a.attemptCount || b.openedAt - a.openedAt;
}
