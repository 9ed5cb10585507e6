import { describe, expect, it } from 'vitest';
import {
  FORM_KINDS,
  formView,
  readAssignModal,
  readFormContext,
  readMuteModal,
  readNoteModal,
  readResolveModal,
} from '../../../src/alerts/blocks-modal.ts';
import { VERDICTS } from '../../../src/model/incident.ts';
import { viewProblems } from '../../support/block-kit.ts';

const context = { incident: 'INC-999999999', responseUrl: `https://hooks.slack.com/${'x'.repeat(300)}` };
const chosen = (block: string, value: string) => ({ [block]: { [block]: { selected_option: { value } } } });

describe('forms', () => {
  it('keep within Slack’s limits', () => {
    for (const kind of FORM_KINDS)
      expect(viewProblems({ ...formView(kind, context, { hidden: 'x'.repeat(5_000), duration: '2h' }) })).toEqual([]);
  });

  it('carry their context there and back, and take no other', () => {
    expect(readFormContext(formView('resolve', context).private_metadata ?? '')).toEqual(context);
    for (const bad of ['', 'null', '[]', '{"incident":1}', '{"incident":"INC-1"}', 'x'])
      expect(readFormContext(bad)).toBeNull();
  });

  it('offer and read the five verdicts', () => {
    for (const verdict of VERDICTS) {
      expect(JSON.stringify(formView('resolve', context))).toContain(`"value":"${verdict}"`);
      expect(readResolveModal({ ...chosen('verdict', verdict), note: { note: { value: 'why' } } })).toEqual({
        verdict,
        note: 'why',
      });
    }
    expect(readResolveModal({ ...chosen('verdict', 'fraud'), note: { note: { value: null } } })).toEqual({
      verdict: 'fraud',
      note: '',
    });
  });

  it('refuse what they did not offer', () => {
    expect(readResolveModal(chosen('verdict', 'invented'))).toBeNull();
    expect(readResolveModal({})).toBeNull();
    expect(readResolveModal(null)).toBeNull();
    expect(
      readResolveModal({ ...chosen('verdict', 'fraud'), note: { note: { value: 'x'.repeat(1_001) } } }),
    ).toBeNull();
    expect(readMuteModal(chosen('duration', '100y'))).toBeNull();
    expect(readMuteModal(chosen('duration', '7d'))).toBe(7 * 86_400_000);
    const owner = (id: unknown) => ({ owner: { owner: { selected_user: id } } });
    expect(readAssignModal(owner('U0ANA'))).toBe('U0ANA');
    for (const bad of [null, '', '<@U1>', 'u0ana', 5, `U${'X'.repeat(30)}`])
      expect(readAssignModal(owner(bad))).toBeNull();
    const note = (value: unknown) => ({ note: { note: { value } } });
    expect(readNoteModal(note('Look.'))).toBe('Look.');
    expect(readNoteModal(note('😀'.repeat(1_000)))).toBe('😀'.repeat(1_000));
    for (const bad of [null, '', '  ', 'x'.repeat(1_001), 7]) expect(readNoteModal(note(bad))).toBeNull();
  });

  it('offer the four durations, and the one that was asked for first', () => {
    const view = JSON.stringify(formView('mute', context, { hidden: 'It would have hidden 2.', duration: '24h' }));
    for (const value of ['30m', '2h', '24h', '7d']) expect(view).toContain(`"value":"${value}"`);
    expect(view).toContain('"initial_option":{"value":"24h"');
    expect(view).toContain('It would have hidden 2.');
    expect(JSON.stringify(formView('mute', context, { duration: '9y' }))).not.toContain('initial_option');
  });
});
