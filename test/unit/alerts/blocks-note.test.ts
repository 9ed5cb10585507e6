import { describe, expect, it } from 'vitest';
import { noteChannel, renderNote } from '../../../src/alerts/blocks-note.ts';
import { acknowledgedBy, sampleIncident } from '../../support/sample-incident.ts';

const open = sampleIncident();
const told = { version: 1, severity: 'warning', peak: 4, status: 'open' } as const;
const main = { channel: 'C1', ts: '1.1', url: 'https://lab.slack.com/archives/C1/p11', told };
const escalatedTo = (to: string) => ({ ...open, version: 3, escalated: { step: 1, to, at: open.openedAt + 900_000 } });

describe('renderNote', () => {
  it('tells who acknowledged it how it has grown', () => {
    const grown = acknowledgedBy(open, {
      peak: 30,
      acknowledged: { by: { kind: 'slack', id: 'U0ANA', name: 'ana' }, at: 1, peak: 12, severity: 'warning' },
    });
    expect(renderNote(grown, 'thread:1', main)).toEqual({
      text: '<@U0ANA> INC-1 has grown since it was acknowledged: 30 declines now, 12 declines then. The severity rose from warning to critical.',
      metadata: { event_type: 'declinewatch_note', event_payload: { incident: 'INC-1', version: 2, slot: 'thread:1' } },
    });
  });

  it('mentions nobody who is not of Slack, and no hostile id', () => {
    const by = { kind: 'slack', id: 'U1><!channel', name: 'x' } as const;
    const grown = acknowledgedBy(open, { peak: 30, acknowledged: { by, at: 1, peak: 12, severity: 'critical' } });
    expect(renderNote(grown, 'thread:1', main).text).toMatch(/^INC-1 has grown/);
    expect(renderNote(escalatedTo('S1><!channel>'), 'thread:1', main).text).toMatch(/^INC-1 has not been/);
  });

  it.each([
    ['S0ONCALL', '<!subteam^S0ONCALL> INC-1 has not been acknowledged for 15 min: CRITICAL · 14 declines'],
    ['U0BOSS', '<@U0BOSS> INC-1 has not been acknowledged for 15 min: CRITICAL · 14 declines'],
  ])('escalates to %s in the thread', (to, expected) => {
    const incident = escalatedTo(to);
    expect(renderNote(incident, 'thread:1', main).text).toContain(expected);
    expect(noteChannel(incident, main)).toBeNull();
  });

  it('escalates to another channel with a link to the alert', () => {
    const incident = escalatedTo('C0MANAGERS');
    expect(noteChannel(incident, main)).toBe('C0MANAGERS');
    expect(renderNote(incident, 'thread:1', main).text).toContain('https://lab.slack.com/archives/C1/p11');
  });

  it('marks test mode', () => {
    const incident = { ...open, livemode: false, status: 'withdrawn' } as const;
    expect(renderNote(incident, 'thread:1', main).text).toMatch(/^TEST · INC-1 is withdrawn/);
  });
});
