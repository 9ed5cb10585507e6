// Strings from outside (labels, names, notes, codes) made harmless for Slack: no mention, no link, no control or
// direction character, bounded. Every text that this program did not write itself goes through here.

/** C0 and C1 controls, bidirectional marks, zero-width and other invisible format characters, lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]+/gu;
const MENTION = /@(?=channel|here|everyone)/gi;

/** Visible, one line, at most `max` characters (UTF-16 units), with an ellipsis where it was cut. Not escaped yet. */
export function inert(text: string, max: number): string {
  const line = text
    .slice(0, max * 4)
    .replace(/\s+/g, ' ')
    .replace(INVISIBLE, '')
    .replaceAll('://', ': //')
    .replace(MENTION, '@ ')
    .trim();
  return cut(line, max);
}

/** `inert`, with Slack's three characters escaped: for `text`, mrkdwn and plain_text alike. */
export function safe(text: string, max: number): string {
  return escapeSlack(inert(text, max));
}

/** Slack's rule: exactly `&`, `<` and `>`. */
export function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Cut at `max` without splitting a surrogate pair. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Cuts text that is escaped already, never inside an entity such as `&amp;`. */
export function cutEscaped(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text
    .slice(0, max - 1)
    .replace(/&[a-z]{0,3}$/, '')
    .replace(/[\ud800-\udbff]$/, '')}…`;
}
