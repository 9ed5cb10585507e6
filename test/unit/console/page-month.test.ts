import { describe, expect, it } from 'vitest';
import { monthPage } from '../../../src/console/page-month.ts';

const scope = (title: string, notice = '') => ({
  title,
  notice,
  sections: [
    { title: 'Payments', lines: [['attempts', '12, 120.00 USD']] as const },
    { title: 'Precision', lines: [] },
  ],
});

const page = (scopes: Parameters<typeof monthPage>[0]['scopes'], after: string | null = null): string =>
  String(monthPage({ month: '2026-10', scopes, before: '2026-09', after }));

describe('the page of a month', () => {
  it('has each account with its figures, and leads to the months beside it', () => {
    const text = page([scope('own account'), scope('acct_1A (TEST)', 'Counted in part only.')], '2026-11');
    expect(text).toContain('<dt><bdi>attempts</bdi></dt><dd><bdi>12, 120.00 USD</bdi></dd>');
    expect(text).toContain('acct_1A (TEST)');
    expect(text).toContain('Counted in part only.');
    expect(text).not.toContain('Precision');
    expect(text.match(/href="[^"]+"/g)).toEqual(['href="/months/2026-09"', 'href="/months/2026-11"']);
    expect(page([])).toContain('Nothing is known of this month.');
  });

  it('lets no markup through', () => {
    const hostile = '<script>alert(1)</script>"\u202e';
    const text = page([
      { title: hostile, notice: hostile, sections: [{ title: hostile, lines: [[hostile, hostile]] }] },
    ]);
    expect(text).not.toMatch(/<script|\u202e/);
  });
});
