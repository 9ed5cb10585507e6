import fc from 'fast-check';
import { html } from 'hono/html';
import { describe, expect, it } from 'vitest';
import { escapeSlack } from '../../../src/alerts/blocks-inert.ts';
import { renderMrkdwn } from '../../../src/console/mrkdwn.ts';

const render = (text: string): string => String(html`${renderMrkdwn(text)}`);

describe('mrkdwn', () => {
  it.each([
    ['*bold* and _slanted_ and ~gone~', '<strong>bold</strong> and <em>slanted</em> and <del>gone</del>'],
    ['2 * 3 * 4 and snake_case_name', '2 * 3 * 4 and snake_case_name'],
    ['`a < b`', '<code>a &lt; b</code>'],
    ['one\ntwo', 'one<br>two'],
    [
      '<https://x.example/a?b=1&amp;c=2|*here*>',
      '<a href="https://x.example/a?b=1&amp;c=2" rel="noreferrer noopener" target="_blank">*here*</a>',
    ],
    [
      '<@U0ANA> <!subteam^S01> <!here>',
      '<span class="mention">@U0ANA</span> <span class="mention">@S01</span> <span class="mention">@here</span>',
    ],
    ['<javascript:alert(1)|x>', 'x'],
    ['a &lt;b&gt; &amp; c', 'a &lt;b&gt; &amp; c'],
    ['*<https://x.example|y>*', '*<a href="https://x.example" rel="noreferrer noopener" target="_blank">y</a>*'],
  ])('%s', (text, shown) => expect(render(text)).toBe(shown));

  it('shows a date as a time', () => {
    expect(render('<!date^1790856000^{date_short_pretty} {time_secs}|2026-10-01>')).toMatch(
      /^<time datetime="2026-10-01T/,
    );
    expect(render('<!date^x^{time}|then>')).toBe('then');
  });

  it('never makes markup of what it was given', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        const known = /<\/?(?:strong|em|del|code|br|bdi|a|span|time)(?: [a-z-]+="[^"<>]*")*>/g;
        for (const each of [text, escapeSlack(text), `*${text}*`, `<${text}>`, `<https://x|${text}>`])
          expect(render(each).replace(known, '')).not.toMatch(/[<>]/);
      }),
    );
  });

  it('shows what was escaped for Slack as it was', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z <>&"']{0,50}$/), (text) => {
        expect(render(escapeSlack(text))).toBe(String(html`${text}`));
      }),
    );
  });
});
