// `declinewatch why`: why an entity or an attempt did or did not alert, detector by detector.
import { formatDurationMs } from '../detectors/durations.ts';
import { ladder } from '../model/detector.ts';
import type { WhyAnswer, WhyDetector, WhyReason } from '../model/why.ts';
import { withService } from './api-client.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, textOption, usageError } from './command.ts';

export const whyCommand: CliCommand = {
  summary: 'why an entity or an attempt did or did not alert',
  help: `
usage: declinewatch why --entity KIND:VALUE [--json]
       declinewatch why --attempt ch_… [--json]

  --entity   card:FINGERPRINT, customer:cus_…, email:ADDRESS, ip:ADDRESS, metadata.NAME:VALUE or account:account;
             an e-mail or IP may also be given as the hash that its incidents show
  --attempt  the charge (ch_…, py_…) or attempt id

Per detector: the value of its window now (of an attempt: at its time), its thresholds, mute and incident, and why.`,
  options: { entity: { type: 'string' }, attempt: { type: 'string' }, json: { type: 'boolean' } },
  run,
};

async function run(context: CommandContext): Promise<number> {
  const entity = textOption(context, 'entity');
  const attempt = textOption(context, 'attempt');
  if ((entity === null) === (attempt === null)) throw usageError('Ask with --entity or with --attempt.');
  if (entity !== null && !/^[^:]+:./.test(entity)) throw usageError(`--entity takes KIND:VALUE, not "${entity}".`);
  const query = new URLSearchParams(entity === null ? { attempt: attempt ?? '' } : { entity });
  const answer = (await withService((api) => api.get(`/api/why?${query}`))) as WhyAnswer;
  if (flagOption(context, 'json')) printJson(context.stdout, answer);
  else context.stdout.write(textOf(answer));
  return 0;
}

function textOf({ attempt, sinceMs, isWhole, detectors }: WhyAnswer): string {
  const lines: string[] = [];
  if (attempt !== null) {
    const { id, atMs, outcome, code, dunning } = attempt;
    lines.push(
      [id, new Date(atMs).toISOString(), outcome, code, dunning ? 'dunning' : ''].filter(Boolean).join('  '),
      '',
    );
  }
  if (detectors.length === 0) lines.push('nothing was counted on it by any detector');
  for (const detector of detectors) lines.push(...linesOf(detector));
  lines.push(
    '',
    `looked at: since ${new Date(sinceMs).toISOString()}${isWhole ? '' : '; older attempts may be missing'}`,
  );
  return `${lines.join('\n')}\n`;
}

const WORDS: Readonly<Record<WhyReason, string>> = {
  told: 'it has an incident',
  muted: 'it has an incident, whose posts are muted',
  shadow: 'it has an incident, for the sheet and the console only (mode shadow)',
  withdrawn: 'its incident was withdrawn or merged',
  off: 'the detector is off',
  no_entity: 'it counts on something that this attempt does not have',
  no_match: 'its filter counts none of it',
  below_minimum: 'too few attempts to judge a ratio',
  below_threshold: 'below the lowest threshold',
  reached: 'it reached a threshold; no incident is known: declinewatch verify compares',
};

function linesOf(detector: WhyDetector): string[] {
  const { title, value, peak, reason, incident, mutedUntil, thresholds, windowS, entity, livemode, account } = detector;
  const steps = ladder(thresholds).map((step) => `${step.severity} ${shown(step.value)}`);
  const where = [account, livemode ? null : 'TEST'].filter((part) => part !== null).join(' ');
  const name = `${detector.detector}: ${title}${where === '' ? '' : ` [${where}]`}`;
  const window = `in ${formatDurationMs(windowS * 1000)}`;
  const now = value === null ? 'nothing to count' : `${shown(value)} ${window}`;
  const most = peak === null ? '' : `, at most ${shown(peak.value)} at ${new Date(peak.atMs).toISOString()}`;
  const told = incident === null ? '' : `: ${incident.id} (${incident.status})`;
  const muted = mutedUntil === null ? '' : `; muted until ${new Date(mutedUntil).toISOString()}`;
  return [
    name,
    `  ${entity === null ? '' : `${entity.label}: `}${now}${most}; thresholds ${steps.join(', ')}`,
    `  ${WORDS[reason]}${told}${muted}`,
  ];
}

const shown = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(3));
