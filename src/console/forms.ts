// Writes that a page makes without script. They are no JSON, so a token of the page guards them, beside the rules for
// Origin and Sec-Fetch-Site: another site can neither read it nor guess it.
import type { IncidentAction } from '../model/commands.ts';
import { type DetectorSettings, SEVERITIES } from '../model/detector.ts';
import { type ActionName, parseAction } from './action-body.ts';
import { httpError } from './errors.ts';
import { type ConsoleContext, callerOf } from './guard.ts';
import { sameSecret } from './sessions.ts';
import { parseDuration } from './times.ts';

/** The fields of the form; throws forbidden without the token of a page of ours. */
export async function readForm(c: ConsoleContext): Promise<URLSearchParams> {
  const form = new URLSearchParams(await c.req.text());
  const { formToken } = callerOf(c);
  if (formToken === '' || !sameSecret(form.get('form') ?? '', formToken))
    throw httpError('forbidden', 'The page was too old, or the form is not this console’s.', {
      help: 'Reload the page and try again. Programs use the API.',
    });
  return form;
}

type Pressed = {
  readonly action: ActionName;
  readonly incident: string;
  readonly form: URLSearchParams;
  readonly now: number;
};

/** As the API would have it: an empty owner or end is none. */
export function formAction({ action, incident, form, now }: Pressed): IncidentAction {
  const text = (name: string): string => form.get(name)?.replaceAll('\r\n', '\n') ?? '';
  const orNull = (value: string): string | null => (value.trim() === '' ? null : value);
  const bodies: Readonly<Record<ActionName, object>> = {
    acknowledge: {},
    unacknowledge: {},
    reopen: {},
    resolve: { verdict: text('verdict'), note: text('note') },
    note: { note: text('note') },
    assign: { owner: orNull(text('owner')) },
    mute: { until: orNull(text('until')) },
  };
  return parseAction({ action, incident, body: bodies[action], now });
}

/** Thresholds, mode and why as PUT /api/detectors/NAME takes them; an empty threshold takes it away. */
export function formDetectorChange(form: URLSearchParams): object {
  const thresholds = Object.fromEntries(
    SEVERITIES.map((severity) => {
      const text = (form.get(severity) ?? '').trim();
      return [severity, text === '' ? null : Number(text)];
    }),
  );
  return { thresholds, mode: form.get('mode') ?? '', why: form.get('why') ?? '', basedOn: Number(form.get('basedOn')) };
}

/** What differs from what is in force, in the form of detectors.yaml. A window takes `quietFor` along, if that is shorter. */
export function formProposal(
  form: URLSearchParams,
  settings: DetectorSettings,
): { readonly change: Readonly<Record<string, unknown>>; readonly why: string } {
  const thresholds = SEVERITIES.flatMap((severity) => {
    const text = (form.get(severity) ?? '').trim();
    const wanted = text === '' ? null : Number(text);
    return wanted === (settings.thresholds[severity] ?? null) ? [] : [[severity, wanted] as const];
  });
  const window = form.get('window') ?? '';
  const windowMs = parseDuration(window);
  const mode = form.get('mode') ?? settings.mode;
  const change = {
    ...(thresholds.length === 0 ? {} : { thresholds: Object.fromEntries(thresholds) }),
    ...(window === '' || windowMs === settings.windowS * 1000 ? {} : { window }),
    ...(windowMs !== null && windowMs > settings.quietForS * 1000 ? { quietFor: window } : {}),
    ...(mode === settings.mode ? {} : { mode }),
  };
  return { change, why: (form.get('why') ?? '').trim() };
}

const DONE: Readonly<Record<ActionName, string>> = {
  acknowledge: 'acknowledged',
  unacknowledge: 'open again',
  resolve: 'resolved',
  reopen: 'open again',
  mute: 'muted or unmuted, as asked',
  assign: 'assigned',
  note: 'noted',
};

export const doneText = (action: ActionName, id: string): string => `${id}: ${DONE[action]}.`;
