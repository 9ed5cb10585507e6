// `declinewatch status`: how the running service is, part by part.
import { withService } from './api-client.ts';
import { type CliCommand, type CommandContext, flagOption, printJson } from './command.ts';

export const statusCommand: CliCommand = {
  summary: 'how the running service is, part by part',
  help: `
usage: declinewatch status [--json]

Prints each part and its state; exit 1 if one is down.`,
  options: { json: { type: 'boolean' } },
  run,
};

type Parts = { readonly parts: readonly { name: string; state: string; detail: string; cure: string }[] };

async function run(context: CommandContext): Promise<number> {
  const { parts } = (await withService((api) => api.get('/api/status'))) as Parts;
  if (flagOption(context, 'json')) printJson(context.stdout, { parts });
  else
    for (const part of parts)
      context.stdout.write(
        `${part.state.padEnd(9)} ${part.name.padEnd(12)} ${part.detail}${part.cure === '' ? '' : ` → ${part.cure}`}\n`,
      );
  return parts.some(({ state }) => state === 'down') ? 1 : 0;
}
