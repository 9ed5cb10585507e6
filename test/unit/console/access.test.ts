import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { denialOf, isLoopbackAddress, isLoopbackHost, type RequestFacts } from '../../../src/console/access.ts';

const facts = (overrides: Partial<RequestFacts> = {}): RequestFacts => ({
  method: 'GET',
  path: '/',
  host: 'localhost:4243',
  origin: undefined,
  contentType: undefined,
  headerNames: ['host'],
  fetchSite: undefined,
  fetchMode: undefined,
  hasBody: false,
  ...overrides,
});
const OPEN = { needsToken: false, ownOrigins: [] };

describe('a loopback name', () => {
  it('is every address of 127.0.0.0/8 with any port, and nothing that only looks like one', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const port = fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: null });
    fc.assert(
      fc.property(octet, octet, octet, port, (a, b, c, number) => {
        const host = `127.${a}.${b}.${c}${number === null ? '' : `:${number}`}`;
        expect(isLoopbackHost(host)).toBe(true);
        for (const other of [`${host}.example`, `a${host}`, `1${host}`, ` ${host}`, `${host}\n`, `x@${host}`])
          expect(isLoopbackHost(other)).toBe(false);
      }),
    );
  });

  it('is never a name with a letter, other than localhost', () => {
    fc.assert(
      fc.property(fc.domain(), (host) => {
        expect(isLoopbackHost(host)).toBe(host.toLowerCase() === 'localhost');
      }),
    );
  });

  it.each(['::1', '127.0.0.1', 'localhost', '[::1]'])('%s may be listened on without tokens', (address) => {
    expect(isLoopbackAddress(address)).toBe(true);
  });

  it.each(['::', '0.0.0.0', '', '::ffff:127.0.0.1', 'host.example'])('%j may not', (address) => {
    expect(isLoopbackAddress(address)).toBe(false);
  });
});

describe('the rules', () => {
  it('let an ordinary request through', () => {
    expect(denialOf(facts(), OPEN)).toBeNull();
    expect(denialOf(facts({ origin: 'http://LOCALHOST:4243' }), OPEN)).toBeNull();
  });

  it('refuse every header name that a proxy adds', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z-]{0,20}$/), (rest) => {
        const headerNames = ['host', `x-forwarded-${rest}`];
        expect(denialOf(facts({ headerNames }), OPEN)?.code).toBe('forbidden');
        expect(denialOf(facts({ headerNames, host: 'x.example' }), { needsToken: true, ownOrigins: [] })).toBeNull();
      }),
    );
  });

  it('refuse every Origin but the own one', () => {
    fc.assert(
      fc.property(fc.webUrl(), (url) => {
        const { origin } = new URL(url);
        expect(denialOf(facts({ origin }), OPEN)?.code).toBe('forbidden');
        expect(denialOf(facts({ origin }), { needsToken: false, ownOrigins: [origin] })).toBeNull();
      }),
    );
  });

  it('know what is a form and what is the API', () => {
    const write = { method: 'POST', hasBody: true } as const;
    const form = 'application/x-www-form-urlencoded';
    expect(denialOf(facts({ ...write, path: '/api/x', contentType: form }), OPEN)?.code).toBe('unsupported_media_type');
    expect(denialOf(facts({ ...write, path: '/incidents/INC-1/note', contentType: form }), OPEN)).toBeNull();
    expect(denialOf(facts({ ...write, path: '/incidents/INC-1/note', contentType: 'text/plain' }), OPEN)?.code).toBe(
      'unsupported_media_type',
    );
    const elsewhere = { ...write, path: '/login', contentType: form, fetchSite: 'same-site', fetchMode: 'navigate' };
    expect(denialOf(facts(elsewhere), OPEN)?.code).toBe('forbidden');
  });
});
