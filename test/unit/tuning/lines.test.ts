import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Line, linesOf } from '../../../src/tuning/lines.ts';

async function linesIn(chunks: readonly Buffer[], maxBytes?: number): Promise<Line[]> {
  const stream = (async function* () {
    yield* chunks;
  })();
  const lines: Line[] = [];
  for await (const page of linesOf(stream, maxBytes)) lines.push(...page);
  return lines;
}

describe('linesOf', () => {
  it('gives the same lines however the bytes are cut', async () => {
    const text = fc.array(fc.constantFrom('a', 'ö', '😀', '\n', '\r\n', ' ', '{}'), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(20), { maxLength: 20 }), async (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''));
        const chunks: Buffer[] = [];
        let from = 0;
        for (const size of cuts) {
          chunks.push(bytes.subarray(from, from + size));
          from += size;
        }
        chunks.push(bytes.subarray(from));
        const expected = parts
          .join('')
          .split('\n')
          .map((line, index) => ({ number: index + 1, text: line.trim() }))
          .filter((line) => line.text !== '');
        expect(await linesIn(chunks)).toEqual(expected);
      }),
    );
  });

  it('reads a mark of byte order as none of the text', async () => {
    expect(await linesIn([Buffer.from('\ufeff{}\n')])).toEqual([{ number: 1, text: '{}' }]);
  });

  it('names a line that is too long, and goes on after it', async () => {
    const chunks = ['ab\n', 'x'.repeat(6), 'x'.repeat(6), 'x\n', 'cd\n', 'y'.repeat(11)].map((text) =>
      Buffer.from(text),
    );
    expect(await linesIn(chunks, 10)).toEqual([
      { number: 1, text: 'ab' },
      { number: 2, text: null },
      { number: 3, text: 'cd' },
      { number: 4, text: null },
    ]);
  });

  it('takes a line that is just as long as may be', async () => {
    expect(await linesIn([Buffer.from('12345'), Buffer.from('67890\n')], 10)).toEqual([
      { number: 1, text: '1234567890' },
    ]);
  });
});
