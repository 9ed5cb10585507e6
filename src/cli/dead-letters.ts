// `declinewatch dead-letters list|show|retry|drop`: what could not be handled, why, and what is to be done about it.

import type { RecordFacts } from '../model/dead-letter.ts';
import { plural } from '../model/words.ts';
import { withService } from './api-client.ts';
import {
  type CliCommand,
  type CommandContext,
  flagOption,
  numberOption,
  printJson,
  textOption,
  usageError,
} from './command.ts';

export const deadLettersCommand: CliCommand = {
  summary: 'what could not be handled: list, show, retry, drop',
  help: `
usage: declinewatch dead-letters list [--source SOURCE] [--reason REASON] [--limit N] [--json]
       declinewatch dead-letters show ID [--json]
       declinewatch dead-letters retry ID… | --all [--json]
       declinewatch dead-letters drop ID… | --all [--json]

  --source SOURCE  stripe-events, attempts, commands, slack or sheets
  --reason REASON  as the list shows it
  --limit N        at most so many, newest first (default: 100)
  --all            all that wait, at most 500 at a time

What is retried goes through the same door again: an event is taken in as if Stripe had sent it now. What was retried or
dropped is recorded, with who and when, and is listed no more. Exit 1 if something that was retried is as bad as before.`,
  options: {
    source: { type: 'string' },
    reason: { type: 'string' },
    limit: { type: 'string' },
    all: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run,
};

type LetterJson = {
  readonly id: string;
  readonly reason: string;
  readonly message: string;
  readonly tries: number;
  readonly at: string;
  readonly subject: string | null;
};
type ListJson = { readonly deadLetters: readonly LetterJson[]; readonly waiting: number };
type ShownJson = { readonly deadLetter: LetterJson; readonly record: RecordFacts | null };
type ResultsJson = {
  readonly results: readonly { readonly id: string; readonly outcome: string; readonly message: string }[];
  readonly waiting: number;
};

async function run(context: CommandContext): Promise<number> {
  const [action = '', ...ids] = context.positionals;
  if (action === 'list' && ids.length === 0) return await list(context);
  if (action === 'show' && ids.length === 1) return await show(context, ids[0] ?? '');
  if (action === 'retry' || action === 'drop') return await handle(context, action, ids);
  throw usageError('dead-letters takes list, show ID, retry ID… or drop ID….');
}

async function list(context: CommandContext): Promise<number> {
  const query = new URLSearchParams();
  for (const name of ['source', 'reason']) {
    const value = textOption(context, name);
    if (value !== null) query.set(name, value);
  }
  query.set('limit', String(numberOption(context, 'limit', 100)));
  const answer = (await withService((api) => api.get(`/api/dead-letters?${query}`))) as ListJson;
  if (flagOption(context, 'json')) printJson(context.stdout, answer);
  else {
    for (const letter of answer.deadLetters) context.stdout.write(lineOf(letter));
    context.stdout.write(`${plural(answer.waiting, 'dead letter')} waiting\n`);
  }
  return 0;
}

const lineOf = ({ id, reason, message, tries, at, subject }: LetterJson): string =>
  `${at}  ${id}  ${reason}  ${subject ?? '-'}  tried ${plural(tries, 'time')}  ${message}\n`;

async function show(context: CommandContext, id: string): Promise<number> {
  const query = new URLSearchParams({ id });
  const answer = (await withService((api) => api.get(`/api/dead-letters?${query}`))) as ShownJson;
  if (flagOption(context, 'json')) printJson(context.stdout, answer);
  else {
    const { deadLetter, record } = answer;
    const kept =
      record === null
        ? 'the log no longer has its record'
        : `${record.type ?? 'record'}, ${plural(record.bytes, 'byte')}, received ${record.receivedAt}`;
    const outline = (record?.outline ?? '').split('\n').filter((line) => line !== '');
    context.stdout.write(`${[`${lineOf(deadLetter)}  ${kept}`, ...outline.map((line) => `    ${line}`)].join('\n')}\n`);
  }
  return 0;
}

async function handle(context: CommandContext, action: 'retry' | 'drop', ids: readonly string[]): Promise<number> {
  const all = flagOption(context, 'all');
  if (all === ids.length > 0) throw usageError(`${action} takes ids, or --all.`);
  const body = all ? { action, all } : { action, ids };
  const answer = (await withService((api) => api.post('/api/dead-letters', body))) as ResultsJson;
  if (flagOption(context, 'json')) printJson(context.stdout, answer);
  else {
    for (const { id, outcome, message } of answer.results)
      context.stdout.write(`${id}  ${outcome.replace('_', ' ')}${message === '' ? '' : `: ${message}`}\n`);
    context.stdout.write(`${plural(answer.waiting, 'dead letter')} waiting\n`);
  }
  return answer.results.some(({ outcome }) => outcome === 'still_dead') ? 1 : 0;
}
