// The month of fraud as one page that needs nothing else: no script, no font, no address to ask. Pure.
import type { Month } from '../model/month.ts';
import { monthWords, type ScopeWords } from './month-words.ts';

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2.5rem;border-bottom:2px solid #ddd}h3{font-size:1rem;margin:1.5rem 0 .3rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .5rem .25rem 0;border-bottom:1px solid #eee}
th{font-weight:400;color:#555;width:14rem}.notice{background:#fff4d6;padding:.5rem .75rem}
@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}th{color:#aaa}td,th{border-color:#333}h2{border-color:#444}.notice{background:#443a1a}}`;

export function monthHtml(month: Month): string {
  const title = `Month of fraud ${escaped(month.month)}`;
  const scopes = monthWords(month).map(scopeHtml).join('\n');
  const body = scopes === '' ? '<p>Nothing is known of this month.</p>' : scopes;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
<p>Days are of UTC. The networks' own figures differ: these are estimates from what Stripe's events say.</p>
${body}
</body>
</html>
`;
}

function scopeHtml({ title, notice, sections }: ScopeWords): string {
  const parts = sections
    .filter(({ lines }) => lines.length > 0)
    .map(({ title: name, lines }) => {
      const rows = lines.map(
        ([label, figure]) => `<tr><th scope="row">${escaped(label)}</th><td>${escaped(figure)}</td></tr>`,
      );
      return `<h3>${escaped(name)}</h3>\n<table>\n${rows.join('\n')}\n</table>`;
    });
  const told = notice === '' ? '' : `<p class="notice">${escaped(notice)}</p>\n`;
  return `<h2>${escaped(title)}</h2>\n${told}${parts.join('\n')}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
