import { describe, expect, it } from 'vitest';
import { createWaiting } from '../../../src/console/stream.ts';
import type { Change } from '../../../src/model/commands.ts';
import { changeTo, sampleIncident } from '../../support/sample-incident.ts';

const change = (id: string, version: number, offset: number): Change =>
  changeTo(sampleIncident({ id, version }), offset);
const names = (text: string) => [...text.matchAll(/event: (\w+)/g)].map(([, name]) => name);

describe('what waits for a listener', () => {
  it('is the newest change of each incident, in the order of the newest', () => {
    const waiting = createWaiting('http://localhost');
    for (const one of [change('INC-1', 1, 1), change('INC-2', 1, 2), change('INC-1', 2, 3)]) waiting.note(one);
    const text = waiting.take();
    expect([...text.matchAll(/"id":"(INC-\d)"/g)].map(([, id]) => id)).toEqual(['INC-2', 'INC-1']);
    expect([...text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id)).toEqual(['2.0', '3.0']);
    expect(waiting.isEmpty()).toBe(true);
    expect(waiting.take()).toBe('');
  });

  it('is bounded: beyond it, only that all is to be read again', () => {
    const waiting = createWaiting('http://localhost');
    for (let number = 1; number <= 5_000; number++) waiting.note(change(`INC-${number}`, 1, number));
    expect(names(waiting.take())).toEqual(['reset']);
    waiting.note(change('INC-1', 2, 9_000));
    expect(names(waiting.take())).toEqual(['incident']);
  });

  it('holds nothing of what changed nothing', () => {
    const waiting = createWaiting('http://localhost');
    waiting.note({ ...change('INC-1', 1, 1), type: 'refused' });
    waiting.note({ ...change('INC-1', 1, 2), type: 'seen' });
    expect(waiting.isEmpty()).toBe(true);
  });

  it('keeps each event on lines of its own, whatever a text holds', () => {
    const waiting = createWaiting('http://localhost');
    const hostile = 'a\n\nevent: incident\ndata: {}\r\r\u2028b';
    waiting.note(changeTo(sampleIncident({ title: hostile }), 1));
    const lines = waiting.take().split('\n');
    expect(lines).toHaveLength(5);
    expect(JSON.parse((lines[2] ?? '').slice('data: '.length))).toMatchObject({ incident: { title: hostile } });
  });
});
