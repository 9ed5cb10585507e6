// `declinewatch what-if`: what a change of a detector would have done.
import { parseDurationMs } from '../detectors/durations.ts';
import type { WhatIf, WhatIfIncident, WhatIfSide } from '../model/what-if.ts';
import { whatIfWords } from '../model/what-if-words.ts';
import { formatCount, plural } from '../model/words.ts';
import { withService } from './api-client.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, textOption, usageError } from './command.ts';
import { changeOf } from './detectors-change.ts';

export const whatIfCommand: CliCommand = {
  summary: 'what a change of a detector would have done',
  help: `
usage: declinewatch what-if --detector NAME --set FIELD=VALUE… [--since 30d] [--curve] [--json]

  --set FIELD=VALUE  as in detectors.yaml: thresholds.warning=4, window=15m, where='outcome == "declined"'; repeatable;
                     null sets a field back to its default
  --since 30d        over the last 30 days (default), as far as the log goes back
  --curve            also how many incidents each lowest threshold would have made

Compares the settings in force, over the whole stretch, with the changed ones. Nothing is changed.`,
  options: {
    detector: { type: 'string' },
    set: { type: 'string', multiple: true },
    since: { type: 'string' },
    curve: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run,
};

async function run(context: CommandContext): Promise<number> {
  const detector = textOption(context, 'detector');
  if (detector === null) throw usageError('Which detector? Name it with --detector.');
  const since = textOption(context, 'since') ?? '30d';
  if (parseDurationMs(since) === null) throw usageError(`--since takes a duration such as 30d, not "${since}".`);
  const curve = flagOption(context, 'curve');
  const given = context.values.set;
  const set = changeOf(Array.isArray(given) ? given.map(String) : []);
  if (Object.keys(set).length === 0 && !curve) throw usageError('What should change? Say it with --set.');
  const result = (await withService((api) => api.post('/api/what-if', { detector, set, since, curve }))) as WhatIf;
  if (flagOption(context, 'json')) printJson(context.stdout, result);
  else context.stdout.write(textOf(result));
  return 0;
}

function textOf(result: WhatIf): string {
  const { sinceMs, untilMs, before, after, added, addedCount, removed, removedCount, curve } = result;
  const lines = [
    `${result.detector}, ${new Date(sinceMs).toISOString()} to ${new Date(untilMs).toISOString()}`,
    `  now       ${sideText(before)}`,
    `  changed   ${sideText(after)}`,
    `  ${whatIfWords(result)}`,
    ...result.lacking.map(
      ({ field, keptSince }) =>
        `  ${field} is kept since ${new Date(keptSince).toISOString()}; for what came before it was read from Stripe's events`,
    ),
  ];
  for (const one of added) lines.push(`+ ${lineOf(one)}`);
  if (addedCount > added.length) lines.push(`+ … and ${formatCount(addedCount - added.length)} older`);
  for (const one of removed) lines.push(`- ${lineOf(one)}`);
  if (removedCount > removed.length) lines.push(`- … and ${formatCount(removedCount - removed.length)} older`);
  if (curve !== undefined) {
    const most = Math.max(1, ...curve.map(({ incidents }) => incidents));
    lines.push('', 'lowest threshold, incidents, per week');
    for (const { threshold, incidents, perWeek } of curve)
      lines.push(
        `${String(threshold).padStart(10)} ${formatCount(incidents).padStart(9)} ${perWeek.toFixed(1).padStart(9)}  ${'█'.repeat(Math.round((30 * incidents) / most))}`,
      );
  }
  return `${lines.join('\n')}\n`;
}

function sideText({ incidents, perWeek, severities, verdicts, disputes, earlyFraudWarnings }: WhatIfSide): string {
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${formatCount(count)}`)
      .join(', ');
  const said = [
    ...(Object.keys(verdicts).length === 0 ? [] : [`resolved as ${counts(verdicts)}`]),
    ...(disputes === 0 ? [] : [plural(disputes, 'dispute')]),
    ...(earlyFraudWarnings === 0 ? [] : [plural(earlyFraudWarnings, 'early fraud warning')]),
  ];
  const known = said.length === 0 ? '' : `; ${said.join(', ')}`;
  return `${formatCount(incidents)} incidents, ${perWeek.toFixed(1)} a week (${counts(severities) || 'none'})${known}`;
}

function lineOf({
  entity,
  severity,
  firstBreachAt,
  peak,
  attemptCount,
  incident,
  account,
  livemode,
  disputes,
  earlyFraudWarnings,
}: WhatIfIncident): string {
  const parts = [
    new Date(firstBreachAt).toISOString(),
    severity.toUpperCase().padEnd(8),
    `peak ${Number.isInteger(peak) ? peak : peak.toFixed(3)}, ${attemptCount} attempts`,
    entity.label,
    incident === null ? '' : `${incident.id} ${incident.verdict ?? incident.status}`,
    disputes === 0 ? '' : plural(disputes, 'dispute'),
    earlyFraudWarnings === 0 ? '' : plural(earlyFraudWarnings, 'early fraud warning'),
    account ?? '',
    livemode ? '' : '[TEST]',
  ];
  return parts.filter((part) => part !== '').join('  ');
}
