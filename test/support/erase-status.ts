// Erases for tests of what shows them: one that is done, as the service says it, and a desk at which nothing goes on by itself.
import type { EraseDesk } from '../../src/console/options.ts';
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

export type StandingErases = EraseDesk & {
  /** As it is to be shown from now on. */
  put(facts: Partial<EraseStatus>): EraseStatus;
};

/** What is looked for and erased waits until the test says otherwise. */
export function standingErases(): StandingErases {
  const jobs = new Map<string, EraseStatus>();
  const put = (facts: Partial<EraseStatus>): EraseStatus => {
    const status = sampleErase(facts);
    jobs.set(status.id, status);
    return status;
  };
  const begin = (dryRun: boolean, actor: EraseStatus['actor']): EraseStatus =>
    put({ id: `job-${jobs.size}`, dryRun, actor, state: 'waiting', found: null });
  return {
    put,
    look: (_, actor) => begin(true, actor),
    confirm: (_, __, actor) => begin(false, actor),
    get: (id) => jobs.get(id) ?? null,
    list: () => [...jobs.values()].toReversed(),
  };
}
