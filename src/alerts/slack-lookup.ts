// Finds a message by its metadata: how a post whose answer was lost is recognised instead of repeated.
import type { WebClient } from '@slack/web-api';

export type Wanted = {
  readonly channel: string;
  /** Null: in the channel itself. */
  readonly threadTs: string | null;
  readonly sinceMs: number;
  readonly eventType: string;
  readonly incident: string;
  /** Of a note: its slot. */
  readonly slot: string | null;
};

/** Clocks differ: Slack's timestamps are Slack's own. */
const MARGIN_S = 60;
const PAGE = 200;
const MAX_PAGES = 50;

/** The oldest match's `ts`, or null. Rejects with the client's errors, and when there is more than can be read through. */
export async function findMessage(client: WebClient, wanted: Wanted): Promise<string | null> {
  const { channel, threadTs, sinceMs } = wanted;
  const range = { channel, oldest: String(Math.max(0, Math.floor(sinceMs / 1000) - MARGIN_S)), limit: PAGE };
  let found: string | null = null;
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = { ...range, include_all_metadata: true, ...(cursor === undefined ? {} : { cursor }) };
    const answer =
      threadTs === null
        ? await client.conversations.history(query)
        : await client.conversations.replies({ ...query, ts: threadTs });
    for (const message of answer.messages ?? []) {
      if (message.ts !== undefined && isMatch(message, wanted) && (found === null || message.ts < found))
        found = message.ts;
    }
    cursor = answer.response_metadata?.next_cursor || undefined;
    if (cursor === undefined) return found;
  }
  if (found !== null) return found;
  throw new Error(`more than ${PAGE * MAX_PAGES} messages since then`);
}

function isMatch(message: object, { eventType, incident, slot }: Wanted): boolean {
  const metadata = 'metadata' in message ? (message.metadata as Metadata) : undefined;
  const payload = metadata?.event_payload;
  return (
    metadata?.event_type === eventType && payload?.incident === incident && (slot === null || payload?.slot === slot)
  );
}

type Metadata =
  | { readonly event_type?: string; readonly event_payload?: { incident?: unknown; slot?: unknown } }
  | undefined;
