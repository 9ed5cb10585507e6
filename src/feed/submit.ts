// From a person to the log and back: append a command, wait a moment for what it did.
import { randomUUID } from 'node:crypto';
import { encode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Change, Command, CommandBody, Refusal } from '../model/commands.ts';
import { AppError } from '../model/errors.ts';
import type { Actor, Incident } from '../model/incident.ts';
import type { IncidentFeed } from './feed.ts';

export type NewCommand = {
  /** Given by who asks, so that a repeated click is applied once; absent: a random one. */
  readonly id?: string;
  readonly actor: Actor;
  readonly body: CommandBody;
};

export type Submitted = { readonly id: string; readonly offset: number };

export type ActOutcome =
  /** `incident` is null for settings; `change` says what was done. */
  | { readonly outcome: 'done'; readonly incident: Incident | null; readonly change: Change }
  | { readonly outcome: 'refused'; readonly refusal: Refusal; readonly incident: Incident | null }
  /** Recorded, not yet done: it will be. */
  | { readonly outcome: 'pending'; readonly command: string };

const WAIT_MS = 2_000;

/** Resolves once the command is durable. Rejects with the log's errors (`log_unavailable`, `too_large`). */
export async function submitCommand(
  { log, clock }: { readonly log: Pick<EventLog, 'append'>; readonly clock: Clock },
  { id = randomUUID(), actor, body }: NewCommand,
): Promise<Submitted> {
  const command: Command = { id, at: clock.now(), actor, body };
  const record = { key: null, value: encode('commands', command), timeMs: command.at };
  const [position] = await log.append('commands', [record]);
  if (position === undefined) throw new AppError('log_unavailable', 'The command was not stored.', { retriable: true });
  return { id, offset: position.offset };
}

/** Appends the command and waits up to 2 s for what it did. */
export async function act(
  parts: {
    readonly feed: Pick<IncidentFeed, 'waitForCommand'>;
    readonly log: Pick<EventLog, 'append'>;
    readonly clock: Clock;
  },
  command: NewCommand,
): Promise<ActOutcome> {
  const { id } = await submitCommand(parts, command);
  const change = await parts.feed.waitForCommand(id, WAIT_MS);
  if (change === null) return { outcome: 'pending', command: id };
  const { refusal, incident } = change;
  return refusal === null ? { outcome: 'done', incident, change } : { outcome: 'refused', refusal, incident };
}
