// Random incidents, random hands, lost answers: never a row lost, doubled or mixed up, never a note moved to another incident.
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Item } from '../../src/deliveries/sink.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { DeliveryPlace } from '../../src/model/delivery.ts';
import type { Incident } from '../../src/model/incident.ts';
import { createSheetsClient } from '../../src/sinks/sheets-client.ts';
import { createSheetsSink } from '../../src/sinks/sheets-sink.ts';
import { ownTurn } from '../support/fake-sink.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { sampleIncident } from '../support/sample-incident.ts';

const { signal } = new AbortController();

type Hand = (google: LocalSheets, pick: number) => void;

const idsOf = (google: LocalSheets): string[] => google.incidentIds();
const one = (google: LocalSheets, pick: number): string | undefined =>
  idsOf(google)[pick % Math.max(1, idsOf(google).length)];

/** What a person may do without losing anything of the program's. */
const HANDS: Readonly<Record<string, Hand>> = {
  sort: (google, pick) =>
    google.hands.sort('Incidents', pick % 2 === 0 ? 'Incident' : 'Peak', {
      isDescending: pick % 3 === 0,
      doMarksFollow: pick % 5 === 0,
    }),
  insertRow: (google, pick) => google.hands.insertRow('Incidents', 1 + (pick % 6)),
  moveRow: (google, pick) => {
    const id = one(google, pick);
    if (id !== undefined) google.hands.moveRow('Incidents', id, 1 + (pick % 9));
  },
  note: (google, pick) => {
    const id = one(google, pick);
    if (id !== undefined) google.hands.type('Incidents', id, 'Notes', `about ${id}`);
  },
  scribble: (google, pick) => {
    const id = one(google, pick);
    if (id !== undefined) google.hands.type('Incidents', id, 'Peak', '=1/0');
  },
};
/** Columns are moved only between writes: a move in the very moment may cost cells, as the documentation says. */
const COLUMN_HANDS: Readonly<Record<string, Hand>> = {
  insertColumn: (google, pick) => google.hands.insertColumn('Incidents', pick % 8),
  moveNotes: (google, pick) => google.hands.moveColumn('Incidents', 'Notes', pick % 20),
  moveId: (google, pick) => google.hands.moveColumn('Incidents', 'Incident', pick % 10),
};

const hand = (hands: Readonly<Record<string, Hand>>) =>
  fc.record({ name: fc.constantFrom(...Object.keys(hands)), pick: fc.nat(100) });
const step = fc.oneof(
  fc.record({
    kind: fc.constant('deliver' as const),
    ids: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('hand' as const), hand: hand({ ...HANDS, ...COLUMN_HANDS }) }),
  fc.record({ kind: fc.constant('between' as const), hand: hand(HANDS) }),
  fc.record({ kind: fc.constant('delete' as const), pick: fc.nat(100) }),
  fc.record({ kind: fc.constant('fault' as const), fault: fc.constantFrom('lost' as const, 'drop' as const, 503) }),
);

/** Waiting costs nothing. */
let nowMs = 1_800_000_000_000;
const clock: Clock = {
  now: () => nowMs,
  sleep: async (ms) => {
    nowMs += ms;
  },
};

it('every incident has exactly one row, its own', { timeout: 120_000 }, async () => {
  const google = await startLocalSheets({ now: clock.now });
  const { spreadsheetId: sheetId, credentialsFile, url } = google;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      google.reset();
      const states = new Map<string, Incident>();
      const sink = createSheetsSink({
        client: createSheetsClient({ settings: { sheetId, credentialsFile, url }, clock, timeoutMs: 5_000 }),
        stateOf: (id) => states.get(id) ?? null,
        consoleUrl: 'http://127.0.0.1:4243',
        clock,
        logger: pino({ level: 'silent' }),
      });
      const places = new Map<string, DeliveryPlace>();
      const deleted = new Set<string>();
      /** As the loop does it: what may have been written is looked up before it is sent again. */
      const deliver = async (incidents: readonly Incident[]): Promise<void> => {
        let pending = incidents;
        for (let tries = 0; pending.length > 0 && tries < 8; tries += 1) {
          nowMs += 120_000;
          const items = pending.map(
            (incident): Item => ({ incident, slot: 'row', place: places.get(incident.id) ?? null, main: null }),
          );
          const fresh = items.filter(({ place }) => place === null);
          if (tries > 0 && fresh.length > 0) {
            const found = await sink
              .lookUp(
                fresh.map((item) => ({ ...item, sinceMs: 0 })),
                signal,
              )
              .catch(() => null);
            if (found === null) continue;
            fresh.forEach(({ incident }, n) => {
              const place = found[n];
              if (place !== null && place !== undefined && place !== 'unknown') places.set(incident.id, place);
            });
          }
          const results = await sink.deliver(
            items.map((item) => ({ ...item, place: places.get(item.incident.id) ?? null })),
            ownTurn(signal),
          );
          pending = pending.filter((incident, n) => {
            const result = results[n];
            if (result?.outcome === 'delivered') places.set(incident.id, result.place);
            return result?.outcome !== 'delivered';
          });
        }
        expect(pending).toEqual([]);
      };
      const update = (n: number): Incident => {
        const id = `INC-${n}`;
        const version = (states.get(id)?.version ?? 0) + 1;
        const incident = sampleIncident({ id, version, peak: n * 1000 + version, title: `No. ${n}` });
        states.set(id, incident);
        return incident;
      };
      await deliver([update(1), update(2)]);
      for (const one of steps) {
        if (one.kind === 'deliver') await deliver(one.ids.map(update));
        else if (one.kind === 'hand') ({ ...HANDS, ...COLUMN_HANDS })[one.hand.name]?.(google, one.hand.pick);
        else if (one.kind === 'between') google.between('write', () => HANDS[one.hand.name]?.(google, one.hand.pick));
        else if (one.kind === 'fault') google.fault({ on: 'write', kind: one.fault, times: 1 });
        else {
          const id = idsOf(google)[one.pick % Math.max(1, idsOf(google).length)];
          if (id === undefined) continue;
          google.hands.deleteRow('Incidents', id);
          deleted.add(id);
        }
      }
      // Everything once more, so that what was scribbled is over.
      await deliver([...states.values()].map(({ id }) => update(Number(id.slice(4)))));
      await deliver([...states.values()].map(({ id }) => update(Number(id.slice(4)))));
      const alive = [...states.keys()].filter((id) => !deleted.has(id)).sort();
      expect([...idsOf(google)].sort()).toEqual(alive);
      for (const id of alive) {
        const row = google.hands.row('Incidents', id);
        expect(row).toMatchObject({
          Incident: id,
          Peak: states.get(id)?.peak,
          Title: `No. ${id.slice(4)}`,
          Status: 'open',
        });
        expect(['', `about ${id}`]).toContain(row.Notes);
      }
    }),
    { numRuns: 20, endOnFailure: true },
  );
  await google.close();
});
