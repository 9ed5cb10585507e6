// An output that a test drives: it notes what it is given and answers as told.
import type { Item, Result, Sink, Turn } from '../../src/deliveries/sink.ts';
import type { DeliveryPlace } from '../../src/model/delivery.ts';

/** Nobody else may tell. */
export const ownTurn = (signal = new AbortController().signal): Turn => ({ signal, isOurs: async () => true });

export type FakeSink = Sink & {
  /** What was carried out: incident, version, slot. */
  readonly delivered: string[];
  readonly calls: (readonly Item[])[];
  readonly lookedUp: string[];
  /** Where things stand; a look-up finds them here. */
  readonly standing: Map<string, DeliveryPlace>;
  /** Answers of the next calls, one for each item; when empty, everything is delivered. */
  readonly answers: (Result | 'delivered' | 'carried out, answer lost')[];
  /** Calls under way wait while this is set. */
  hold: Promise<void> | null;
};

export function fakeSink(overrides: Partial<Sink> = {}): FakeSink {
  const sink: FakeSink = {
    slot: 'row',
    batch: { maxSize: 1, everyMs: 0 },
    parallel: 4,
    accepts: () => 'now',
    delivered: [],
    calls: [],
    lookedUp: [],
    standing: new Map(),
    answers: [],
    hold: null,
    deliver: async (items) => {
      sink.calls.push(items);
      if (sink.hold !== null) await sink.hold;
      return items.map((item) => answer(item, sink.answers.shift() ?? 'delivered'));
    },
    lookUp: async (items) =>
      items.map(({ incident, slot }) => {
        sink.lookedUp.push(`${incident.id} ${slot}`);
        return sink.standing.get(`${incident.id} ${slot}`) ?? null;
      }),
    ...overrides,
  };

  function answer(item: Item, told: FakeSink['answers'][number]): Result {
    const { incident, slot } = item;
    if (typeof told === 'object') return told;
    const place = item.place ?? { row: sink.standing.size + 1 };
    sink.standing.set(`${incident.id} ${slot}`, place);
    sink.delivered.push(`${incident.id} v${incident.version} ${slot}`);
    if (told === 'delivered') return { outcome: 'delivered', place };
    return { outcome: 'retry', scope: 'output', sent: 'maybe', error: 'answer lost' };
  }

  return sink;
}
