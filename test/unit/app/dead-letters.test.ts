import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DeadLetterParts, dropLetter, recordFacts, retryLetter } from '../../../src/app/dead-letters.ts';
import { decodeAttemptsRecord, encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { createAcceptor } from '../../../src/ingest/accept.ts';
import { recordsOf } from '../../../src/ingest/records.ts';
import { encode } from '../../../src/log/codec.ts';
import type { StoredRecord } from '../../../src/log/event-log.ts';
import type { DeadLetter } from '../../../src/model/dead-letter.ts';
import type { Actor } from '../../../src/model/incident.ts';
import type { TopicName } from '../../../src/model/topics.ts';
import { handClock } from '../../support/hand-clock.ts';
import { eventOf, failedCharge } from '../../support/local-stripe.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const ANA: Actor = { kind: 'cli', id: 'ana', name: 'Ana' };
const HOUR_MS = 3_600_000;
const context = { latenessMs: 72 * HOUR_MS, metadata: { ip: null, keys: [] } };

let temp: TempLog;
let parts: DeadLetterParts;
let close: () => Promise<void>;
const clock = handClock();

beforeEach(async () => {
  temp = await openTempLog(clock);
  const acceptor = createAcceptor({ log: temp.log, context: () => context, latenessMs: () => context.latenessMs });
  parts = { log: temp.log, acceptor, clock, general: () => context };
  close = acceptor.close;
});
afterEach(async () => {
  await close();
  await temp.close();
});

const letterOf = (source: string, offset: number): DeadLetter => ({
  source,
  partition: 0,
  offset,
  reason: 'bad_record',
  message: '',
  tries: 1,
  at: clock.now(),
  subject: null,
});

async function stored(topic: TopicName): Promise<readonly StoredRecord[]> {
  const all: StoredRecord[] = [];
  for await (const page of temp.log.read(topic, 0, 0)) all.push(...page);
  return all;
}

async function append(topic: TopicName, value: string): Promise<void> {
  await temp.log.append(topic, [{ key: null, value, timeMs: clock.now() }]);
}

function view(createdMs: number): string {
  const { event } = failedCharge('x', Math.floor(createdMs / 1000));
  const { attempts } = recordsOf(event, { receivedAt: createdMs, context, latenessMs: context.latenessMs });
  return attempts?.value ?? '';
}

describe('retrying a dead letter', () => {
  it('of an attempt: received anew, so what has become late is of the history lane', async () => {
    await append('attempts', view(clock.now() - 100 * HOUR_MS));
    await append('attempts', view(clock.now() - HOUR_MS));
    expect(await retryLetter(parts, letterOf('attempts', 0), ANA)).toMatchObject({
      outcome: 'retried',
      message: 'view',
    });
    expect(await retryLetter(parts, letterOf('attempts', 1), ANA)).toMatchObject({ outcome: 'retried' });
    const [, , late, live] = (await stored('attempts')).map(({ value }) => decodeAttemptsRecord(value));
    expect(late).toMatchObject({ lane: 'history', receivedAt: clock.now() });
    expect(live).toMatchObject({ lane: 'live', receivedAt: clock.now() });
    expect(encodeAttemptsRecord(live as never)).not.toBe('');
  });

  it('of a command: under its own id, so that it is applied once', async () => {
    const command = { id: 'c1', at: clock.now(), actor: ANA, body: { type: 'timer' } };
    await append('commands', encode('commands', command));
    expect(await retryLetter(parts, letterOf('commands', 0), ANA)).toMatchObject({
      outcome: 'retried',
      message: 'timer',
    });
    const [first, second] = await stored('commands');
    expect(second?.value).toBe(first?.value);
  });

  it('of an event that is of no use says what it became', async () => {
    const event = eventOf('evt_1', 'customer.created', { created: 1_700_000_000, object: { id: 'cus_1' } });
    await append('stripe-events', encode('stripe-events', { event }));
    const result = await retryLetter(parts, letterOf('stripe-events', 0), ANA);
    expect(result.outcome).toBe('retried');
    expect(result.message).toMatch(/^ignored: /);
  });

  it('whose record the log has let go of, or that an output refused, changes nothing', async () => {
    expect(await retryLetter(parts, letterOf('attempts', 5), ANA)).toMatchObject({ outcome: 'waits' });
    const refused = { ...letterOf('slack', 3), subject: 'INC-1' };
    expect(await retryLetter(parts, refused, ANA)).toMatchObject({ id: 'slack/INC-1/3', outcome: 'waits' });
    expect(await recordFacts(parts, refused)).toBeNull();
    expect(await stored('dead-letters')).toEqual([]);
    expect(await dropLetter(parts, refused, ANA)).toMatchObject({ id: 'slack/INC-1/3', outcome: 'dropped' });
    expect((await stored('dead-letters'))[0]?.value).toContain('"how":"dropped"');
  });

  it('of a rule, or of a source that nobody knows, says so', async () => {
    await append('attempts', '[1,2,{"record":"rule","detector":"d","version":1}]');
    expect(await retryLetter(parts, letterOf('attempts', 0), ANA)).toMatchObject({ outcome: 'still_dead' });
    expect(await retryLetter(parts, letterOf('nowhere', 0), ANA)).toMatchObject({ outcome: 'waits' });
  });

  it('with the log away rejects, and it waits as before', async () => {
    await append('commands', encode('commands', { id: 'c1', at: 1, actor: ANA, body: { type: 'timer' } }));
    const away = { ...parts, log: { ...temp.log, append: () => Promise.reject(new Error('the log is away')) } };
    await expect(retryLetter(away, letterOf('commands', 0), ANA)).rejects.toThrow('the log is away');
    expect(await stored('dead-letters')).toEqual([]);
  });
});
