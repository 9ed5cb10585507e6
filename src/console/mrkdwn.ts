// Slack's mrkdwn as HTML, for the preview: what the program writes (bold, italic, strike, code, links, dates, mentions),
// each by its own rule; all else stays text. Pure.
import { html } from 'hono/html';
import { clean, type Html, link, visible, when } from './markup.ts';

const MAX_CHARACTERS = 4_000;
const TOKEN = /<([^<>]{1,2000})>|`([^`\n]{1,500})`|\n/g;

export function renderMrkdwn(text: string): readonly (Html | string)[] {
  const pieces: (Html | string)[] = [];
  const source = visible(text.slice(0, MAX_CHARACTERS));
  let from = 0;
  for (const match of source.matchAll(TOKEN)) {
    pieces.push(...styled(source.slice(from, match.index)));
    from = match.index + match[0].length;
    const [whole, angle, code] = match;
    if (angle !== undefined) pieces.push(special(angle));
    else if (code !== undefined) pieces.push(html`<code>${decode(code)}</code>`);
    else pieces.push(whole === '\n' ? html`<br>` : whole);
  }
  pieces.push(...styled(source.slice(from)));
  return pieces;
}

/** What stands in angle brackets: a link, a date, or somebody who is called. */
function special(inner: string): Html | string {
  const [target = '', ...rest] = inner.split('|');
  const label = rest.length === 0 ? null : decode(rest.join('|'));
  if (target.startsWith('!date^')) return date(target, label ?? '');
  if (target.startsWith('!subteam^')) return mention(label ?? target.slice('!subteam^'.length));
  if (target.startsWith('!')) return mention(label ?? target.slice(1));
  if (target.startsWith('@') || target.startsWith('#')) return mention(label ?? target.slice(1));
  const url = decode(target);
  return link(url, label ?? url);
}

function date(target: string, fallback: string): Html | string {
  const seconds = Number(target.split('^')[1]);
  return Number.isFinite(seconds) && Math.abs(seconds) < 8e12 ? when(seconds * 1000) : fallback;
}

const mention = (name: string): Html => html`<span class="mention">@${clean(decode(name), 80)}</span>`;

const STYLES = [
  [/(^|[\s(])\*(?! )([^*\n]{0,499}[^*\s])\*(?=$|[\s).,:;!?])/, (text: Inner) => html`<strong>${text}</strong>`],
  [/(^|[\s(])_(?! )([^_\n]{0,499}[^_\s])_(?=$|[\s).,:;!?])/, (text: Inner) => html`<em>${text}</em>`],
  [/(^|[\s(])~(?! )([^~\n]{0,499}[^~\s])~(?=$|[\s).,:;!?])/, (text: Inner) => html`<del>${text}</del>`],
] as const;
type Inner = readonly (Html | string)[];

function styled(text: string, depth = 0): Inner {
  if (text === '') return [];
  for (const [pattern, wrap] of STYLES.slice(depth)) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const [whole, before = '', inner = ''] = match;
    return [
      ...styled(text.slice(0, match.index) + before, depth),
      wrap(styled(inner, depth + 1)),
      ...styled(text.slice(match.index + whole.length), depth),
    ];
  }
  return [decode(text)];
}

/** Slack escapes exactly these three. */
export function decode(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
