// Small pieces of HTML that every page uses. Everything goes through `html`, which escapes; what comes from outside is
// shown by `outside` as well, so that it can neither reorder nor hide what stands beside it.
import { html } from 'hono/html';
import type { Severity } from '../model/detector.ts';
import type { Incident, Status } from '../model/incident.ts';
import { SEVERITY_WORDS, STATUS_WORDS } from '../model/words.ts';

export type Html = ReturnType<typeof html>;

/** Controls, marks of direction, invisible formats, halves of characters. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]+/gu;

/** Visible, one line, at most `max` characters. Not escaped: `html` does that. */
export function clean(text: string, max = 300): string {
  const line = text
    .slice(0, max * 4)
    .replace(/\s+/g, ' ')
    .replace(INVISIBLE, '')
    .trim();
  return cut(line, max);
}

/** Without what cannot be seen or turns the text round; its lines stay. */
export const visible = (text: string): string =>
  text
    .split(/\r\n|\r|\n/)
    .map((line) => line.replaceAll('\t', ' ').replace(INVISIBLE, ''))
    .join('\n');

/** Several lines, as a person wrote them; otherwise as `clean`. */
export function cleanLines(text: string, max = 1_000): string {
  const lines = visible(text.slice(0, max * 4)).split('\n');
  return cut(
    lines
      .map((line) => line.trimEnd())
      .join('\n')
      .trim(),
    max,
  );
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** A text that this program did not write. */
export const outside = (text: string, max = 300): Html => html`<bdi>${clean(text, max)}</bdi>`;

const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** A time; with a script it is the reader's own, without one UTC. */
export const when = (ms: number): Html => html`<time datetime="${new Date(ms).toISOString()}">${utc(ms)}</time>`;

/** The same, as an age: `3 min ago`. */
export const since = (ms: number): Html =>
  html`<time datetime="${new Date(ms).toISOString()}" data-age>${utc(ms)}</time>`;

export const severityBadge = (severity: Severity): Html =>
  html`<span class="badge severity-${severity}">${SEVERITY_WORDS[severity]}</span>`;

export const statusBadge = (status: Status): Html =>
  html`<span class="badge status-${status}">${STATUS_WORDS[status]}</span>`;

export const testMark = ({ livemode }: Pick<Incident, 'livemode'>): Html | null =>
  livemode ? null : html`<span class="badge test" title="Test mode: no real money">TEST</span>`;

/** Only http and https: any other address is shown as text. */
export function link(url: string | null, label: Html | string): Html | string {
  if (url === null || !/^https?:\/\//i.test(url)) return label;
  return html`<a href="${url}" rel="noreferrer noopener" target="_blank">${label}</a>`;
}

export function incidentLink(id: string): Html {
  return /^INC-\d{1,15}$/.test(id) ? html`<a href="/incidents/${id}">${id}</a>` : outside(id, 40);
}

/** Puts something between the pieces. */
export function joined(pieces: readonly (Html | string | null)[], between: Html | string): readonly (Html | string)[] {
  return pieces
    .filter((piece) => piece !== null && piece !== '')
    .flatMap((piece, index) => (index === 0 ? [piece] : [between, piece])) as readonly (Html | string)[];
}

export const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);
