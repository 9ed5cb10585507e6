import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DeadLetterIndex, openDeadLetterIndex } from '../../../src/feed/dead-letter-index.ts';
import { encode } from '../../../src/log/codec.ts';
import { type DeadLetter, deadLetterId, type Settled } from '../../../src/model/dead-letter.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const letter = (offset: number, over: Partial<DeadLetter> = {}): DeadLetter => ({
  source: 'attempts',
  partition: 0,
  offset,
  reason: 'bad_record',
  message: 'It is no record.',
  tries: 1,
  at: Date.now(),
  subject: null,
  ...over,
});
const SETTLED: Settled = { how: 'dropped', at: 1, by: { kind: 'cli', id: 'ana', name: 'Ana' }, result: '' };

let temp: TempLog;
const open: DeadLetterIndex[] = [];
beforeEach(async () => {
  temp = await openTempLog();
});
afterEach(async () => {
  for (const index of open.splice(0)) await index.close();
  await temp.close();
});

async function write(...letters: readonly DeadLetter[]): Promise<void> {
  await temp.log.append(
    'dead-letters',
    letters.map((one) => ({ key: deadLetterId(one), value: encode('dead-letters', one), timeMs: Date.now() })),
  );
}

async function index(group: string): Promise<DeadLetterIndex> {
  const opened = await openDeadLetterIndex({ log: temp.log, group });
  open.push(opened);
  await opened.caughtUp();
  return opened;
}

describe('the index of dead letters', () => {
  it('lists what waits, newest first, and counts it by source', async () => {
    await write(letter(1), letter(2), letter(3, { source: 'stripe-events' }));
    const { waiting, counts, get } = await index('a');
    expect(waiting().map(deadLetterId)).toEqual(['stripe-events/0/3', 'attempts/0/2', 'attempts/0/1']);
    expect([...counts()].sort()).toEqual([
      ['attempts', 2],
      ['stripe-events', 1],
    ]);
    expect(get('attempts/0/2')?.offset).toBe(2);
    expect(get('attempts/0/9')).toBeNull();
  });

  it('one that is buried again counts once, keeps its tries, and stays settled once it is', async () => {
    await write(letter(1), letter(1, { tries: 2, reason: 'newer' }), letter(1));
    const first = await index('a');
    expect(first.waiting()).toEqual([expect.objectContaining({ tries: 2, reason: 'newer' })]);
    await write(letter(1, { settled: SETTLED }), letter(1));
    await first.caughtUp();
    expect([first.waiting(), [...first.counts()]]).toEqual([[], []]);
    expect((await index('b')).waiting()).toEqual([]);
  });

  it('reads from the beginning whenever it is opened, and goes on after what is no letter', async () => {
    await write(letter(1));
    await temp.log.append('dead-letters', [{ key: null, value: 'no letter', timeMs: Date.now() }]);
    await write(letter(2));
    expect((await index('a')).waiting()).toHaveLength(2);
    await open.pop()?.close();
    expect((await index('a')).waiting()).toHaveLength(2);
  });

  it('holds a bounded number and counts them all', async () => {
    const many = Array.from({ length: 10_050 }, (_, offset) => letter(offset));
    for (let from = 0; from < many.length; from += 1_000) await write(...many.slice(from, from + 1_000));
    const { waiting, counts } = await index('a');
    expect(waiting()).toHaveLength(10_000);
    expect(waiting()[0]?.offset).toBe(10_049);
    expect(counts().get('attempts')).toBe(10_050);
  });
});
