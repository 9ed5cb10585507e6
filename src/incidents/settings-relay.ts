// Accepted settings on their way: recorded in `detector-settings`, and relayed to every partition of `attempts` as rules.
// Both are recognised by (detector, version), so doing it again is harmless, and is how a crash in between is repaired.
import { encodeAttemptsRecord } from '../attempts/wire.ts';
import { encode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import { TOPICS, type TopicName } from '../model/topics.ts';

export type SettingsRelay = {
  /** Records and relays; resolves once both are durable. After a rejection it is done first at the next call. */
  send(accepted: readonly AcceptedSettings[]): Promise<void>;
  /** Relays again whatever may still judge an instant: at start, and daily, since `attempts` lets go of old records. */
  repeat(known: Iterable<readonly AcceptedSettings[]>): Promise<void>;
};

/** How old an instant may be that is still judged: what the log holds, and as far back as that reaches. */
const JUDGED_MS = (TOPICS.attempts.retentionMs ?? 0) + 35 * 86_400_000;

export function createSettingsRelay({ log, clock }: { readonly log: EventLog; readonly clock: Clock }): SettingsRelay {
  let waiting: AcceptedSettings[] = [];
  return {
    send: async (accepted) => {
      waiting.push(...accepted);
      if (waiting.length === 0) return;
      const sending = waiting;
      await record(log, sending, clock.now());
      await relay(log, sending, clock.now());
      waiting = waiting.slice(sending.length);
    },
    repeat: async (known) => {
      const judging = [...known].flatMap((versions) =>
        versions.filter((_, index) => isJudging(versions, index, clock)),
      );
      await relay(log, judging, clock.now());
    },
  };
}

/** The newest, and those that were replaced not long ago. */
function isJudging(versions: readonly AcceptedSettings[], index: number, clock: Clock): boolean {
  const follower = versions[index + 1];
  return follower === undefined || follower.rule.sinceS * 1000 > clock.now() - JUDGED_MS;
}

async function record(log: EventLog, accepted: readonly AcceptedSettings[], timeMs: number): Promise<void> {
  const topic: TopicName = 'detector-settings';
  await log.append(
    topic,
    accepted.map((each) => ({ key: each.rule.detector, value: encode(topic, each), timeMs })),
  );
}

async function relay(log: EventLog, accepted: readonly AcceptedSettings[], timeMs: number): Promise<void> {
  const partitions = Array.from({ length: log.partitions('attempts') }, (_, partition) => partition);
  const records = accepted.flatMap(({ rule }) => {
    const value = encodeAttemptsRecord(rule);
    return partitions.map((partition) => ({ key: null, value, timeMs, partition }));
  });
  for (let i = 0; i < records.length; i += MAX_RECORDS) await log.append('attempts', records.slice(i, i + MAX_RECORDS));
}

const MAX_RECORDS = 500;
