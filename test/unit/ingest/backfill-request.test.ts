import { describe, expect, it } from 'vitest';
import { readBackfillRequest } from '../../../src/ingest/backfill-request.ts';
import type { AppError } from '../../../src/model/errors.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

function problemsOf(body: unknown): string[] {
  try {
    readBackfillRequest(body, NOW);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_request' });
    return (error as AppError).details.map(({ path }) => path);
  }
}

describe('a request for a backfill', () => {
  it.each([
    ['30d', 720],
    ['12h', 12],
    ['90m', 1.5],
  ])('since %s', (since, hours) => {
    expect(readBackfillRequest({ since }, NOW)).toEqual({ sinceMs: NOW - hours * HOUR, accounts: [] });
  });

  it('names connected accounts, each once', () => {
    const body = { since: '1d', accounts: ['acct_1', 'acct_2', 'acct_1'] };
    expect(readBackfillRequest(body, NOW).accounts).toEqual(['acct_1', 'acct_2']);
  });

  it.each([
    ['31d', ['since']],
    ['0d', ['since']],
    ['yesterday', ['since']],
    ['-1d', ['since']],
    ['1e3d', ['since']],
    [30, ['since']],
    [undefined, ['since']],
  ])('since %j is refused', (since, paths) => {
    expect(problemsOf({ since })).toEqual(paths);
  });

  it('names every problem at once', () => {
    expect(problemsOf({ sinse: '30d', accounts: ['own'] })).toEqual(['sinse', 'since', 'accounts']);
    expect(problemsOf({ since: '1d', accounts: 'acct_1' })).toEqual(['accounts']);
    expect(problemsOf(null)).toEqual(['since']);
    expect(problemsOf([])).toEqual(['since']);
  });
});
