import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIncidentQuery } from '../../../src/console/incident-query.ts';
import { AppError } from '../../../src/model/errors.ts';

const parse = (query: string) => parseIncidentQuery(new URLSearchParams(query), 1_700_000_000_000);

describe('the filters of the list', () => {
  it('are read, each in its own type', () => {
    expect(
      parse(
        'status=open&severity=critical&detector=card-declines&entity=metadata.plan:a:b&account=acct_1&livemode=false&since=1h&until=2026-10-01T00:00:00Z&limit=500&after=INC-12',
      ),
    ).toEqual({
      status: 'open',
      severity: 'critical',
      detector: 'card-declines',
      entity: { kind: 'metadata.plan', value: 'a:b' },
      account: 'acct_1',
      livemode: false,
      since: 1_700_000_000_000 - 3_600_000,
      until: Date.UTC(2026, 9, 1),
      limit: 500,
      after: 'INC-12',
    });
  });

  it('that are empty are none: a form sends them all', () => {
    expect(parse('status=&severity=&detector=&entity=&account=&livemode=&since=&until=&limit=&after=')).toEqual({});
    expect(parse('account=null')).toEqual({ account: null });
  });

  it.each([
    'status=Open',
    'severity=high',
    'entity=card',
    'entity=fish:1',
    'livemode=1',
    'since=soon',
    'limit=501',
    'limit=0',
    'limit=1e2',
    'after=12',
    'after=INC-0',
    'color=red',
    'limit=5&limit=6',
  ])('%s is refused by name', (query) => {
    expect(() => parse(query)).toThrow(AppError);
    try {
      parse(query);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid_request', details: [{ path: query.split('=')[0] }] });
    }
  });

  it('either give a filter or say what is wrong, whatever is sent', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string())), (pairs) => {
        try {
          parseIncidentQuery(new URLSearchParams(pairs), 0);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
          expect((error as AppError).details.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});
