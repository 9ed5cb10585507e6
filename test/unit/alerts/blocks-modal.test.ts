import { describe, expect, it } from 'vitest';
import {
  muteModal,
  readFormContext,
  readMuteModal,
  readResolveModal,
  resolveModal,
} from '../../../src/alerts/blocks-modal.ts';
import { VERDICTS } from '../../../src/model/incident.ts';
import { viewProblems } from '../../support/block-kit.ts';

const context = { incident: 'INC-999999999', responseUrl: `https://hooks.slack.com/${'x'.repeat(300)}` };
const chosen = (block: string, value: string) => ({ [block]: { [block]: { selected_option: { value } } } });

describe('forms', () => {
  it('keep within Slack’s limits', () => {
    expect(viewProblems({ ...resolveModal(context) })).toEqual([]);
    expect(viewProblems({ ...muteModal(context, 'x'.repeat(5_000)) })).toEqual([]);
  });

  it('carry their context there and back, and take no other', () => {
    expect(readFormContext(resolveModal(context).private_metadata ?? '')).toEqual(context);
    for (const bad of ['', 'null', '[]', '{"incident":1}', '{"incident":"INC-1"}', 'x'])
      expect(readFormContext(bad)).toBeNull();
  });

  it('offer and read the five verdicts', () => {
    for (const verdict of VERDICTS) {
      expect(JSON.stringify(resolveModal(context))).toContain(`"value":"${verdict}"`);
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
  });
});
