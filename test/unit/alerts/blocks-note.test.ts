import { describe, expect, it } from 'vitest';
import { noteChannel, renderNote } from '../../../src/alerts/blocks-note.ts';
import { newsOf, slotOf, toldAfter } from '../../../src/alerts/news.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const BEN = { kind: 'console', id: 'ben', name: 'Ben <!channel>' } as const;
const open = sampleIncident();
const told = { ...toldAfter(open, undefined), severity: 'warning', peak: 4 } as const;
const main = { channel: 'C1', ts: '1.1', url: 'https://lab.slack.com/archives/C1/p11', told };
const ESCALATED = 'thread:1:escalated';
const escalatedTo = (to: string) => ({ ...open, version: 3, escalated: { step: 1, to, at: open.openedAt + 900_000 } });
/** The one note that this state makes after that one. */
const noteAfter = (incident: Incident, before: Incident = open) => {
  const place = { ...main, told: toldAfter(before, undefined) };
  const [news] = newsOf(incident, place.told);
  if (news === undefined) throw new Error('no news');
  return renderNote(incident, slotOf(place.told, news), place);
};

describe('renderNote', () => {
  it('tells who acknowledged it how it has grown, aloud', () => {
    const grown = acknowledgedBy(open, {
      peak: 30,
      acknowledged: { by: { kind: 'slack', id: 'U0ANA', name: 'ana' }, at: 1, peak: 12, severity: 'warning' },
    });
    expect(renderNote(grown, 'thread:1:grown', main)).toEqual({
      text: '<@U0ANA> INC-1 has grown since it was acknowledged: 30 declines now, 12 declines then. The severity rose from warning to critical.',
      isBroadcast: true,
      metadata: {
        event_type: 'declinewatch_note',
        event_payload: { incident: 'INC-1', version: 2, slot: 'thread:1:grown' },
      },
    });
  });

  it('mentions nobody who is not of Slack, and no hostile id', () => {
    const by = { kind: 'slack', id: 'U1><!channel', name: 'x' } as const;
    const grown = acknowledgedBy(open, { peak: 30, acknowledged: { by, at: 1, peak: 12, severity: 'critical' } });
    expect(renderNote(grown, 'thread:1:grown', main).text).toMatch(/^INC-1 has grown/);
    expect(renderNote(escalatedTo('S1><!channel>'), ESCALATED, main).text).toMatch(/^INC-1 has not been/);
  });

  it.each([
    ['S0ONCALL', '<!subteam^S0ONCALL> INC-1 has not been acknowledged for 15 min: CRITICAL · 14 declines'],
    ['U0BOSS', '<@U0BOSS> INC-1 has not been acknowledged for 15 min: CRITICAL · 14 declines'],
  ])('escalates to %s in the thread', (to, expected) => {
    const incident = escalatedTo(to);
    expect(renderNote(incident, ESCALATED, main).text).toContain(expected);
    expect(noteChannel(incident, ESCALATED, main)).toBeNull();
  });

  it('escalates to another channel with a link to the alert; what else is told stays in the thread', () => {
    const incident = escalatedTo('C0MANAGERS');
    expect(noteChannel(incident, ESCALATED, main)).toBe('C0MANAGERS');
    expect(noteChannel(incident, 'thread:1:noted', main)).toBeNull();
    expect(renderNote(incident, ESCALATED, main).text).toContain('https://lab.slack.com/archives/C1/p11');
  });

  it('marks test mode', () => {
    const incident = { ...open, livemode: false, status: 'withdrawn' } as const;
    expect(renderNote(incident, 'thread:1:withdrawn', main).text).toMatch(/^TEST · INC-1 is withdrawn/);
  });
});

describe('the history in the thread', () => {
  const acknowledged = acknowledgedBy(open);
  const again = (from: 'acknowledged' | 'resolved') => ({ from, by: BEN, at: open.openedAt + 900_000 });

  it.each<[string, Incident, Incident, RegExp, boolean]>([
    ['acknowledged', acknowledged, open, /^Acknowledged by <@U0ANA>, 3 min after it opened, at 14 declines\.$/, false],
    ['resolved', resolvedBy(open), open, /^Resolved as fraud by <@U0ANA>, 10 min after .*\n> Card blocked/, false],
    ['taken back', { ...open, openedAgain: again('acknowledged') }, acknowledged, /taken back by Ben .*is open/, false],
    ['reopened', { ...open, openedAgain: again('resolved') }, resolvedBy(open), /^INC-1 is reopened by Ben/, true],
    ['worse', open, { ...open, severity: 'warning' }, /rose from warning to critical, and nobody has ack/, true],
    ['merged', { ...open, status: 'merged', mergedInto: 'INC-7' }, open, /same attack as INC-7/, false],
    ['with an owner', { ...open, owner: 'Ana <@U1>' }, open, /^Owner: Ana &lt;@U1&gt;\.$/, false],
    ['without one', open, { ...open, owner: 'ana' }, /no owner any more/, false],
    [
      'noted',
      { ...open, notes: [{ at: 5, by: BEN, text: 'Is <!here> https://evil.example a test?' }] },
      open,
      /^Ben &lt;!channel&gt; noted:\n> Is &lt;!here&gt; https: \/\/evil\.example a test\?$/,
      false,
    ],
    ['muted', { ...open, mutedUntil: open.updatedAt + 1e6 }, open, /^Muted until <!date\^/, false],
    [
      'unmuted',
      { ...open, unmuted: { at: 9, hidden: 3, isEarly: false } },
      open,
      /has ended\. It hid 3 further incidents; all are in the sheet/,
      false,
    ],
    [
      'unmuted early',
      { ...open, unmuted: { at: 9, hidden: 1, isEarly: true } },
      open,
      /has ended early: it is critical now\. It hid 1 further incident\./,
      true,
    ],
    [
      'reminded of',
      { ...acknowledged, reminded: { count: 1, at: open.openedAt + 180_000 + 14_400_000 } },
      acknowledged,
      /^<@U0ANA> INC-1 was acknowledged 4 h ago and is not resolved/,
      false,
    ],
    [
      'a storm that is over',
      { ...open, kind: 'storm', over: true, peak: 5_000, attemptCount: 30_000, lastBreachAt: open.openedAt + 600_000 },
      { ...open, kind: 'storm' },
      /^The storm is over: 5,000 incidents with 30,000 attempts in 10 min\.$/,
      false,
    ],
  ])('%s', (_name, incident, before, expected, isBroadcast) => {
    const message = noteAfter(incident, before);
    expect(message.text).toMatch(expected);
    expect(message.isBroadcast).toBe(isBroadcast);
    expect(message.text.replaceAll(/<!date\^[^>]*>|<@U0ANA>/g, '')).not.toContain('<');
  });
});
