// Every page with hostile data in every place that comes from outside: nothing becomes markup, nothing is left out of an
// element of its own.
import { describe, expect, it } from 'vitest';
import { incidentDetailJson } from '../../../src/console/incident-detail.ts';
import type { FormContext } from '../../../src/console/incident-forms.ts';
import { renderPage } from '../../../src/console/layout.ts';
import { curvePage } from '../../../src/console/page-curve.ts';
import { deadLetterPage, deadLettersPage } from '../../../src/console/page-dead-letters.ts';
import { detectorPage, detectorsPage } from '../../../src/console/page-detectors.ts';
import { errorBody } from '../../../src/console/page-error.ts';
import { healthPage } from '../../../src/console/page-health.ts';
import { incidentPage } from '../../../src/console/page-incident.ts';
import { listPage } from '../../../src/console/page-list.ts';
import { previewPage } from '../../../src/console/page-preview.ts';
import type { AcceptedSettings } from '../../../src/model/commands.ts';
import { CHANGE_TYPES } from '../../../src/model/commands.ts';
import type { Surface, SurfacePoint } from '../../../src/model/curve.ts';
import type { DeadLetter } from '../../../src/model/dead-letter.ts';
import type { Actor, Incident } from '../../../src/model/incident.ts';
import { STATUSES } from '../../../src/model/incident.ts';
import type { Proposal } from '../../../src/model/proposal.ts';
import type { WhatIf, WhatIfIncident } from '../../../src/model/what-if.ts';
import { detectorSettings, GENERAL } from '../../support/decider.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const EVIL = '"\'><script>alert(1)</script><img src=x onerror=alert(1)>\u202e&amp;</bdi>';
const actor: Actor = { kind: 'slack', id: EVIL, name: EVIL };
const forms: FormContext = { caller: { actor, session: null, formToken: 'page-token' }, back: null };
const member = {
  id: EVIL,
  at: 1_800_000_000,
  outcome: 'declined',
  code: EVIL,
  amount: 1,
  currency: EVIL,
  card: EVIL,
  intent: EVIL,
} as const;

function evil(overrides: Partial<Incident> = {}): Incident {
  const incident = sampleIncident();
  return {
    ...incident,
    detector: EVIL,
    title: EVIL,
    why: EVIL,
    account: EVIL,
    owner: EVIL,
    livemode: false,
    mode: 'shadow',
    exact: false,
    late: true,
    over: true,
    mutedUntil: 9e12,
    currency: EVIL,
    entity: { kind: 'customer', value: EVIL, label: EVIL },
    mergedInto: 'INC-7',
    continues: 'INC-8',
    splitFrom: 'INC-9',
    storm: 'INC-10',
    evidence: {
      ...incident.evidence,
      outcomes: { [EVIL]: 3 },
      codes: [{ code: EVIL, count: 3 }],
      amounts: [{ currency: EVIL, amount: 3, count: 3 }],
      newest: [member],
      trigger: member,
    },
    ...overrides,
  };
}

const accepted = (version: number, why: string): AcceptedSettings => ({
  rule: {
    record: 'rule',
    detector: EVIL,
    version,
    revision: 1,
    sinceS: version,
    latenessMs: 0,
    settings: detectorSettings({
      name: EVIL,
      title: `${EVIL}${version}`,
      why: EVIL,
      where: EVIL,
      per: `metadata.${EVIL}`,
    }),
  },
  general: GENERAL,
  position: { offset: version, index: 0 },
  at: 1,
  actor,
  why,
});

function expectInert(page: string): void {
  expect(page).not.toMatch(/<script|<img/);
  // What a field holds is what was written there.
  expect(page.replace(/ value="[^"]*"/g, '')).not.toContain('\u202e');
  // Well nested: every element that opens is closed in its turn.
  const open: string[] = [];
  const VOID = new Set(['input', 'br', 'hr', 'meta', 'link', 'path', 'rect', 'circle']);
  for (const [, isEnd, name = '', selfClosed] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (VOID.has(name) || selfClosed === '/') continue;
    if (isEnd !== '/') open.push(name);
    else expect(name).toBe(open.pop());
  }
  expect(open).toEqual([]);
}

describe('hostile data', () => {
  it('in an incident of any state', () => {
    for (const status of STATUSES) {
      const base = evil({ status });
      const by = { ...acknowledgedBy(base).acknowledged, by: actor } as Incident['acknowledged'];
      const incident = {
        ...base,
        acknowledged: by,
        resolved: { ...resolvedBy(base).resolved, by: actor, note: EVIL } as Incident['resolved'],
      };
      const timeline = CHANGE_TYPES.map((type) => ({
        version: 1,
        at: 1,
        type,
        actor,
        change: '1.0',
        data: {
          peak: EVIL,
          severity: EVIL,
          note: EVIL,
          owner: EVIL,
          verdict: EVIL,
          into: EVIL,
          until: EVIL,
          hidden: EVIL,
          to: EVIL,
        },
      }));
      const delivery = {
        output: 'slack',
        subject: 'INC-1',
        slot: 'message',
        state: 'failed',
        version: 1,
        at: 1,
        place: { url: `javascript:${EVIL}` },
        error: EVIL,
        tries: 1,
      } as const;
      const detail = incidentDetailJson(incident, {
        timeline,
        attempts: [member],
        deliveries: [delivery],
        consoleUrl: 'http://localhost',
      });
      const page = String(incidentPage({ incident, detail, timeline, forms, now: 2_000_000_000_000 }));
      expectInert(page);
      expect(page).not.toMatch(/href="javascript:/i);
    }
  });

  it('in the list', () => {
    const page = { incidents: STATUSES.map((status) => evil({ status })), next: 'INC-1' };
    const counts = { open: 1, acknowledged: 1, resolved: 1, merged: 1, withdrawn: 1 };
    const query = new URLSearchParams({ detector: EVIL });
    expectInert(String(listPage({ page, filter: { detector: EVIL }, query, counts, detectors: [EVIL] })));
    expectInert(
      String(
        listPage({
          page: { incidents: [], next: null },
          filter: {},
          query: new URLSearchParams(),
          counts,
          detectors: [],
        }),
      ),
    );
  });

  it('in detectors, their history, what was sent, and mutes', () => {
    const history = [accepted(1, EVIL), accepted(2, EVIL)];
    const [current] = history.toReversed();
    if (current === undefined) throw new Error('no settings');
    const sent = new URLSearchParams({ warning: EVIL, mode: EVIL, why: EVIL });
    expectInert(String(detectorPage({ history, current, counts: undefined, forms, sent, hasCurve: true })));
    const mutes = [
      {
        detector: EVIL,
        account: EVIL,
        livemode: false,
        entity: { kind: 'card', value: EVIL, label: EVIL },
        until: 9e12,
        incident: 'INC-1',
      },
    ] as const;
    expectInert(String(detectorsPage({ settings: history, counts: new Map(), mutes, forms })));
  });

  it('in a curve, its proposals and what was sent', () => {
    const current = accepted(2, EVIL);
    const settings = current.rule.settings ?? detectorSettings();
    const entity = { kind: 'card', value: EVIL, label: EVIL } as const;
    const one: WhatIfIncident = {
      ...{ account: EVIL, livemode: false, entity, severity: 'warning', firstBreachAt: 1, lastBreachAt: 2, peak: 3 },
      ...{ attemptCount: 3, incident: { id: EVIL, status: 'open', verdict: null }, disputes: 1, earlyFraudWarnings: 1 },
    };
    const side = { incidents: 1, perWeek: 0.2, severities: {}, verdicts: {}, disputes: 0, earlyFraudWarnings: 0 };
    const difference = { fraud: 0, customers: null, amounts: null };
    const result: WhatIf = {
      ...{ detector: EVIL, sinceMs: 0, untilMs: 1, records: 1, lacking: [], before: side, after: side },
      ...{ added: [one], addedCount: 1, addedWith: difference, removed: [one], removedCount: 30 },
      ...{ removedWith: difference, changedSeverity: 0 },
    };
    const proposals = (['reading', 'proposed', 'refused', 'applied', 'discarded'] as const).map(
      (state): Proposal => ({
        ...{ id: 'abc', detector: EVIL, change: { [EVIL]: EVIL }, changes: [EVIL], basedOn: 1, by: actor, why: EVIL },
        ...{ at: 1, readAt: 1, state, progress: 0.5, words: EVIL, result, problem: EVIL },
        ...{ secondPerson: EVIL, decidedBy: actor },
      }),
    );
    const point: SurfacePoint = {
      ...{ windowS: settings.windowS, threshold: 3, alerts: 4, perWeek: 1, judged: 2, fraud: 1 },
      ...{ precision: { value: 0.5, low: 0.1, high: 0.9 }, missedDisputes: 1, missedWarnings: 1 },
    };
    const surface: Surface = {
      ...{ detector: EVIL, sinceMs: 0, untilMs: 1, records: 1, lacking: [{ field: EVIL, keptSince: 1 }] },
      ...{ disputes: 2, warnings: 2, windows: [settings.windowS], thresholds: [3], current: point, points: [point] },
      suggestions: [{ name: 'three_a_day', point, change: {}, words: EVIL }],
    };
    const promotion = {
      ...{ detector: EVIL, version: 1, since: 1, incidents: 1, perWeek: 1, overlapping: 0, judged: 0, fraud: 0 },
      ...{ precision: null, words: EVIL, change: {} },
    };
    const sent = new URLSearchParams({ warning: EVIL, window: EVIL, mode: EVIL, why: EVIL });
    const common = { current, settings, proposals, promotion, forms, sent, windowS: settings.windowS };
    const before = { version: 1, settings };
    const problem = { message: EVIL, help: EVIL };
    for (const reading of [
      { surface, version: 1, progress: null, problem: null },
      { surface: null, version: 0, progress: 0.3, problem: null },
      { surface: null, version: 0, progress: null, problem },
    ])
      expectInert(String(curvePage({ ...common, before, reading })));
  });

  it('in dead letters', () => {
    const letter = (source: string): DeadLetter => ({
      ...{ source, partition: 0, offset: 1, reason: EVIL, message: EVIL, tries: 1, at: 1, subject: EVIL },
    });
    const letters = [letter(EVIL), letter('slack')];
    const asked = { source: EVIL, reason: EVIL };
    expectInert(String(deadLettersPage({ letters, sources: [EVIL], reasons: [EVIL], asked, forms })));
    const record = { receivedAt: '2026-10-01T00:00:00.000Z', bytes: 1, type: EVIL, outline: `${EVIL}\n${EVIL}` };
    for (const one of letters) {
      expectInert(String(deadLetterPage({ letter: one, record, forms })));
      expectInert(String(deadLetterPage({ letter: one, record: { ...record, outline: null }, forms })));
      expectInert(String(deadLetterPage({ letter: one, record: null, forms })));
    }
  });

  it('in the preview, health, errors and the frame', () => {
    const blocks = [
      { type: 'header', text: { type: 'plain_text', text: EVIL } },
      { type: 'section', text: { type: 'mrkdwn', text: EVIL } },
      { type: EVIL },
    ];
    const message = {
      incident: 'INC-1',
      postedAt: 1,
      editedAt: 2,
      text: EVIL,
      blocks,
      thread: [{ at: 1, text: EVIL }],
    };
    expectInert(
      String(previewPage({ messages: [message], sheet: { headers: [EVIL], rows: [[EVIL, 1, true, null]] }, forms })),
    );
    const failed = {
      output: 'slack',
      subject: 'INC-1',
      slot: 'message',
      state: 'failed',
      version: 1,
      at: 1,
      place: null,
      error: EVIL,
      tries: 1,
    } as const;
    expectInert(
      String(
        healthPage({ ready: false, parts: [{ name: EVIL, state: 'down', message: EVIL, help: EVIL }] }, [failed], 3),
      ),
    );
    const body = errorBody(
      { code: 'invalid_request', message: EVIL, help: EVIL, details: [{ path: EVIL, message: EVIL }] },
      400,
    );
    expectInert(String(body));
    const frame = {
      assetUrl: () => '/assets/x',
      caller: forms.caller,
      needsToken: true,
      hasPreview: true,
      hasErase: true,
      demo: ['Stripe: set STRIPE_WEBHOOK_SECRET.'],
      now: 1,
    };
    const page = String(
      renderPage(frame, { title: EVIL, at: '/', body, notice: { kind: 'problem', text: EVIL }, hasBanner: true }),
    );
    expectInert(page.replace(/<script src="\/assets\/x" (?:defer|type="module")><\/script>/g, ''));
  });
});
