// Words for people, shared by Slack, the sheet and the console: one thing has one name everywhere.
import type { Outcome } from './attempt.ts';
import type { CountKind, Severity } from './detector.ts';
import type { Incident, Status, Verdict } from './incident.ts';

export const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  notice: 'NOTICE',
  warning: 'WARNING',
  critical: 'CRITICAL',
};

export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  open: 'open',
  acknowledged: 'acknowledged',
  resolved: 'resolved',
  merged: 'merged',
  withdrawn: 'withdrawn',
};

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  fraud: 'fraud',
  customer_trouble: 'a customer in trouble',
  dunning: 'dunning retries',
  own_test_or_bug: 'our own test or bug',
  unsure: 'unsure',
};

export const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = {
  succeeded: 'succeeded',
  declined: 'declined',
  blocked: 'blocked by Radar',
  authentication_failed: 'authentication failed',
  invalid: 'invalid',
};

const STEPS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** `45 s`, `10 min`, `1 h 30 min`, `2 d 4 h`: the two largest units; negative and broken values are `0 s`. */
export function formatDuration(seconds: number): string {
  let rest = Number.isFinite(seconds) ? Math.max(0, Math.round(seconds)) : 0;
  const first = STEPS.findIndex(([size]) => rest >= size);
  if (first === -1) return '0 s';
  const parts: string[] = [];
  for (const [size, unit] of STEPS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ');
}

/** `1,234`; fractions with at most two digits. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return '?';
  const rounded = Math.round(value * 100) / 100;
  const [whole = '0', fraction] = String(Math.abs(rounded)).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${rounded < 0 ? '-' : ''}${grouped}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** A ratio as `42 %`, else a count: `14`. */
export function formatPeak(value: number, count: CountKind | null): string {
  if (count === 'ratio') return `${formatCount(value * 100)} %`;
  return formatCount(value);
}

/** `1 attempt`, `2 attempts`; `many` where adding an s is wrong. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** What the actor is called: a name if there is one, else its id, else its kind. */
export function actorName(actor: { readonly kind: string; readonly id: string; readonly name: string }): string {
  return actor.name || actor.id || actor.kind;
}

/** Where the incident stands, in a few plain words: `acknowledged by Ana`, `resolved: fraud`. */
export function statusLine(incident: Incident): string {
  const { acknowledged, resolved, status } = incident;
  if (status === 'acknowledged' && acknowledged) return `acknowledged by ${actorName(acknowledged.by)}`;
  if (status === 'resolved' && resolved) return `resolved: ${VERDICT_WORDS[resolved.verdict]}`;
  if (status === 'merged' && incident.mergedInto) return `merged into ${incident.mergedInto}`;
  return STATUS_WORDS[status];
}
