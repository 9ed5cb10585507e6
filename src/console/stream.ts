// Server-sent events: that something changed, and the newest state of what did. Whoever comes back reads again what it
// shows, so nothing has to be kept for it: the stream is a bell with a note, never the truth.
import type { UnderlyingSource } from 'node:stream/web';
import type { IncidentFeed } from '../feed/feed.ts';
import type { Change } from '../model/commands.ts';
import { incidentJson } from '../model/incident.ts';
import { httpError } from './errors.ts';

const MAX_STREAMS = 100;
const HEARTBEAT_MS = 15_000;
/** Changes come in bursts: what a listener hears is at most this often. */
const PAUSE_MS = 250;
/** Of one listener: beyond it, it is told to read everything again. */
const MAX_WAITING = 200;
const RETRY_MS = 2_000;

export type Streams = {
  /** The answer to GET /api/stream; `signal` ends it. Throws too_many_streams. */
  open(signal: AbortSignal): Response;
  count(): number;
  /** Ends every stream: the listeners try again in two seconds, perhaps elsewhere. */
  close(): void;
};

export type StreamOptions = { readonly feed: Pick<IncidentFeed, 'subscribe'>; readonly consoleUrl: string };

export function createStreams({ feed, consoleUrl }: StreamOptions): Streams {
  const open = new Set<Listener>();
  const unsubscribe = feed.subscribe((change) => {
    for (const one of open) one.note(change);
  });
  return {
    open: (signal) => {
      if (open.size >= MAX_STREAMS)
        throw httpError('too_many_streams', `There are ${MAX_STREAMS} open streams already.`, {
          help: 'Close a page of the console, or ask the API from time to time.',
        });
      const body = new ReadableStream<Uint8Array>(listening(open, { signal, consoleUrl }), { highWaterMark: 4 });
      const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' };
      return new Response(body, { headers });
    },
    count: () => open.size,
    close: () => {
      unsubscribe();
      for (const one of [...open]) one.end();
    },
  };
}

type Listener = { note(change: Change): void; end(): void };
type Listening = { readonly signal: AbortSignal; readonly consoleUrl: string };

function listening(open: Set<Listener>, { signal, consoleUrl }: Listening): UnderlyingSource<Uint8Array> {
  const encoder = new TextEncoder();
  const waiting = createWaiting(consoleUrl);
  let pause: NodeJS.Timeout | null = null;
  let heartbeat: NodeJS.Timeout | null = null;
  let listener: Listener | null = null;
  const stop = (): void => {
    if (listener !== null) open.delete(listener);
    if (pause !== null) clearTimeout(pause);
    if (heartbeat !== null) clearInterval(heartbeat);
    signal.removeEventListener('abort', end);
  };
  let end = stop;
  let flush = stop;
  return {
    start: (controller) => {
      // A listener that does not read is not written to: what waits for it stays bounded.
      const isReading = (): boolean => (controller.desiredSize ?? 0) > 0;
      flush = () => {
        pause = null;
        if (isReading() && !waiting.isEmpty()) controller.enqueue(encoder.encode(waiting.take()));
      };
      end = () => {
        stop();
        controller.close();
      };
      listener = {
        note: (change) => {
          waiting.note(change);
          pause ??= setTimeout(flush, PAUSE_MS);
        },
        end,
      };
      open.add(listener);
      signal.addEventListener('abort', end, { once: true });
      controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\nevent: ready\ndata: {}\n\n`));
      heartbeat = setInterval(() => {
        if (isReading()) controller.enqueue(encoder.encode(': still here\n\n'));
        else end();
      }, HEARTBEAT_MS);
      heartbeat.unref();
    },
    // It reads again: what came meanwhile is said at once.
    pull: () => {
      if (pause === null) flush();
    },
    cancel: () => stop(),
  };
}

type Waiting = { note(change: Change): void; isEmpty(): boolean; take(): string };

/** The newest change of each incident; beyond the bound, only that everything is to be read again. */
export function createWaiting(consoleUrl: string): Waiting {
  const incidents = new Map<string, Change>();
  const detectors = new Set<string>();
  let isReset = false;
  return {
    note: (change) => {
      const { incident, accepted, type } = change;
      if (accepted !== undefined) detectors.add(accepted.rule.detector);
      if (incident !== null && type !== 'refused' && type !== 'seen') {
        incidents.delete(incident.id);
        incidents.set(incident.id, change);
      }
      isReset ||= incidents.size + detectors.size > MAX_WAITING;
      if (!isReset) return;
      incidents.clear();
      detectors.clear();
    },
    isEmpty: () => !isReset && incidents.size === 0 && detectors.size === 0,
    take: () => {
      const events = [
        ...(isReset ? [event('reset', {})] : []),
        ...[...detectors].map((detector) => event('detector', { detector })),
        ...[...incidents.values()].flatMap((change) => incidentEvent(change, consoleUrl)),
      ];
      incidents.clear();
      detectors.clear();
      isReset = false;
      return events.join('');
    },
  };
}

function incidentEvent({ type, incident, position }: Change, consoleUrl: string): string[] {
  if (incident === null) return [];
  const id = `${position.offset}.${position.index}`;
  return [event('incident', { type, incident: incidentJson(incident, consoleUrl) }, id)];
}

/** JSON has no line end of its own: one `data` line is enough. */
function event(name: string, data: object, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
