// Why did it alert, or not, in words: a line for each detector. Pure.
import { type DetectorSettings, ladder } from '../model/detector.ts';
import { valueInWords } from '../model/headline.ts';
import type { WhyAnswer, WhyDetector } from '../model/why.ts';
import { formatDuration } from '../model/words.ts';
import { safe } from './blocks-inert.ts';
import { BLOCK_STYLE } from './blocks-state.ts';

type Told = WhyDetector;

const MAX_LINES = 25;
const REASONS: Readonly<Record<string, string>> = {
  told: 'it alerted',
  muted: 'it reached its threshold, but its posts are muted',
  shadow: 'it reached its threshold, but the detector is in shadow mode: sheet and console only',
  withdrawn: 'its incident was withdrawn: later information took attempts out of it',
  off: 'the detector is off',
  no_entity: 'the attempt does not have what it counts on',
  no_match: 'its filter counts none of it',
  below_minimum: 'there are too few attempts to judge a ratio',
  below_threshold: 'it stayed below its threshold',
  reached: 'it reached its threshold, and no incident is known yet',
};

/** `which`: those that alerted, or those that did not. Detectors that do not concern it come last. */
export function whyLines(
  told: WhyAnswer,
  { which, settings }: { readonly which: 'why' | 'whynot'; readonly settings: readonly DetectorSettings[] },
): readonly string[] {
  const asked = told.detectors.filter(({ reason }) => (which === 'why') === (reason === 'told'));
  const near = asked.filter(({ reason }) => reason !== 'no_entity' && reason !== 'no_match');
  const far = asked.filter((one) => !near.includes(one));
  const lines = near.map((one) => lineOf(one, settings));
  const none = which === 'why' ? 'No detector has alerted about it.' : 'Every detector that counts it has alerted.';
  const attempt = told.attempt === null ? [] : [attemptLine(told.attempt)];
  const names = far.map(({ detector }) => safe(detector, 64)).join(', ');
  return [
    ...attempt,
    ...(lines.length === 0 ? [none] : lines.slice(0, MAX_LINES)),
    ...(lines.length > MAX_LINES ? [`… and ${lines.length - MAX_LINES} more: \`declinewatch why\` lists all.`] : []),
    ...(which === 'whynot' && names !== '' ? [`Not concerned: ${names}.`] : []),
    ...(told.isWhole ? [] : ['Older attempts may be missing: the log has let go of them.']),
  ];
}

function attemptLine({ id, outcome, code }: NonNullable<WhyAnswer['attempt']>): string {
  return `${safe(id, 100)}: ${safe(outcome, 30)}${code === '' ? '' : `, ${safe(code, 60)}`}`;
}

function lineOf(told: Told, settings: readonly DetectorSettings[]): string {
  const { detector, value, peak, thresholds, windowS, incident, reason, mutedUntil, entity, livemode } = told;
  const { count = 'attempts' as const, currency = null } = settings.find(({ name }) => name === detector) ?? {};
  const words = (amount: number): string => valueInWords(amount, { count, currency });
  const alerts = ladder(thresholds)
    .map(({ severity, value: at }) => `${severity} ${words(at)}`)
    .join(', ');
  const parts = [
    entity === null ? '' : `on ${safe(entity.label || entity.value, 60)}`,
    value === null ? '' : `${words(value)} now in ${formatDuration(windowS)}`,
    peak === null ? '' : `most ${words(peak.value)} at ${BLOCK_STYLE.when(peak.atMs)}`,
    `alerts at ${alerts || 'nothing'}`,
    incident === null ? '' : `${incident.id} (${incident.status})`,
    mutedUntil === null ? '' : `muted until ${BLOCK_STYLE.when(mutedUntil)}`,
    livemode ? '' : 'TEST',
  ].filter((part) => part !== '');
  return `*${safe(detector, 64)}*: ${REASONS[reason] ?? safe(reason, 40)}. ${parts.join(' · ')}`;
}
