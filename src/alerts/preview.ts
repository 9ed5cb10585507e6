// Slack without Slack: the same messages by the same rules, kept in memory for the console. The demo runs on it; the
// console's buttons carry the same action ids and values.
import type { KnownBlock } from '@slack/types';
import type { Logger } from 'pino';
import { type Deliveries, startDeliveries } from '../deliveries/loop.ts';
import { readDeliveries } from '../deliveries/receipts.ts';
import type { Sink } from '../deliveries/sink.ts';
import type { DeliveryMetrics } from '../deliveries/status.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Incident } from '../model/incident.ts';
import type { Aside, ThroughOf } from './aside.ts';
import { startAsides } from './asides.ts';
import { renderAlert } from './blocks.ts';
import { renderNote } from './blocks-note.ts';
import { toldAfter } from './news.ts';
import { acceptForSlack, notesForSlack } from './speak.ts';

export type PreviewMessage = {
  readonly incident: string;
  /** Milliseconds. */
  readonly postedAt: number;
  /** Milliseconds; null: never edited. */
  readonly editedAt: number | null;
  readonly text: string;
  readonly blocks: readonly KnownBlock[];
  readonly thread: readonly { readonly at: number; readonly text: string }[];
};

export type SlackPreviewOptions = {
  readonly log: EventLog;
  readonly incidents: () => Promise<Iterable<Incident>>;
  readonly consoleUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: DeliveryMetrics;
  /** As of Slack itself. */
  readonly throughOf?: ThroughOf;
};

export type SlackPreview = Deliveries & {
  /** Newest first, at most 200. */
  messages(): readonly PreviewMessage[];
};

const KEPT = 200;

export async function startSlackPreview(options: SlackPreviewOptions): Promise<SlackPreview> {
  const messages = new Map<string, PreviewMessage>();
  await restore(messages, options);
  let told: Deliveries | null = null;
  const newest = new Map<string, Incident>();
  const asides = startAsides({
    throughOf: options.throughOf ?? (async () => null),
    rowUrlOf: () => null,
    all: () => newest.values(),
    get: (id) => newest.get(id) ?? null,
    onNews: (incident) => told?.refresh(incident),
    clock: options.clock,
    logger: options.logger,
  });
  const asideOf = (incident: Incident): Aside => {
    newest.delete(incident.id);
    newest.set(incident.id, incident);
    const [eldest] = newest.keys();
    if (newest.size > KEPT && eldest !== undefined) newest.delete(eldest);
    return asides.of(incident);
  };
  const sink = createPreviewSink(messages, { ...options, asideOf });
  const deliveries = await startDeliveries({ ...options, output: 'preview-slack', sink });
  told = deliveries;
  return {
    ...deliveries,
    messages: () => messagesOf(messages.values()),
    close: async () => {
      await deliveries.close();
      await asides.close();
    },
  };
}

/** The newest by the time of posting; pure. */
export function messagesOf(messages: Iterable<PreviewMessage>): readonly PreviewMessage[] {
  return [...messages].sort((a, b) => b.postedAt - a.postedAt).slice(0, KEPT);
}

/** What an earlier run showed, as its incidents stand now. */
async function restore(
  messages: Map<string, PreviewMessage>,
  { log, incidents, consoleUrl }: SlackPreviewOptions,
): Promise<void> {
  const posted = new Map<string, number>();
  for await (const { output, slot, state, subject, place, at } of readDeliveries(log)) {
    if (output === 'preview-slack' && slot === 'message' && state === 'posted')
      posted.set(subject, Number(place?.ts ?? at));
  }
  for (const incident of await incidents()) {
    const postedAt = posted.get(incident.id);
    if (postedAt === undefined) continue;
    const { text, blocks } = renderAlert(incident, { consoleUrl });
    messages.set(incident.id, { incident: incident.id, postedAt, editedAt: null, text, blocks, thread: [] });
  }
  forgetOldest(messages);
}

function createPreviewSink(
  messages: Map<string, PreviewMessage>,
  {
    consoleUrl,
    clock,
    asideOf,
  }: Pick<SlackPreviewOptions, 'consoleUrl' | 'clock'> & { readonly asideOf: (incident: Incident) => Aside },
): Sink {
  return {
    slot: 'message',
    batch: { maxSize: 50, everyMs: 0 },
    parallel: 1,
    accepts: acceptForSlack,
    notes: notesForSlack,
    deliver: async (items) =>
      items.map(({ incident, slot, place, main }) => {
        const now = clock.now();
        const before = messages.get(incident.id);
        if (main !== null) {
          const note = { at: now, text: renderNote(incident, slot, main).text };
          if (before !== undefined)
            messages.set(incident.id, { ...before, thread: [...before.thread.slice(-19), note] });
          return { outcome: 'delivered', place: { channel: 'preview', ts: String(now) } };
        }
        const { text, blocks } = renderAlert(incident, { consoleUrl, aside: asideOf(incident) });
        const postedAt = before?.postedAt ?? Number(place?.ts ?? now);
        const editedAt = place === null ? null : now;
        messages.set(incident.id, {
          incident: incident.id,
          postedAt,
          editedAt,
          text,
          blocks,
          thread: before?.thread ?? [],
        });
        forgetOldest(messages);
        const told = toldAfter(incident, place?.told);
        return { outcome: 'delivered', place: { channel: 'preview', ts: String(postedAt), told } };
      }),
    // Memory holds nothing of another run: what was under way then is simply shown.
    lookUp: async (items) => items.map(() => null),
  };
}

function forgetOldest(messages: Map<string, PreviewMessage>): void {
  const kept = new Set(messagesOf(messages.values()).map(({ incident }) => incident));
  for (const incident of messages.keys()) if (!kept.has(incident)) messages.delete(incident);
}
