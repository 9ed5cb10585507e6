import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRecordEraser } from '../../../src/erasure/erase-record.ts';
import { erasingLog } from '../../../src/erasure/erasing-log.ts';
import { openErasures } from '../../../src/erasure/erasures.ts';
import { loadState } from '../../../src/incidents/load.ts';
import { decide } from '../../../src/incidents/reducer.ts';
import { encode } from '../../../src/log/codec.ts';
import type { Change } from '../../../src/model/commands.ts';
import { type EraseCommand, MAX_SUBJECTS } from '../../../src/model/erasure.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { tokenOf } from '../../../src/model/mask-erased.ts';
import { erasedName, identityOfName } from '../../../src/model/mask-names.ts';
import { ANA, type Desk, episode, evidence, openDesk, report, T0_MS } from '../../support/decider.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const PII_KEY = '22'.repeat(32);
const CARD = { kind: 'card', value: 'fp_4242' } as const;
const OTHER = { kind: 'card', value: 'fp_other', label: 'visa •••• 1111' } as const;
const AS = erasedName(CARD, { piiKey: PII_KEY, nonce: 'one' });
const NAMED = { kind: 'card', value: identityOfName(AS), label: AS.slice(0, 13) };

const erase = (more: Partial<EraseCommand> = {}): EraseCommand => ({
  type: 'erase',
  subjects: [{ kind: 'card', token: tokenOf(CARD), as: AS }],
  attempts: ['ch_0_1', 'ch_0_2'],
  incidents: [],
  closed: [],
  ...more,
});

const incidentOf = (desk: Desk, id = 'INC-1'): Incident => {
  const incident = desk.state.incidents.get(id);
  if (incident === undefined) throw new Error(`there is no ${id}`);
  return incident;
};
const types = (changes: readonly Change[]): string[] =>
  changes.map(({ type, incident }) => `${type}${incident === null ? '' : ` ${incident.id}`}`);

describe('an erase, as the manager decides it', () => {
  it('gives an incident another name, and takes its members away; everything else stands', () => {
    const desk = openDesk();
    desk.tell(report(10, [episode(0, 60)]));
    const before = incidentOf(desk);
    expect(types(desk.tell(erase(), ANA))).toEqual(['erased', 'erased INC-1']);
    const { entity, evidence: shown, erased, version, updatedAt, ...rest } = incidentOf(desk);
    expect(entity).toEqual(NAMED);
    expect(shown).toEqual({ ...before.evidence, newest: [], trigger: null });
    expect(erased).toEqual({ at: T0_MS + 2_000, number: 1, version: before.version + 1 });
    expect([version, updatedAt]).toEqual([before.version + 1, T0_MS + 2_000]);
    expect(before).toMatchObject(rest);
    expect(desk.last[0]?.erasure).toMatchObject({ number: 1, offset: 2, at: T0_MS + 2_000 });
  });

  it('goes on with the incident by its new name: nothing opens, nothing is told that is known', () => {
    const desk = openDesk();
    desk.tell(report(10, [episode(0, 60)]));
    desk.tell(erase(), ANA);
    const known = { ...evidence(['a', 'b', 'c']), newest: [], trigger: null };
    const same = episode(0, 60, { evidence: { ...incidentOf(desk).evidence } });
    expect(types(desk.tell(report(11, [same], { entity: NAMED as never, erased: 1 })))).toEqual(['seen']);
    const grown = episode(0, 90, { attemptCount: 4, evidence: known });
    expect(types(desk.tell(report(12, [grown], { entity: NAMED as never, erased: 1 })))).toEqual(['grew INC-1']);
  });

  it('takes a report of who did not know yet as if they had', () => {
    const desk = openDesk();
    desk.tell(report(10, [episode(0, 60)]));
    desk.tell(erase(), ANA);
    expect(types(desk.tell(report(11, [episode(0, 90, { attemptCount: 4 })])))).toEqual(['grew INC-1']);
    expect(incidentOf(desk)).toMatchObject({ entity: NAMED, attemptCount: 4, evidence: { newest: [] } });
    expect(desk.state.incidents.size).toBe(1);
  });

  it('opens a new incident for who comes again', () => {
    const desk = openDesk();
    desk.tell(report(10, [episode(0, 60)]));
    desk.tell(erase(), ANA);
    expect(types(desk.tell(report(11, [episode(200, 260)], { erased: 1 })))).toEqual(['opened INC-2']);
    expect(incidentOf(desk, 'INC-2').entity).toMatchObject(CARD);
    expect(incidentOf(desk).status).toBe('open');
  });

  it('keeps a verdict, and a mute hides the erased only', () => {
    const desk = openDesk();
    desk.tell(report(10, [episode(0, 60)]));
    desk.tell({ type: 'mute', incident: 'INC-1', until: T0_MS + 3_600_000 }, ANA);
    desk.tell({ type: 'resolve', incident: 'INC-1', verdict: 'fraud', note: '' }, ANA);
    desk.tell(erase(), ANA);
    expect(incidentOf(desk)).toMatchObject({ status: 'resolved', resolved: { verdict: 'fraud' }, entity: NAMED });
    desk.tell(report(11, [episode(200, 260)], { erased: 1 }));
    expect(incidentOf(desk, 'INC-2').mutedUntil).toBeNull();
  });

  it('bares the attempts where another incident tells of them, and tells anew what was named', () => {
    const desk = openDesk();
    desk.tell(report(10, [episode(0, 60)], { entity: OTHER }));
    desk.tell(
      report(10, [episode(0, 60, { evidence: evidence(['x', 'y', 'z']) })], {
        entity: { ...OTHER, value: 'fp_third' },
      }),
    );
    expect(types(desk.tell(erase({ incidents: ['INC-2', 'INC-77'] }), ANA))).toEqual([
      'erased',
      'erased INC-1',
      'erased INC-2',
    ]);
    expect(incidentOf(desk).evidence.newest.map(({ id, card }) => [id, card])).toEqual([
      ['ch_0_3', 'visa •••• 4242'],
      ['ch_0_2', 'visa •••• ????'],
      ['ch_0_1', 'visa •••• ????'],
    ]);
    expect(incidentOf(desk).entity).toEqual(OTHER);
  });

  it('tells of an incident that was let go of once more, as it was sent', () => {
    const desk = openDesk();
    desk.tell(report(10, [episode(0, 60)]));
    const sent = { ...incidentOf(desk), entity: NAMED as never };
    desk.state.incidents.delete('INC-1');
    expect(types(desk.tell(erase({ closed: [sent, { ...sent, id: 'INC-9' }] }), ANA))).toEqual([
      'erased',
      'erased INC-1',
    ]);
  });

  it('is refused for nobody, and for more than a command may hold', () => {
    const desk = openDesk();
    expect(types(desk.tell(erase({ subjects: [] }), ANA))).toEqual(['refused']);
    const many = Array.from({ length: MAX_SUBJECTS + 1 }, () => ({ kind: 'card', token: 't', as: AS }) as const);
    expect(types(desk.tell(erase({ subjects: many }), ANA))).toEqual(['refused']);
    expect(desk.state.erasures).toEqual([]);
  });

  it('asked twice at once, is decided twice and changes something once', () => {
    const desk = openDesk();
    desk.tell(report(10, [episode(0, 60)]));
    desk.tell(erase(), ANA);
    expect(types(desk.tell(erase(), ANA))).toEqual(['erased']);
    expect(desk.state.erasures.map(({ number }) => number)).toEqual([1, 2]);
  });
});

describe('loaded from a log that still has the person', () => {
  let temp: TempLog;
  beforeEach(async () => {
    temp = await openTempLog();
  });
  afterEach(async () => await temp.close());

  it('the state is the one that was left, and what was not relayed is found', async () => {
    const desk = openDesk();
    desk.tell(report(10, [episode(0, 60)]));
    desk.tell(report(10, [episode(0, 60)], { entity: OTHER }));
    desk.tell(erase(), ANA);
    desk.tell(report(11, [episode(200, 260)], { erased: 1 }));
    desk.tell({ type: 'acknowledge', incident: 'INC-1' }, ANA);
    for (const { body, ...command } of desk.commands)
      await temp.log.append('commands', [
        { key: null, value: encode('commands', { ...command, body }), timeMs: command.at },
      ]);
    for (const change of desk.changes)
      await temp.log.append('incidents', [{ key: null, value: encode('incidents', change), timeMs: change.at }]);
    const { erasures } = await loadState(temp.log);
    expect(erasures.map(({ number }) => number)).toEqual([1]);
    for (const erasure of erasures)
      await temp.log.append('erasures', [{ key: '1', value: encode('erasures', erasure), timeMs: T0_MS }]);
    const known = await openErasures({ log: temp.log, logger: pino({ level: 'silent' }), group: 'test' });
    for (const log of [temp.log, erasingLog(temp.log, known, PII_KEY)]) {
      const { state } = await loadState(log);
      // The newest command is decided again.
      const [newest] = desk.commands.slice(-1);
      const again = decide(state, newest ?? null, desk.commands.length - 1);
      expect(types(again)).toEqual(['acknowledged INC-1']);
      const withoutNewest = new Map(desk.state.incidents);
      withoutNewest.delete('INC-1');
      expect([...state.incidents.values()].filter(({ id }) => id !== 'INC-1')).toEqual([...withoutNewest.values()]);
      expect([...state.keys].map(([key, { incidents }]) => [key, [...incidents]]).sort()).toEqual(
        [...desk.state.keys].map(([key, { incidents }]) => [key, [...incidents]]).sort(),
      );
    }
    await known.close();
  });

  it('a record of before comes without them, one of after as it is', () => {
    const desk = openDesk();
    desk.tell(report(10, [episode(0, 60)]));
    desk.tell(erase(), ANA);
    const eraser = createRecordEraser(desk.state.erasures, PII_KEY);
    const stored = (change: Change) => ({
      partition: 0,
      offset: 0,
      key: 'INC-1',
      value: encode('incidents', change),
      timeMs: change.at,
    });
    const texts = desk.changes.map((change) => eraser('incidents', stored(change))?.value ?? null);
    expect(texts.map((text) => text !== null)).toEqual([false, true, false, false]);
    expect(texts[1]).toContain(NAMED.value);
    expect(texts[1]).not.toContain('fp_4242');
    expect(texts[1]).not.toContain('4242"');
  });
});
