import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../src/log/codec.ts';

describe('records as JSON', () => {
  it('gives back what was written', () => {
    const text = encode('commands', { type: 'timer', at: 1 });
    expect(text).toBe('{"v":1,"type":"timer","at":1}');
    expect(decode('commands', text)).toEqual({ type: 'timer', at: 1 });
  });

  it('stops at the record of a later program', () => {
    expect(() => decode('incidents', '{"v":2,"id":"INC-1"}')).toThrow(
      expect.objectContaining({
        code: 'newer_schema',
        message: 'incidents holds a record of schema 2; this program knows 1.',
      }),
    );
  });

  it.each(['', 'null', '7', '"x"', '{}', '{"v":"1"}', '{"v":0}', '{"v":null}'])('refuses %j', (text) => {
    expect(() => decode('commands', text)).toThrow(expect.objectContaining({ code: 'bad_record' }));
  });
});
