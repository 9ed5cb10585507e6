import { describe, expect, it } from 'vitest';
import { runTests } from '../../../src/detectors/run-tests.ts';
import { validateDetectors } from '../../../src/detectors/schema.ts';

function differences(detector: object, test: object): readonly string[] {
  const base = {
    name: 'd',
    count: 'attempts',
    where: 'outcome == "declined"',
    per: 'card',
    window: '10m',
    quietFor: '1h',
  };
  const parsed = validateDetectors({
    metadata: { ip: 'client_ip', keys: ['plan'] },
    detectors: [{ ...base, thresholds: { warning: 3, critical: 5 }, ...detector, tests: [{ name: 'it', ...test }] }],
  });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  const results = runTests(parsed.file);
  expect(results.map((result) => [result.detector, result.test])).toEqual([['d', 'it']]);
  return results[0]?.differences ?? [];
}

const three = [{ card: 'a', at: '0s', times: 3 }];

describe('runTests', () => {
  it('passes what comes out as expected', () => {
    expect(differences({}, { attempts: three, expect: { episodes: 1, severity: 'warning', peak: 3 } })).toEqual([]);
  });

  it('says every difference in plain words', () => {
    expect(differences({}, { attempts: three, expect: { episodes: 2, severity: 'critical', peak: 5 } })).toEqual([
      'expected 2 episodes, got 1',
      'expected severity critical, got warning',
      'expected peak 5, got 3',
    ]);
    expect(
      differences({}, { attempts: [{ card: 'a', at: '0s' }], expect: { episodes: 1, severity: 'warning', peak: 1 } }),
    ).toEqual(['expected 1 episode, got 0', 'expected severity warning, got none', 'expected peak 1, got none']);
  });

  it('counts what comes too early and too much', () => {
    expect(differences({}, { attempts: three, expect: { episodes: 0 } })).toEqual(['expected 0 episodes, got 1']);
  });

  it('has the window open at its beginning', () => {
    const at = (last: string) => [
      { card: 'a', at: '0s' },
      { card: 'a', at: '5m' },
      { card: 'a', at: last },
    ];
    expect(differences({}, { attempts: at('599s'), expect: { episodes: 1 } })).toEqual([]);
    expect(differences({}, { attempts: at('10m'), expect: { episodes: 0 } })).toEqual([]);
  });

  it('gives each code its class, each e-mail its form, each card its method', () => {
    const where = 'class == "B" && benign && email == "a@example.com" && method == "card"';
    const attempts = [{ card: 'a', code: 'insufficient_funds', email: ' A@Example.com', at: '0s', times: 3 }];
    expect(differences({ where }, { attempts, expect: { episodes: 1 } })).toEqual([]);
  });

  it('knows metadata, dunning, kind and mode', () => {
    const where = 'metadata.plan == "gold" && dunning && kind == "setup" && !livemode';
    const attempts = [
      { card: 'a', metadata: { plan: 'gold' }, dunning: true, kind: 'setup', livemode: false, at: '0s', times: 3 },
    ];
    expect(differences({ where }, { attempts, expect: { episodes: 1 } })).toEqual([]);
  });

  it('joins signals with the card of their charge', () => {
    const detector = { on: 'signal', where: 'signal == "dispute" && reason == "fraudulent" && amount > 10' };
    const signal = { signal: 'dispute', reason: 'fraudulent', amount: 20, at: '0s', times: 3 };
    expect(differences(detector, { signals: [{ ...signal, card: 'a' }], expect: { episodes: 1 } })).toEqual([]);
    expect(differences(detector, { signals: [signal], expect: { episodes: 0 } })).toEqual([]);
  });

  it('runs nothing for a detector without tests', () => {
    const parsed = validateDetectors({ detectors: [] });
    expect('file' in parsed && runTests(parsed.file)).toEqual([]);
  });
});
