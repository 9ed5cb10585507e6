// `declinewatch detectors proposals`, `apply` and `discard`, and what `set` does with a change that needs a second person.
import { AppError } from '../model/errors.ts';
import { clean } from '../model/mask.ts';
import { type ApiClient, withService } from './api-client.ts';
import { type CommandContext, flagOption, printJson, usageError } from './command.ts';
import type { Form } from './detectors-text.ts';

type Proposal = {
  readonly id: string;
  readonly detector: string;
  readonly state: string;
  readonly by: { readonly kind: string; readonly name: string };
  readonly at: string;
  readonly changes: readonly string[];
  readonly words: string;
  readonly problem: string;
  readonly secondPerson?: string;
};

export type Proposed = { readonly proposal: Proposal };

type Refused = { readonly name: string; readonly change: Form; readonly error: AppError };

export async function proposeInstead(api: ApiClient, { name, change, error }: Refused): Promise<Proposed> {
  const { basedOn, why, ...set } = change;
  const body = { detector: name, set, basedOn, ...(why === undefined ? {} : { why }) };
  return (await api.post('/api/proposals', body).catch((cause: unknown) => {
    if (!(cause instanceof AppError) || cause.code !== 'not_found') throw cause;
    const help = 'Start declinewatch first: proposals are read and decided by the running service.';
    throw new AppError('approval_needed', error.message, { help, cause });
  })) as Proposed;
}

export function proposedLines({ proposal }: Proposed): readonly string[] {
  const { id, detector, state, problem, secondPerson = '' } = proposal;
  if (state === 'refused') return [`${detector} cannot be changed like this: ${problem}`];
  return [
    `${detector} is not changed: proposed as ${id}`,
    ...[secondPerson].filter((line) => line !== ''),
    `Somebody else applies it: in Slack, in the sheet, in the console, or with declinewatch detectors apply ${id}`,
  ];
}

export async function listProposals(context: CommandContext, args: readonly string[]): Promise<number> {
  if (args.length > 0) throw usageError('detectors proposals takes no further words.');
  const answer = (await withService((api) => api.get('/api/proposals'))) as { proposals: readonly Proposal[] };
  if (flagOption(context, 'json')) printJson(context.stdout, answer);
  else if (answer.proposals.length === 0) context.stdout.write('nothing is proposed\n');
  else for (const line of answer.proposals.flatMap(proposalLines)) context.stdout.write(`${clean(line)}\n`);
  return 0;
}

function proposalLines({ id, detector, state, by, at, changes, words, problem, secondPerson }: Proposal) {
  const isOpen = state === 'reading' || state === 'proposed';
  return [
    `${id}  ${state}  ${detector}: ${changes.join(', ')}`,
    `      by ${by.name} (${by.kind}), ${at}`,
    ...[words, problem, isOpen ? (secondPerson ?? '') : '']
      .filter((line) => line !== '')
      .map((line) => `      ${line}`),
  ];
}

export async function decideProposal(
  context: CommandContext,
  decision: 'apply' | 'discard',
  args: readonly string[],
): Promise<number> {
  const [id, ...more] = args;
  if (id === undefined || more.length > 0)
    throw usageError(`detectors ${decision} takes the id of a proposal, as detectors proposals shows it.`);
  const answer = (await withService((api) => api.post(`/api/proposals/${decision}`, { id }))) as {
    readonly version?: number;
  };
  const done = decision === 'apply' ? `applied: version ${answer.version}` : 'discarded';
  if (flagOption(context, 'json')) printJson(context.stdout, answer);
  else context.stdout.write(answer.version === undefined ? 'recorded, not yet done\n' : `${done}\n`);
  return 0;
}
