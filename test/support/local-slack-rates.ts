// Slack's rates, kept by the server: about one post a second in a channel with short bursts, and 50 edits in any minute.

export type Rates = {
  /** Seconds to wait; null: let through, and counted. */
  refusal(method: string, channel: string): number | null;
  /** Calls that were refused. */
  refused(): number;
};

const POST_EVERY_MS = 1_000;
const POST_BURST = 3;
const EDITS_PER_MINUTE = 50;
const MINUTE_MS = 60_000;

export function createRates(now: () => number): Rates {
  const fullAt = new Map<string, number>();
  const edits: number[] = [];
  let refusals = 0;
  const refuse = (seconds: number): number => {
    refusals += 1;
    return seconds;
  };
  return {
    refused: () => refusals,
    refusal: (method, channel) => {
      const at = now();
      if (method === 'chat.postMessage') {
        const next = Math.max(fullAt.get(channel) ?? 0, at) + POST_EVERY_MS;
        if (next - at > POST_BURST * POST_EVERY_MS) return refuse(1);
        fullAt.set(channel, next);
      }
      if (method === 'chat.update') {
        while (edits[0] !== undefined && edits[0] <= at - MINUTE_MS) edits.shift();
        if (edits.length >= EDITS_PER_MINUTE) return refuse(10);
        edits.push(at);
      }
      return null;
    },
  };
}
