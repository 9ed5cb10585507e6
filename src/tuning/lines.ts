// Lines of a stream of bytes, as fast as the disk gives them and in bounded memory: a file of any size is never held.

/** A line longer than this is given as too long, and its bytes are let go as they come. Stripe's events are far smaller. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

const NEWLINE = 0x0a;

export type Line = {
  /** Counted from 1. */
  readonly number: number;
  /** Null: it was too long. */
  readonly text: string | null;
};

/** In batches: all that end in one chunk. Empty lines are counted and left out. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, maxBytes = MAX_LINE_BYTES): AsyncGenerator<Line[]> {
  let number = 0;
  let begun: Buffer[] = [];
  let begunBytes = 0;

  const keep = (part: Buffer): void => {
    begunBytes += part.length;
    if (begunBytes > maxBytes) begun = [];
    else if (part.length > 0) begun.push(part);
  };
  /** The line that ends with `part`; null if it is empty. */
  const end = (part: Buffer): Line | null => {
    number += 1;
    const isTooLong = begunBytes + part.length > maxBytes;
    const bytes = isTooLong || begun.length === 0 ? part : Buffer.concat([...begun, part]);
    begun = [];
    begunBytes = 0;
    if (isTooLong) return { number, text: null };
    // Trimming takes a mark of byte order too.
    const text = bytes.toString('utf8').trim();
    return text === '' ? null : { number, text };
  };

  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const line = end(chunk.subarray(from, at));
      if (line !== null) lines.push(line);
      from = at + 1;
    }
    keep(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (begunBytes === 0) return;
  const last = end(Buffer.alloc(0));
  if (last !== null) yield [last];
}
