// An erase that is done, as the service says it, for tests of what shows it: override what the test is about.
import type { EraseStatus } from '../../src/model/erase-status.ts';

export function sampleErase(facts: Partial<EraseStatus> = {}): EraseStatus {
  return {
    id: 'job',
    by: 'customer',
    actor: { kind: 'cli', id: 'local', name: 'cli' },
    askedAt: '2026-10-01T12:00:00.000Z',
    dryRun: false,
    state: 'done',
    progress: null,
    found: {
      isKnown: true,
      attempts: 12,
      values: { customer: 1, email: 2, 'metadata.user': 1 },
      incidents: ['INC-7', 'INC-2'],
      messages: 2,
      rows: 1,
      days: 0,
      events: 13,
      deadLetters: 1,
    },
    outstanding: { messages: 0, rows: 0 },
    error: null,
    ...facts,
  };
}
