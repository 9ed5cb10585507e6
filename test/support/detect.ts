// Views, rules and reports for tests of the detect worker.
import { encodeAttemptsRecord } from '../../src/attempts/wire.ts';
import { decode, encode } from '../../src/log/codec.ts';
import type { EventLog, NewRecord } from '../../src/log/event-log.ts';
import type { AttemptFields, View } from '../../src/model/attempt.ts';
import type { AcceptedSettings, Command } from '../../src/model/commands.ts';
import type { DetectorSettings, Rule } from '../../src/model/detector.ts';
import { keyId } from '../../src/model/entity.ts';
import type { Report } from '../../src/model/episode.ts';

/** Seconds; a round one, so that times in tests read well. */
export const START_S = 1_800_000_000;

export function rule(settings: Partial<DetectorSettings> = {}, facts: Partial<Rule> = {}): Rule {
  const name = settings.name ?? 'card-declines';
  return {
    record: 'rule',
    detector: name,
    version: 1,
    revision: 1,
    sinceS: 0,
    latenessMs: 72 * 3_600_000,
    settings: {
      name,
      title: 'Declines on one card',
      why: 'A test of its own.',
      on: 'attempt',
      count: 'attempts',
      where: 'outcome == "declined"',
      of: null,
      at: null,
      minimum: null,
      currency: null,
      per: 'card',
      windowS: 600,
      quietForS: 3_600,
      thresholds: { warning: 3, critical: 6 },
      mode: 'alert',
      settleMs: 2_000,
      alertMaxAgeMs: 3_600_000,
      continueAfter: null,
      repage: 2,
      escalation: [],
      stormAfter: 10,
      ...settings,
    },
    ...facts,
  };
}

/** A declined charge on card `c`, received in the second it happened. */
export function view(
  attempt: string,
  timeS: number,
  facts: Partial<Omit<View, 'fields'>> & { fields?: AttemptFields } = {},
): View {
  const { fields, ...rest } = facts;
  return {
    record: 'view',
    account: null,
    livemode: true,
    attempt,
    source: 'charge',
    created: timeS,
    apiVersion: '2026-01-28',
    event: `evt_${attempt}`,
    kind: 'payment',
    time: timeS,
    invoice: false,
    firstPayment: false,
    receivedAt: timeS * 1000,
    lane: 'live',
    ...rest,
    fields: {
      result: { outcome: 'declined', code: 'insufficient_funds', class: 'G' },
      amount: 1_000,
      currency: 'usd',
      card: 'c',
      brand: 'visa',
      last4: '4242',
      method: 'card',
      ...fields,
    },
  };
}

/** The same attempt as a success: it leaves what counts declines. */
export const succeeded = (attempt: string, timeS: number): View =>
  view(attempt, timeS, {
    event: `evt_${attempt}_2`,
    created: timeS + 1,
    fields: { result: { outcome: 'succeeded', code: '', class: '' } },
  });

export function recordOf(record: View | Rule, partition = 0): NewRecord {
  const timeMs = record.record === 'rule' ? START_S * 1000 : record.receivedAt;
  return { key: 'self/live', value: encodeAttemptsRecord(record), timeMs, partition };
}

export async function append(log: EventLog, ...records: readonly (View | Rule)[]): Promise<void> {
  for (let i = 0; i < records.length; i += 500)
    await log.append(
      'attempts',
      records.slice(i, i + 500).map((record) => recordOf(record)),
    );
}

/** As the manager does: into `detector-settings`, where it is kept for ever, and as a control record. */
export async function accept(log: EventLog, accepted: Rule): Promise<void> {
  const value: AcceptedSettings = {
    rule: accepted,
    general: { latenessMs: accepted.latenessMs, metadata: { ip: null, keys: [] } },
    position: { offset: 0, index: 0 },
    at: START_S * 1000,
    actor: { kind: 'file', id: 'detectors.yaml', name: 'detectors.yaml' },
    why: 'a test',
  };
  const record = { key: accepted.detector, value: encode('detector-settings', value), timeMs: START_S * 1000 };
  await log.append('detector-settings', [record]);
  await append(log, accepted);
}

export async function reportsIn(log: EventLog): Promise<readonly Report[]> {
  const reports: Report[] = [];
  for await (const page of log.read('commands', 0, 0)) {
    for (const { value } of page) {
      const { body } = decode<Command>('commands', value);
      if (body.type === 'report') reports.push(body);
    }
  }
  return reports;
}

/** What a reader knows who goes by the newest report of each key, without what says when and as of what. */
export function newestByKey(reports: readonly Report[]): Record<string, unknown> {
  const newest = new Map<string, Report>();
  for (const report of reports) {
    const id = keyId(report);
    const known = newest.get(id);
    if (known === undefined || isNewer(report, known)) newest.set(id, report);
  }
  const told: Record<string, unknown> = {};
  for (const [id, { entity, episodes }] of [...newest].sort(([a], [b]) => (a < b ? -1 : 1)))
    told[id] = { entity, episodes };
  return told;
}

function isNewer({ asOf }: Report, { asOf: known }: Report): boolean {
  return asOf.offset > known.offset || (asOf.offset === known.offset && (asOf.atMs ?? 0) > (known.atMs ?? 0));
}
