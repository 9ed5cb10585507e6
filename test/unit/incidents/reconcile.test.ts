import { describe, expect, it } from 'vitest';
import { type Effect, reconcile } from '../../../src/incidents/reconcile.ts';
import type { Report, ReportedEpisode } from '../../../src/model/episode.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { episode, T0_S } from '../../support/decider.ts';
import { resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

/** An incident of breaches from `fromS` to `toS`, seconds after T0, opened by the first. */
function incident(number: number, fromS: number, toS: number, overrides: Partial<Incident> = {}): Incident {
  return sampleIncident({
    id: `INC-${number}`,
    firstBreachAt: (T0_S + fromS) * 1000,
    lastBreachAt: (T0_S + toS) * 1000,
    openingBreachS: T0_S + fromS,
    attemptCount: 3,
    peak: 3,
    severity: 'warning',
    ...overrides,
  });
}

type Range = Report['range'];
const ALL: Range = { fromS: 0, toS: null };
const from = (s: number): Range => ({ fromS: T0_S + s, toS: null });
const until = (s: number): Range => ({ fromS: 0, toS: T0_S + s });

function effects(incidents: readonly Incident[], episodes: readonly ReportedEpisode[], range = ALL): readonly string[] {
  return reconcile({ report: { range, episodes }, incidents, continueAfter: 3 }).map(shown);
}

function shown(effect: Effect): string {
  switch (effect.kind) {
    case 'open': {
      const { continues, splitFrom, episode: one } = effect;
      const link = continues === null ? '' : ` continues ${continues}`;
      return `open ${one.firstBreachAt - T0_S}${link}${splitFrom === null ? '' : ` from ${splitFrom}`}`;
    }
    case 'merge':
      return `merge ${effect.incident.id} into ${effect.into}`;
    case 'withdraw':
      return `withdraw ${effect.incident.id}`;
    default:
      return `${effect.kind} ${effect.incident.id} ${effect.episode.firstBreachAt - T0_S}`;
  }
}

describe('claims', () => {
  it('go to the episode that contains the opening breach instant, although another shares more', () => {
    const one = incident(1, 10, 100);
    expect(effects([one], [episode(5, 15), episode(20, 100)])).toEqual(['update INC-1 5', 'open 20 from INC-1']);
  });

  it('else to the one that shares most; of equals to the earlier', () => {
    const one = incident(1, 10, 100);
    expect(effects([one], [episode(20, 30), episode(40, 90)])).toEqual(['update INC-1 40', 'open 20 from INC-1']);
    expect(effects([one], [episode(20, 30), episode(40, 50)])).toEqual(['update INC-1 20', 'open 40 from INC-1']);
  });

  it('need a shared second: what lies elsewhere is another episode', () => {
    expect(effects([incident(1, 10, 20)], [episode(30, 40)])).toEqual(['withdraw INC-1', 'open 30']);
  });

  it('are made by the eldest first, by number and not by text', () => {
    const joined = [episode(0, 100)];
    expect(effects([incident(10, 50, 60), incident(9, 80, 90)], joined)).toEqual([
      'update INC-9 0',
      'merge INC-10 into INC-9',
    ]);
  });
});

describe('a withdrawn incident', () => {
  it('comes back as itself, and takes in the younger one that is on its episode', () => {
    const gone = incident(1, 10, 20, { status: 'withdrawn' });
    expect(effects([gone], [episode(10, 20)])).toEqual(['return INC-1 10']);
    expect(effects([gone, incident(2, 30, 40)], [episode(10, 40)])).toEqual([
      'return INC-1 10',
      'merge INC-2 into INC-1',
    ]);
  });

  it('stays withdrawn without an episode', () => {
    expect(effects([incident(1, 10, 20, { status: 'withdrawn' })], [])).toEqual([]);
  });
});

describe('a merged incident', () => {
  it('stays merged: what splits off again opens, and says from which', () => {
    const merged = incident(2, 80, 90, { status: 'merged', mergedInto: 'INC-1' });
    expect(effects([incident(1, 0, 100), merged], [episode(0, 50), episode(80, 100)])).toEqual([
      'update INC-1 0',
      'open 80 from INC-1',
    ]);
  });
});

describe('a resolved incident', () => {
  it('without an episode keeps its verdict', () => {
    expect(effects([resolvedBy(incident(1, 10, 20))], [])).toEqual([]);
  });

  it('beside an open one leaves the episode to it', () => {
    const both = [resolvedBy(incident(1, 10, 20)), incident(2, 30, 40)];
    expect(effects(both, [episode(10, 40, { attemptCount: 99 })])).toEqual(['update INC-2 10']);
  });

  it('with others covers what all of them saw; of a chain the last one counts', () => {
    const apart = [resolvedBy(incident(1, 10, 20)), resolvedBy(incident(2, 30, 40))];
    expect(effects(apart, [episode(10, 40, { attemptCount: 8 })])).toEqual(['update INC-2 10']);
    expect(effects(apart, [episode(10, 40, { attemptCount: 9 })])).toEqual(['open 10 continues INC-2']);
    const chain = [
      resolvedBy(incident(1, 10, 20)),
      resolvedBy(incident(2, 10, 40, { attemptCount: 8, continues: 'INC-1' })),
    ];
    expect(effects(chain, [episode(10, 40, { attemptCount: 10 })])).toEqual(['update INC-2 10']);
    expect(effects(chain, [episode(10, 40, { attemptCount: 11 })])).toEqual(['open 10 continues INC-2']);
  });

  it('of a sum is measured by the money, not by the attempts', () => {
    const sum = { count: 'sum(amount)', currency: 'eur' } as const;
    const base = resolvedBy(incident(1, 10, 20, sum));
    const seen = base.resolved === null ? base : { ...base, resolved: { ...base.resolved, amount: 50_000 } };
    const grown = (amount: number): ReportedEpisode => {
      const one = episode(10, 20, { attemptCount: 90 });
      return { ...one, evidence: { ...one.evidence, amounts: [{ currency: 'eur', amount, count: 90 }] } };
    };
    const told = (amount: number) =>
      reconcile({ report: { range: ALL, episodes: [grown(amount)] }, incidents: [seen], continueAfter: 20_000 }).map(
        shown,
      );
    expect(told(69_999)).toEqual(['update INC-1 10']);
    expect(told(70_000)).toEqual(['open 10 continues INC-1']);
  });
});

describe('a range', () => {
  it('leaves alone what was opened outside of it', () => {
    expect(effects([incident(1, 10, 20)], [], from(11))).toEqual([]);
    expect(effects([incident(1, 10, 20)], [], until(10))).toEqual([]);
    expect(effects([incident(1, 10, 20)], [], until(11))).toEqual(['withdraw INC-1']);
  });

  it('does not open again what the other lane has open', () => {
    expect(effects([incident(1, 10, 20)], [episode(0, 30)], until(5))).toEqual([]);
    expect(effects([resolvedBy(incident(1, 10, 20))], [episode(0, 30)], until(5))).toEqual([]);
    expect(effects([resolvedBy(incident(1, 10, 20))], [episode(0, 30, { attemptCount: 9 })], until(5))).toEqual([
      'open 0 continues INC-1',
    ]);
  });

  it('reaches back for an episode that began before it and is told because it is still open', () => {
    expect(effects([incident(1, 10, 20)], [episode(10, 60)], from(30))).toEqual(['update INC-1 10']);
  });

  it('says nothing of an incident whose episode has come to begin before it', () => {
    const one = incident(1, 40, 50, { firstBreachAt: (T0_S + 10) * 1000 });
    expect(effects([one], [], from(30))).toEqual([]);
  });
});
