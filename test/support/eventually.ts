// Waiting for a condition, never for a time.

export type Waiting = {
  /** What is waited for, in the message when it does not come. */
  readonly what: string;
  readonly withinMs: number;
  readonly everyMs?: number;
  /** Added to the message. */
  readonly told?: () => Promise<unknown> | unknown;
};

/** Resolves with the first answer that is neither false nor null; one that rejects is asked again. */
export async function eventually<T>(
  ask: () => Promise<T | false | null> | T | false | null,
  { what, withinMs, everyMs = 20, told }: Waiting,
): Promise<T> {
  let problem: unknown = null;
  for (const deadline = Date.now() + withinMs; ; ) {
    try {
      const answer = await ask();
      if (answer !== false && answer !== null) return answer;
      problem = null;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > deadline) {
      const more = [problem === null ? '' : String(problem), told === undefined ? '' : JSON.stringify(await told())];
      throw new Error([`Not within ${withinMs} ms: ${what}.`, ...more].filter((line) => line !== '').join('\n'));
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
