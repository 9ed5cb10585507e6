import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/model/commands.ts';
import {
  ANA,
  BEN,
  type Desk,
  detectorSettings,
  episode,
  openDesk,
  PROPOSAL,
  proposalRead,
  proposeCommand,
  report,
  settingsCommand,
  T0_MS,
} from '../../support/decider.ts';

const HOUR_MS = 3_600_000;
const types = (changes: readonly Change[]): readonly string[] =>
  changes.map(({ type, incident }) => (incident === null ? type : `${incident.id} ${type}`));
const only = (changes: readonly Change[]): Change => {
  const [first] = changes;
  if (first === undefined || changes.length !== 1) throw new Error(`one change expected, not ${changes.length}`);
  return first;
};

/** INC-1, open, with three attempts. */
function openIncident(): Desk {
  const desk = openDesk();
  desk.tell(report(1, [episode(0, 0)]));
  return desk;
}

describe('a report', () => {
  it('opens an incident for an episode without one, with what the settings in force say', () => {
    const desk = openDesk();
    const opened = only(desk.tell(report(1, [episode(0, 0)]), undefined, { at: 5_000 }));
    expect(opened).toMatchObject({ type: 'opened', position: { offset: 1, index: 0 }, numbered: 1, at: T0_MS + 5_000 });
    expect(opened.incident).toMatchObject({
      id: 'INC-1',
      status: 'open',
      mode: 'alert',
      title: 'Declines on one card',
      thresholds: { warning: 3, critical: 8 },
      settingsVersion: 1,
      late: false,
      openedAt: T0_MS + 5_000,
      speakAt: T0_MS + 7_000,
      firstBreachAt: T0_MS,
      version: 1,
    });
  });

  it('that says nothing new is only seen', () => {
    const desk = openIncident();
    expect(only(desk.tell(report(2, [episode(0, 0)])))).toMatchObject({ type: 'seen', incident: null });
    expect(desk.state.incidents.get('INC-1')?.version).toBe(1);
  });

  it('is ignored unless it is newer than the last of the key and lane', () => {
    const desk = openIncident();
    expect(types(desk.tell(report(1, [episode(0, 9, { attemptCount: 9 })])))).toEqual(['seen']);
    expect(types(desk.tell(report(0, [])))).toEqual(['seen']);
    expect(types(desk.tell(report(2, [episode(0, 9, { attemptCount: 9 })])))).toEqual(['INC-1 grew']);
  });

  it('takes of two reports as of one offset the later: what time alone has changed', () => {
    const asOf = { lane: 'live', topic: 'attempts', partition: 0, offset: 1 } as const;
    const desk = openIncident();
    const over = [episode(0, 0, { over: true })];
    expect(types(desk.tell(report(1, over, { asOf: { ...asOf, atMs: 20 } })))).toEqual(['INC-1 ended']);
    expect(types(desk.tell(report(1, [episode(0, 0)], { asOf: { ...asOf, atMs: 10 } })))).toEqual(['seen']);
    expect(types(desk.tell(report(1, [episode(0, 0)], { asOf: { ...asOf, atMs: 20 } })))).toEqual(['seen']);
  });

  it('names the kind of change: higher severity, over, less', () => {
    const desk = openIncident();
    const worse = { severity: 'critical', threshold: 8, attemptCount: 9 } as const;
    expect(types(desk.tell(report(2, [episode(0, 9, worse)])))).toEqual(['INC-1 severity_raised']);
    expect(types(desk.tell(report(3, [episode(0, 9, { ...worse, over: true })])))).toEqual(['INC-1 ended']);
    const shrank = only(desk.tell(report(4, [episode(0, 9, { attemptCount: 4, over: true })])));
    expect(shrank).toMatchObject({ type: 'shrank', data: { was: { attemptCount: 9, severity: 'critical' } } });
  });

  it('marks an incident late by the age of its last breach when it opens, until a fresh breach joins it', () => {
    const desk = openDesk();
    desk.tell(report(1, [episode(0, 0)]), undefined, { at: 3_600_001 });
    expect(desk.last[0]?.incident?.late).toBe(true);
    desk.tell(report(2, [episode(0, 3_590, { attemptCount: 4 })]), undefined, { at: 3_601_000 });
    expect(desk.last[0]?.incident?.late).toBe(false);
  });

  it('opens nothing for a detector that is off, and a row without a post for one in shadow', () => {
    const off = openDesk(detectorSettings({ mode: 'off' }));
    expect(types(off.tell(report(1, [episode(0, 0)])))).toEqual(['seen']);
    const shadow = openDesk(detectorSettings({ mode: 'shadow' }));
    expect(only(shadow.tell(report(1, [episode(0, 0)]))).incident?.mode).toBe('shadow');
  });

  it('withdraws an incident whose episode is gone, with the attempts that left, and lets it come back as itself', () => {
    const desk = openIncident();
    desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA);
    const withdrawn = only(desk.tell(report(2, [])));
    expect(withdrawn).toMatchObject({ type: 'withdrawn', data: { attempts: ['ch_0_3', 'ch_0_2', 'ch_0_1'] } });
    const returned = only(desk.tell(report(3, [episode(0, 0)])));
    expect(returned).toMatchObject({ type: 'returned', incident: { id: 'INC-1', status: 'acknowledged' } });
  });

  it('merges the younger of two open incidents whose episodes have become one', () => {
    const desk = openDesk();
    desk.tell(report(1, [episode(0, 10), episode(8_000, 8_010)]));
    expect(types(desk.last)).toEqual(['INC-1 opened', 'INC-2 opened']);
    desk.tell(report(2, [episode(0, 8_010, { attemptCount: 7 })]));
    expect(types(desk.last)).toEqual(['INC-1 grew', 'INC-2 merged']);
    expect(desk.state.incidents.get('INC-2')).toMatchObject({ status: 'merged', mergedInto: 'INC-1' });
  });

  it('opens what splits off, and says from which incident', () => {
    const desk = openDesk();
    desk.tell(report(1, [episode(0, 8_010, { attemptCount: 7 })]));
    desk.tell(report(2, [episode(0, 10), episode(8_000, 8_010)]));
    expect(types(desk.last)).toEqual(['INC-1 shrank', 'INC-2 opened']);
    expect(desk.last[1]?.incident?.splitFrom).toBe('INC-1');
  });

  it('never merges a resolved incident, nor lets it swallow an open one', () => {
    const desk = openDesk();
    desk.tell(report(1, [episode(0, 10), episode(8_000, 8_010)]));
    desk.tell({ type: 'resolve', incident: 'INC-1', verdict: 'fraud', note: '' }, ANA);
    desk.tell(report(2, [episode(0, 8_010, { attemptCount: 7 })]));
    expect(desk.state.incidents.get('INC-1')).toMatchObject({ status: 'resolved', resolved: { verdict: 'fraud' } });
    expect(desk.state.incidents.get('INC-2')?.status).toBe('open');
  });
});

describe('after a resolution', () => {
  const resolved = (): Desk => {
    const desk = openIncident();
    desk.tell({ type: 'resolve', incident: 'INC-1', verdict: 'dunning', note: 'retries' }, ANA);
    return desk;
  };

  it('growth below the lowest threshold is covered', () => {
    const desk = resolved();
    expect(types(desk.tell(report(2, [episode(0, 20, { attemptCount: 5 })])))).toEqual(['INC-1 grew']);
    expect(desk.state.incidents.get('INC-1')).toMatchObject({ status: 'resolved', attemptCount: 5 });
  });

  it('growth by the lowest threshold opens an incident that continues it', () => {
    const desk = resolved();
    const opened = only(desk.tell(report(2, [episode(0, 20, { attemptCount: 6 })])));
    expect(opened.incident).toMatchObject({ id: 'INC-2', continues: 'INC-1', status: 'open' });
    expect(desk.state.incidents.get('INC-1')).toMatchObject({ status: 'resolved', attemptCount: 3 });
  });

  it('a higher severity opens one at once, and what follows is the new one’s', () => {
    const desk = resolved();
    desk.tell(report(2, [episode(0, 20, { attemptCount: 4, severity: 'critical' })]));
    expect(desk.last[0]?.incident).toMatchObject({ id: 'INC-2', continues: 'INC-1' });
    expect(types(desk.tell(report(3, [episode(0, 30, { attemptCount: 9, severity: 'critical' })])))).toEqual([
      'INC-2 grew',
    ]);
  });

  it('continueAfter of the detector decides', () => {
    const desk = openDesk(detectorSettings({ continueAfter: 10 }));
    desk.tell(report(1, [episode(0, 0)]));
    desk.tell({ type: 'resolve', incident: 'INC-1', verdict: 'dunning', note: '' }, ANA);
    expect(types(desk.tell(report(2, [episode(0, 20, { attemptCount: 12 })])))).toEqual(['INC-1 grew']);
    expect(types(desk.tell(report(3, [episode(0, 20, { attemptCount: 13 })])))).toEqual(['INC-2 opened']);
  });
});

describe('a click', () => {
  it('acknowledges once; a later one is refused with who and when and changes nothing', () => {
    const desk = openIncident();
    expect(types(desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA))).toEqual(['INC-1 acknowledged']);
    const before = structuredClone(desk.state.incidents.get('INC-1'));
    const late = only(desk.tell({ type: 'acknowledge', incident: 'INC-1' }, BEN));
    expect(late).toMatchObject({ type: 'refused', refusal: { code: 'already_acknowledged' } });
    expect(late.refusal?.message).toBe('INC-1 was already acknowledged by ana at 2036-10-01 12:00:02 UTC.');
    expect(desk.state.incidents.get('INC-1')).toEqual(before);
  });

  it('on an incident that was closed meanwhile is refused', () => {
    const desk = openIncident();
    desk.tell({ type: 'resolve', incident: 'INC-1', verdict: 'fraud', note: 'blocked' }, ANA);
    const refusal = only(desk.tell({ type: 'acknowledge', incident: 'INC-1' }, BEN)).refusal;
    expect(refusal?.code).toBe('invalid_transition');
    expect(refusal?.message).toContain('resolved as fraud by ana at 2036-10-01 12:00:02 UTC');
  });

  it.each([
    ['unacknowledge', { type: 'unacknowledge', incident: 'INC-1' }, 'invalid_transition'],
    ['reopen', { type: 'reopen', incident: 'INC-1' }, 'invalid_transition'],
    ['an unknown incident', { type: 'acknowledge', incident: 'INC-9' }, 'not_found'],
    ['another version', { type: 'acknowledge', incident: 'INC-1', ifVersion: 7 }, 'stale_version'],
    ['a long note', { type: 'note', incident: 'INC-1', note: 'x'.repeat(1001) }, 'invalid_request'],
    ['an empty note', { type: 'note', incident: 'INC-1', note: ' ' }, 'invalid_request'],
    ['a mute in the past', { type: 'mute', incident: 'INC-1', until: T0_MS }, 'invalid_request'],
  ] as const)('that does not fit (%s) is refused', (_, body, code) => {
    const desk = openIncident();
    expect(only(desk.tell(body, ANA))).toMatchObject({ type: 'refused', refusal: { code } });
  });

  it('with the same command id is applied once', () => {
    const desk = openIncident();
    desk.tell({ type: 'note', incident: 'INC-1', note: 'called the customer' }, ANA, { id: 'click-1' });
    const again = only(
      desk.tell({ type: 'note', incident: 'INC-1', note: 'called the customer' }, ANA, { id: 'click-1' }),
    );
    expect(again.refusal?.code).toBe('repeated');
    expect(desk.state.incidents.get('INC-1')?.notes).toHaveLength(1);
  });

  it('runs through the states: acknowledge, unacknowledge, resolve, reopen, assign', () => {
    const desk = openIncident();
    desk.tell({ type: 'acknowledge', incident: 'INC-1', ifVersion: 1 }, ANA);
    desk.tell({ type: 'unacknowledge', incident: 'INC-1' }, ANA);
    expect(desk.state.incidents.get('INC-1')).toMatchObject({ status: 'open', acknowledged: null });
    desk.tell({ type: 'resolve', incident: 'INC-1', verdict: 'fraud', note: 'n' }, BEN);
    desk.tell({ type: 'reopen', incident: 'INC-1' }, BEN);
    desk.tell({ type: 'assign', incident: 'INC-1', owner: 'ana' }, BEN);
    expect(desk.state.incidents.get('INC-1')).toMatchObject({
      status: 'open',
      resolved: null,
      owner: 'ana',
      version: 6,
    });
  });

  it('cannot reopen an incident that another one continues', () => {
    const desk = openIncident();
    desk.tell({ type: 'resolve', incident: 'INC-1', verdict: 'fraud', note: '' }, ANA);
    desk.tell(report(2, [episode(0, 20, { attemptCount: 9, severity: 'critical' })]));
    const refusal = only(desk.tell({ type: 'reopen', incident: 'INC-1' }, ANA)).refusal;
    expect(refusal).toMatchObject({ code: 'invalid_transition' });
    expect(refusal?.message).toContain('INC-2');
  });
});

describe('a mute', () => {
  it('holds for the key until its end, and says then what it hid', () => {
    const desk = openIncident();
    const until = T0_MS + 600_000;
    expect(only(desk.tell({ type: 'mute', incident: 'INC-1', until }, ANA)).nextDeadline).toBe(until);
    desk.tell(report(2, [episode(0, 0), episode(8_000, 8_000)]));
    expect(desk.last.at(-1)?.incident).toMatchObject({ id: 'INC-2', mutedUntil: until });
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: 599_999 }))).toEqual(['seen']);
    const ended = desk.tell({ type: 'timer' }, undefined, { at: 600_000 });
    expect(types(ended)).toEqual(['INC-1 unmuted', 'INC-2 unmuted']);
    expect(ended[0]?.data).toEqual({ ended: true, hidden: 1 });
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: 700_000 }))).toEqual(['seen']);
  });

  it('does not count what was open before it, opened and muted in one millisecond', () => {
    const desk = openDesk();
    desk.tell(report(1, [episode(0, 0)]), undefined, { at: 1_000 });
    desk.tell({ type: 'mute', incident: 'INC-1', until: T0_MS + 600_000 }, ANA, { at: 1_000 });
    const ended = desk.tell({ type: 'timer' }, undefined, { at: 600_000 });
    expect(ended[0]?.data).toEqual({ ended: true, hidden: 0 });
  });

  it('ends early when what it hides is worse than what it was set for', () => {
    const desk = openIncident();
    const until = T0_MS + 600_000;
    desk.tell({ type: 'mute', incident: 'INC-1', until }, ANA);
    desk.tell(report(2, [episode(0, 5, { attemptCount: 5 })]));
    expect(types(desk.last)).toEqual(['INC-1 grew']);
    const critical = { attemptCount: 9, severity: 'critical', threshold: 8 } as const;
    desk.tell(report(3, [episode(0, 5, { attemptCount: 5 }), episode(8_000, 8_000, critical)]), undefined, {
      at: 9_000,
    });
    expect(types(desk.last)).toEqual(['INC-2 opened', 'INC-1 unmuted', 'INC-2 unmuted']);
    const unmuted = { at: T0_MS + 9_000, hidden: 1, isEarly: true };
    for (const id of ['INC-1', 'INC-2'])
      expect(desk.state.incidents.get(id)).toMatchObject({ mutedUntil: null, unmuted });
    expect(desk.state.mutes.size).toBe(0);
    desk.tell(
      report(4, [episode(0, 5, { attemptCount: 5 }), episode(8_000, 8_000, critical), episode(16_000, 16_000)]),
    );
    expect(desk.last[0]?.incident).toMatchObject({ id: 'INC-3', mutedUntil: null });
  });

  it('set on what is critical already is not ended by it', () => {
    const desk = openDesk();
    const critical = { attemptCount: 9, severity: 'critical', threshold: 8 } as const;
    desk.tell(report(1, [episode(0, 0, critical)]));
    desk.tell({ type: 'mute', incident: 'INC-1', until: T0_MS + 600_000 }, ANA);
    desk.tell(report(2, [episode(0, 5, { ...critical, attemptCount: 90 })]));
    expect(types(desk.last)).toEqual(['INC-1 grew']);
    expect(desk.state.incidents.get('INC-1')?.mutedUntil).toBe(T0_MS + 600_000);
  });

  it('can be taken back', () => {
    const desk = openIncident();
    desk.tell({ type: 'mute', incident: 'INC-1', until: T0_MS + 600_000 }, ANA);
    expect(only(desk.tell({ type: 'mute', incident: 'INC-1', until: null }, ANA)).incident?.mutedUntil).toBeNull();
    expect(desk.state.mutes.size).toBe(0);
  });
});

describe('escalation', () => {
  it('takes one step after the other while nobody acknowledges, each once', () => {
    const escalation = [
      { afterMs: 300_000, to: 'S0RISK' },
      { afterMs: 900_000, to: 'U0HEAD' },
    ];
    const desk = openDesk(detectorSettings({ escalation }));
    expect(only(desk.tell(report(1, [episode(0, 0)]), undefined, { at: 1_000 })).nextDeadline).toBe(T0_MS + 301_000);
    const first = only(desk.tell({ type: 'timer' }, undefined, { at: 301_000 }));
    expect(first).toMatchObject({ type: 'escalated', data: { step: 1, to: 'S0RISK' }, nextDeadline: T0_MS + 901_000 });
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: 400_000 }))).toEqual(['seen']);
    expect(only(desk.tell({ type: 'timer' }, undefined, { at: 901_000 })).data).toMatchObject({
      step: 2,
      to: 'U0HEAD',
    });
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: 9_000_000 }))).toEqual(['seen']);
  });

  it('stops with an acknowledgement', () => {
    const desk = openDesk(detectorSettings({ escalation: [{ afterMs: 300_000, to: 'S0RISK' }] }));
    desk.tell(report(1, [episode(0, 0)]));
    const acknowledged = only(desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA, { at: 10_000 }));
    // What is due next is the reminder.
    expect(acknowledged.nextDeadline).toBe(T0_MS + 10_000 + 4 * HOUR_MS);
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: 400_000 }))).toEqual(['seen']);
  });
});

describe('an incident that is acknowledged and not resolved', () => {
  const due = 10_000 + 4 * HOUR_MS;

  it('is brought back to mind after four hours, then daily, five times at most', () => {
    const desk = openIncident();
    desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA, { at: 10_000 });
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: due - 1 }))).toEqual(['seen']);
    for (let count = 1; count <= 5; count += 1) {
      const reminded = only(desk.tell({ type: 'timer' }, undefined, { at: due + (count - 1) * 24 * HOUR_MS }));
      expect(reminded).toMatchObject({ type: 'reminded', data: { count }, incident: { reminded: { count } } });
      expect(reminded.nextDeadline).toBe(count < 5 ? T0_MS + due + count * 24 * HOUR_MS : null);
    }
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: due + 900 * HOUR_MS }))).toEqual(['seen']);
  });

  it('is not once it is resolved, and begins anew when it is acknowledged again', () => {
    const desk = openIncident();
    desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA, { at: 10_000 });
    desk.tell({ type: 'timer' }, undefined, { at: due });
    desk.tell({ type: 'unacknowledge', incident: 'INC-1' }, ANA, { at: due + 1_000 });
    const again = only(desk.tell({ type: 'acknowledge', incident: 'INC-1' }, BEN, { at: due + 2_000 }));
    expect(again).toMatchObject({ nextDeadline: T0_MS + due + 2_000 + 4 * HOUR_MS, incident: { reminded: null } });
    const resolve = { type: 'resolve', incident: 'INC-1', verdict: 'fraud', note: '' } as const;
    expect(only(desk.tell(resolve, BEN, { at: due + 3_000 })).nextDeadline).toBeNull();
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: due + 900 * HOUR_MS }))).toEqual(['seen']);
  });

  it('waits for the end of a mute', () => {
    const desk = openIncident();
    desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA, { at: 10_000 });
    const until = T0_MS + 24 * HOUR_MS;
    expect(only(desk.tell({ type: 'mute', incident: 'INC-1', until }, ANA)).nextDeadline).toBe(until);
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: due }))).toEqual(['seen']);
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: 24 * HOUR_MS }))).toEqual(['INC-1 unmuted']);
    expect(types(desk.tell({ type: 'timer' }, undefined, { at: 24 * HOUR_MS }))).toEqual(['INC-1 reminded']);
  });
});

describe('settings', () => {
  it('are in force at all times in their first version, later ones from ten seconds after', () => {
    const desk = openDesk();
    expect(desk.last[0]?.accepted?.rule).toMatchObject({ version: 1, revision: 1, sinceS: 0 });
    const stricter = detectorSettings({ thresholds: { warning: 2 } });
    const accepted = only(desk.tell(settingsCommand(stricter, { basedOn: 1 }), ANA, { at: 1_500 })).accepted;
    expect(accepted?.rule).toMatchObject({ version: 2, revision: 1, sinceS: T0_MS / 1000 + 12 });
    const other = detectorSettings({ thresholds: { warning: 2 }, windowS: 300 });
    desk.tell(settingsCommand(other, { basedOn: 2 }), ANA);
    expect(desk.last[0]?.accepted?.rule).toMatchObject({ version: 3, revision: 2 });
  });

  it('made from another version are refused', () => {
    const desk = openDesk();
    const refused = only(desk.tell(settingsCommand(detectorSettings({ windowS: 60 }), { basedOn: 0 }), ANA));
    expect(refused.refusal).toMatchObject({ code: 'stale_version' });
    expect(refused.refusal?.message).toContain('is at version 1 (detectors.yaml');
  });

  it('that change nothing are only seen', () => {
    const desk = openDesk();
    const same = { ...detectorSettings(), thresholds: { critical: 8, warning: 3 } };
    expect(types(desk.tell(settingsCommand(same, { basedOn: 1 }), ANA))).toEqual(['seen']);
  });

  it('name what they changed', () => {
    const desk = openDesk();
    desk.tell(settingsCommand(detectorSettings({ mode: 'shadow' }), { basedOn: 1 }), ANA);
    expect(desk.last[0]?.data).toMatchObject({ changes: [{ field: 'mode', from: 'alert', to: 'shadow' }] });
  });

  it('that need a second person are refused from one', () => {
    const desk = openDesk(detectorSettings({ approval: 'loosening' }));
    const quiet = settingsCommand(detectorSettings({ approval: 'loosening', mode: 'off' }), { basedOn: 1 });
    expect(only(desk.tell(quiet, ANA)).refusal?.code).toBe('approval_needed');
    expect(only(desk.tell({ ...quiet, settings: detectorSettings() }, ANA)).refusal?.message).toContain('(approval)');
    expect(only(desk.tell({ ...quiet, settings: null }, ANA)).refusal?.message).toContain('(detector)');
    expect(desk.state.detectors.get('card-declines')?.current.rule.version).toBe(1);
    const louder = settingsCommand(detectorSettings({ approval: 'loosening', repage: 1.5 }), { basedOn: 1 });
    expect(types(desk.tell(louder, ANA))).toEqual(['settings_accepted']);
  });

  it('that take a field away are a change', () => {
    const desk = openDesk(detectorSettings({ approval: 'all' }));
    desk.tell(proposeCommand(detectorSettings()), ANA);
    desk.tell(proposalRead());
    const [accepted] = desk.tell({ type: 'decide_proposal', proposal: PROPOSAL, decision: 'apply' }, BEN);
    expect(accepted?.data).toMatchObject({ changes: [{ field: 'approval', from: 'all', to: null }] });
  });
});
