// An incident as the manager makes it, for tests of what follows it: override what the test is about.
import type { Change } from '../../src/model/commands.ts';
import type { Incident } from '../../src/model/incident.ts';

const OPENED_AT = Date.UTC(2026, 9, 1, 12, 0, 0);

export function sampleIncident(overrides: Partial<Incident> = {}): Incident {
  return {
    id: 'INC-1',
    kind: 'episode',
    status: 'open',
    mode: 'alert',
    detector: 'card-declines',
    settingsVersion: 1,
    title: 'Declines on one card',
    why: 'Many declines of one card in minutes are seldom a customer’s mistake.',
    windowS: 600,
    count: 'attempts',
    thresholds: { warning: 3, critical: 8 },
    severity: 'critical',
    account: null,
    livemode: true,
    entity: { kind: 'card', value: 'fp_4242', label: 'visa •••• 4242' },
    firstAttemptAt: OPENED_AT - 300_000,
    lastAttemptAt: OPENED_AT - 5_000,
    firstBreachAt: OPENED_AT - 200_000,
    lastBreachAt: OPENED_AT - 5_000,
    peak: 14,
    threshold: 8,
    attemptCount: 14,
    exact: true,
    late: false,
    over: false,
    evidence: {
      outcomes: { declined: 14 },
      codes: [
        { code: 'stolen_card', count: 9 },
        { code: 'incorrect_cvc', count: 5 },
      ],
      amounts: [
        { currency: 'eur', amount: 123_450, count: 12 },
        { currency: 'jpy', amount: 5_000, count: 2 },
      ],
      distinct: { cards: 1, customers: 3, emails: 2, ips: 1 },
      newest: [
        {
          id: 'ch_3Newest',
          at: OPENED_AT / 1000 - 5,
          outcome: 'declined',
          code: 'stolen_card',
          amount: 12_345,
          currency: 'eur',
          card: 'visa •••• 4242',
          intent: 'pi_3Newest',
        },
      ],
      series: { fromS: OPENED_AT / 1000 - 300, stepS: 60, values: [3, 5, 8, 12, 14] },
      trigger: null,
    },
    openedAt: OPENED_AT,
    updatedAt: OPENED_AT,
    speakAt: OPENED_AT + 2_000,
    acknowledged: null,
    resolved: null,
    owner: null,
    notes: [],
    mutedUntil: null,
    mergedInto: null,
    continues: null,
    splitFrom: null,
    storm: null,
    version: 1,
    openingBreachS: OPENED_AT / 1000 - 200,
    asOf: { lane: 'live', topic: 'attempts', partition: 0, offset: 100 },
    receivedAt: OPENED_AT - 1_000,
    ...overrides,
  };
}

const ana = { kind: 'slack', id: 'U0ANA', name: 'ana' } as const;

export function acknowledgedBy(incident: Incident, overrides: Partial<Incident> = {}): Incident {
  const { peak, severity, openedAt, version } = incident;
  return {
    ...incident,
    status: 'acknowledged',
    acknowledged: { by: ana, at: openedAt + 180_000, peak, severity },
    version: version + 1,
    ...overrides,
  };
}

export function resolvedBy(incident: Incident, overrides: Partial<Incident> = {}): Incident {
  const { peak, severity, attemptCount, openedAt, version } = incident;
  return {
    ...incident,
    status: 'resolved',
    resolved: {
      verdict: 'fraud',
      by: ana,
      at: openedAt + 600_000,
      note: 'Card blocked with the issuer.',
      peak,
      severity,
      attemptCount,
    },
    version: version + 1,
    ...overrides,
  };
}

/** A change as it stands in `incidents`, with this state after it. */
export function changeTo(incident: Incident, offset: number): Change {
  return {
    position: { offset, index: 0 },
    command: `command-${offset}`,
    at: incident.updatedAt,
    type: incident.version === 1 ? 'opened' : 'grew',
    actor: { kind: 'engine', id: 'manager', name: '' },
    data: {},
    incident,
    refusal: null,
    nextDeadline: null,
  };
}
