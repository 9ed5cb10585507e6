// The first line of an alert: how bad, how many of what, on whom, in which time, against which threshold.
import { whatHappened } from '../model/headline.ts';
import type { Incident } from '../model/incident.ts';
import { SEVERITY_WORDS } from '../model/words.ts';
import { cut, inert } from './blocks-inert.ts';

/** Slack's limit for a header block. */
const HEADLINE_MAX = 150;

/** `TEST · CRITICAL · 14 declines on visa •••• 4242 in 10 min (alerts at 3)`, at most 140 characters, not escaped. */
export function headline(incident: Incident): string {
  const parts = [incident.livemode ? '' : 'TEST', SEVERITY_WORDS[incident.severity], whatHappened(incident, inert)];
  // Escaping makes a character at most five: room is kept by cutting what comes from outside first.
  return cut(parts.filter((part) => part !== '').join(' · '), HEADLINE_MAX - 10);
}
