import fc from 'fast-check';
import { html } from 'hono/html';
import { describe, expect, it } from 'vitest';
import { clean, cleanLines, joined, link, outside, when } from '../../../src/console/markup.ts';

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='x",
  '&lt;b&gt;',
  '\u202egnp.exe',
  'a\u0000b',
  '\u2066x',
];

describe('what comes from outside', () => {
  it('is text, never markup', () => {
    for (const text of HOSTILE) {
      const shown = String(outside(text));
      expect(shown).toMatch(/^<bdi>[^<>]*<\/bdi>$/);
      expect(String(html`<a title="${text}">`)).toMatch(/^<a title="[^"<>]*">$/);
    }
  });

  it('is visible, on one line and bounded, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
        const shown = clean(text, 50);
        expect(shown.length).toBeLessThanOrEqual(50);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
        expect(shown.isWellFormed()).toBe(true);
      }),
    );
  });

  it('keeps its lines where it is a note', () => {
    expect(cleanLines('a \r\nb\u202e\n\n c\t')).toBe('a\nb\n\n c');
  });
});

describe('links', () => {
  it('lead to http and https only', () => {
    expect(String(link('https://dashboard.stripe.com/x?a=1&b=2', 'y'))).toContain(
      'href="https://dashboard.stripe.com/x?a=1&amp;b=2"',
    );
    for (const url of ['javascript:alert(1)', ' https://x', 'data:text/html,x', '//x', 'JAVASCRIPT:x'])
      expect(link(url, 'y')).toBe('y');
  });
});

it('times are exact for machines and readable without script', () => {
  expect(String(when(Date.UTC(2026, 9, 1, 12, 0, 5)))).toBe(
    '<time datetime="2026-10-01T12:00:05.000Z">2026-10-01 12:00:05 UTC</time>',
  );
});

it('pieces are joined, what is missing is left out', () => {
  expect(joined(['a', null, '', 'b'], ', ').join('')).toBe('a, b');
  expect(joined([null], ', ')).toEqual([]);
});
