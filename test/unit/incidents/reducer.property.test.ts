// Whatever reports and clicks come, in whatever order: what must hold of the incidents afterwards.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evolve } from '../../../src/incidents/evolve.ts';
import { decide } from '../../../src/incidents/reducer.ts';
import { createState, type State } from '../../../src/incidents/state.ts';
import type { Change, Command, CommandBody } from '../../../src/model/commands.ts';
import type { ReportedEpisode } from '../../../src/model/episode.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { ANA, BEN, detectorSettings, ENGINE, episode, report, settingsCommand, T0_MS } from '../../support/decider.ts';

const ENTITIES = ['fp_a', 'fp_b'] as const;

/** Disjoint episodes, from the lengths of runs and gaps. */
const episodes = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 1, max: 40 }),
      length: fc.integer({ min: 0, max: 40 }),
      count: fc.integer({ min: 3, max: 30 }),
      over: fc.boolean(),
    }),
    { maxLength: 4 },
  )
  .map((runs) => {
    let at = 0;
    return runs.map(({ gap, length, count, over }): ReportedEpisode => {
      const from = at + gap;
      at = from + length;
      return episode(from, at, { attemptCount: count, over, severity: count >= 8 ? 'critical' : 'warning' });
    });
  });

const incident = fc.integer({ min: 1, max: 6 }).map((number) => `INC-${number}`);

const body: fc.Arbitrary<CommandBody> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({ episodes, entity: fc.constantFrom(...ENTITIES), offset: fc.integer({ min: 0, max: 60 }) })
      .map(({ episodes: found, entity, offset }) =>
        report(offset, found, { entity: { kind: 'card', value: entity, label: entity } }),
      ),
  },
  { weight: 2, arbitrary: incident.map((id) => ({ type: 'acknowledge', incident: id }) as const) },
  { weight: 1, arbitrary: incident.map((id) => ({ type: 'unacknowledge', incident: id }) as const) },
  {
    weight: 3,
    arbitrary: fc
      .record({ id: incident, verdict: fc.constantFrom('fraud', 'dunning', 'unsure') })
      .map(({ id, verdict }) => ({ type: 'resolve', incident: id, verdict, note: 'seen' }) as const),
  },
  { weight: 1, arbitrary: incident.map((id) => ({ type: 'reopen', incident: id }) as const) },
  { weight: 1, arbitrary: incident.map((id) => ({ type: 'note', incident: id, note: 'ß'.repeat(900) }) as const) },
  {
    weight: 1,
    arbitrary: fc
      .record({ id: incident, forMs: fc.integer({ min: -5_000, max: 60_000 }) })
      .map(({ id, forMs }) => ({ type: 'mute', incident: id, until: T0_MS + forMs }) as const),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'timer' } as const) },
);

const story: fc.Arbitrary<readonly Command[]> = fc
  .array(fc.record({ body, aheadMs: fc.integer({ min: -2_000, max: 5_000 }), repeats: fc.boolean() }), {
    maxLength: 40,
  })
  .map((steps) => [
    {
      id: 'file',
      at: T0_MS,
      actor: ENGINE,
      body: settingsCommand(detectorSettings({ stormAfter: 2, escalation: [{ afterMs: 9_000, to: 'S0' }] })),
    },
    ...steps.map((step, index): Command => {
      // Now and then the same click comes twice.
      const id = step.repeats ? `click-${index % 5}` : `command-${index}`;
      const at = T0_MS + index * 1_000 + step.aheadMs;
      return { id, at, actor: step.body.type === 'report' ? ENGINE : index % 2 === 0 ? ANA : BEN, body: step.body };
    }),
  ]);

type Told = { readonly state: State; readonly changes: readonly Change[]; readonly command: Command };

function* tell(commands: readonly Command[]): Generator<Told> {
  let state = createState();
  for (const [offset, command] of commands.entries()) {
    const changes = decide(state, command, offset);
    state = evolve(state, changes);
    yield { state, changes, command };
  }
}

const allChanges = (commands: readonly Command[]): readonly Change[] =>
  [...tell(commands)].flatMap(({ changes }) => changes);
const isUnresolved = ({ status }: Incident): boolean => status === 'open' || status === 'acknowledged';
const covers = (one: Incident, { firstBreachAt, lastBreachAt }: ReportedEpisode): boolean =>
  one.firstBreachAt <= lastBreachAt * 1000 && firstBreachAt * 1000 <= one.lastBreachAt;
const holds = (check: (commands: readonly Command[]) => void): void =>
  fc.assert(fc.property(story, check), { numRuns: 300 });

describe('the reducer', () => {
  it('gives every episode of an accepted report an incident, at most one of them unresolved', () => {
    holds((commands) => {
      for (const { state, changes, command } of tell(commands)) {
        if (command.body.type !== 'report' || changes[0]?.report === undefined) continue;
        const { entity, episodes: told } = command.body;
        const mine = [...state.incidents.values()].filter((one) => one.entity.value === entity.value);
        const unresolved = mine.filter(isUnresolved);
        const spans = unresolved.map((one) => `${one.firstBreachAt}-${one.lastBreachAt}-${one.attemptCount}`);
        expect(new Set(spans).size).toBe(spans.length);
        const stated = told.map((one) => `${one.firstBreachAt * 1000}-${one.lastBreachAt * 1000}-${one.attemptCount}`);
        expect(spans.filter((span) => !stated.includes(span))).toEqual([]);
        for (const one of told) {
          const handled = mine.filter(
            (each) => covers(each, one) && (isUnresolved(each) || each.status === 'resolved'),
          );
          expect(handled.length).toBeGreaterThan(0);
        }
      }
    });
  });

  it('is never silent after a resolution: more than the resolvers saw is an open incident', () => {
    holds((commands) => {
      for (const { state, changes, command } of tell(commands)) {
        if (command.body.type !== 'report' || changes[0]?.report === undefined) continue;
        const { entity, episodes: told } = command.body;
        const mine = [...state.incidents.values()].filter((one) => one.entity.value === entity.value);
        for (const one of told) {
          if (mine.some((each) => isUnresolved(each) && covers(each, one))) continue;
          const seen = mine.flatMap((each) => (each.resolved !== null && covers(each, one) ? [each.resolved] : []));
          expect(one.attemptCount - seen.reduce((sum, { attemptCount }) => sum + attemptCount, 0)).toBeLessThan(3);
          if (one.severity === 'critical') expect(seen.map(({ severity }) => severity)).toContain('critical');
        }
      }
    });
  });

  it('never loses a verdict, but to reopen', () => {
    holds((commands) => {
      const verdicts = new Map<string, string>();
      for (const { state, changes } of tell(commands)) {
        for (const { type, incident: one } of changes) {
          if (one !== null && type === 'resolved') verdicts.set(one.id, one.resolved?.verdict ?? '');
          if (one !== null && type === 'reopened') verdicts.delete(one.id);
        }
        for (const [id, verdict] of verdicts)
          expect(state.incidents.get(id)).toMatchObject({ status: 'resolved', resolved: { verdict } });
      }
    });
  });

  it('answers each command with changes that count on: positions, versions, numbers, time', () => {
    holds((commands) => {
      const versions = new Map<string, number>();
      let numbered = 0;
      let time = 0;
      for (const [offset, { changes }] of [...tell(commands)].entries()) {
        expect(changes.map(({ position }) => position)).toEqual(changes.map((_, index) => ({ offset, index })));
        for (const { type, incident: one, at, refusal } of changes) {
          expect(at).toBeGreaterThanOrEqual(time);
          time = at;
          expect(refusal !== null).toBe(type === 'refused');
          if (one === null) continue;
          if (type === 'opened') {
            numbered += 1;
            expect(one.id).toBe(`INC-${numbered}`);
          }
          const before = versions.get(one.id) ?? 0;
          expect(one.version).toBe(type === 'refused' || type === 'seen' ? before : before + 1);
          versions.set(one.id, one.version);
          expect(Buffer.byteLength(JSON.stringify(one))).toBeLessThanOrEqual(4_096);
        }
      }
    });
  });

  it('ignores reports that are not newer, whatever they say', () => {
    holds((commands) => {
      const newest = new Map<string, number>();
      for (const { changes, command } of tell(commands)) {
        if (command.body.type !== 'report') continue;
        const { asOf, entity } = command.body;
        const isNewer = asOf.offset > (newest.get(entity.value) ?? -1);
        expect(changes[0]?.report !== undefined).toBe(isNewer);
        if (isNewer) newest.set(entity.value, asOf.offset);
        else expect(changes.map(({ type }) => type)).toEqual(['seen']);
      }
    });
  });

  it('gives the same changes again, and after a restart at any point from what was written', () => {
    fc.assert(
      fc.property(story, fc.nat(), (commands, at) => {
        const whole = allChanges(commands);
        expect(allChanges(commands)).toEqual(whole);
        const stop = at % (commands.length + 1);
        let state = createState();
        for (let offset = 0; offset < stop; offset++) {
          const written = whole.filter(({ position }) => position.offset === offset);
          state = evolve(state, JSON.parse(JSON.stringify(written)) as Change[]);
        }
        const rest = commands.slice(stop).flatMap((command, index) => {
          const changes = decide(state, command, stop + index);
          state = evolve(state, changes);
          return changes;
        });
        expect(rest).toEqual(whole.filter(({ position }) => position.offset >= stop));
      }),
      { numRuns: 300 },
    );
  });
});
