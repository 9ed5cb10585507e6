import { describe, expect, it } from 'vitest';
import { VERDICTS } from '../../../src/model/incident.ts';
import { VERDICT_WORDS } from '../../../src/model/words.ts';
import { editsOf, takenOf } from '../../../src/sinks/edits-read.ts';
import { resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const nothing = takenOf([]);
const row = (cells: Partial<{ verdict: string; owner: string; notes: string }>) => {
  return { id: 'INC-1', verdict: '', owner: '', notes: '', ...cells };
};

describe('edits', () => {
  it('are none where nothing was written', () => {
    expect(editsOf(row({}), sampleIncident(), nothing)).toEqual([]);
  });

  it('ask in the order that lets all of them pass', () => {
    expect(
      editsOf(row({ verdict: 'fraud', owner: 'bo', notes: 'called the bank' }), sampleIncident(), nothing),
    ).toEqual([
      { column: 'owner', value: 'bo', asks: [{ type: 'assign', incident: 'INC-1', owner: 'bo' }] },
      {
        column: 'notes',
        value: 'called the bank',
        asks: [{ type: 'note', incident: 'INC-1', note: 'called the bank' }],
      },
      { column: 'verdict', value: 'fraud', asks: [{ type: 'resolve', incident: 'INC-1', verdict: 'fraud', note: '' }] },
    ]);
  });

  it.each(VERDICTS)('know %s by its code and its words, in any case', (verdict) => {
    for (const text of [
      verdict,
      verdict.toUpperCase(),
      ` ${VERDICT_WORDS[verdict]} `.trim(),
      VERDICT_WORDS[verdict].toUpperCase(),
    ])
      expect(editsOf(row({ verdict: text }), sampleIncident(), nothing)).toEqual([
        { column: 'verdict', value: verdict, asks: [{ type: 'resolve', incident: 'INC-1', verdict, note: '' }] },
      ]);
  });

  it('change a verdict by way of a reopening, and leave the same one alone', () => {
    const resolved = resolvedBy(sampleIncident());
    expect(editsOf(row({ verdict: 'unsure' }), resolved, { ...nothing, verdict: 'fraud' })).toMatchObject([
      { asks: [{ type: 'reopen' }, { type: 'resolve', verdict: 'unsure' }] },
    ]);
    expect(editsOf(row({ verdict: 'fraud' }), resolved, nothing)).toMatchObject([{ asks: [] }]);
  });

  it('refuse what is no verdict, and a note that is too long, for the author to see', () => {
    expect(editsOf(row({ verdict: '=1+1' }), sampleIncident(), nothing)).toMatchObject([
      {
        problem:
          'Verdict “=1+1” is none of: fraud, a customer in trouble, dunning retries, our own test or bug, unsure',
      },
    ]);
    expect(editsOf(row({ notes: 'x'.repeat(1_001) }), sampleIncident(), nothing)).toMatchObject([
      { problem: 'Notes: at most 1000 characters' },
    ]);
  });

  it('take back an owner when the cell is cleared, never a verdict or a note', () => {
    const incident = sampleIncident({ owner: 'bo' });
    expect(editsOf(row({}), incident, { verdict: 'fraud', owner: 'bo', notes: 'n' })).toEqual([
      { column: 'owner', value: '', asks: [{ type: 'assign', incident: 'INC-1', owner: null }] },
      { column: 'notes', value: '', asks: [] },
      { column: 'verdict', value: '', asks: [] },
    ]);
  });

  it('are known again after a restart by what the sheet had asked', () => {
    const taken = takenOf([
      { type: 'assigned', data: { owner: 'bo' } },
      { type: 'noted', data: { note: 'one' } },
      { type: 'noted', data: { note: 'two' } },
      { type: 'resolved', data: { verdict: 'fraud' } },
      { type: 'reopened', data: {} },
    ]);
    expect(taken).toEqual({ verdict: 'fraud', owner: 'bo', notes: 'two' });
    expect(editsOf(row({ verdict: 'Fraud', owner: 'bo', notes: 'two' }), sampleIncident(), taken)).toEqual([]);
  });
});
