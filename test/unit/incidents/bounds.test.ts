import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitIncident, MAX_INCIDENT_BYTES } from '../../../src/incidents/bounds.ts';
import { ANA } from '../../support/decider.ts';
import { resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const sizeOf = (value: object): number => Buffer.byteLength(JSON.stringify(value));

describe('fitIncident', () => {
  it('leaves what fits as it is', () => {
    const incident = sampleIncident();
    expect(fitIncident(incident)).toBe(incident);
  });

  it('holds an incident to 4 KB and keeps the newest note', () => {
    const text = fc.string({ maxLength: 1_000, unit: fc.constantFrom('a', 'ß', '漢', '\u0001') });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 14 }), text, fc.nat(60), (notes, verdictNote, points) => {
        const { evidence } = sampleIncident();
        const resolved = resolvedBy(
          sampleIncident({
            notes: notes.map((note, at) => ({ at, by: ANA, text: note })),
            evidence: {
              ...evidence,
              newest: Array.from({ length: 10 }, (_, i) => ({ ...evidence.newest[0], id: `ch_${i}` })) as never,
              series: { ...evidence.series, values: Array.from({ length: points }, (_, i) => i / 3) },
            },
          }),
        );
        const incident = {
          ...resolved,
          resolved: resolved.resolved && { ...resolved.resolved, note: verdictNote },
        };
        const fitted = fitIncident(incident);
        expect(sizeOf(fitted)).toBeLessThanOrEqual(MAX_INCIDENT_BYTES);
        expect(fitted.id).toBe(incident.id);
        expect(fitIncident(fitted)).toEqual(fitted);
      }),
    );
  });
});
