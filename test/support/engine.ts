// The engine's public face, for tests that must not know how it is made inside.
import { encodeAttemptsRecord } from '../../src/attempts/wire.ts';
import type { FoldRecord } from '../../src/detectors/fold.ts';
import type { FoldState } from '../../src/detectors/state.ts';
import { decodeFor } from '../../src/detectors/worker-decode.ts';

export {
  detailsOf,
  episodesOf,
  type FoldRecord,
  fold,
  keysOf,
} from '../../src/detectors/fold.ts';
export { finishRestore, restoreRows } from '../../src/detectors/restore.ts';
export { expire, liveFromS } from '../../src/detectors/retain.ts';
export { createState, type FoldState, statsOf } from '../../src/detectors/state.ts';

const NO_LETTERS = { nowMs: 0, poisoned: new Set<number>(), deadLettered: () => undefined };

/** As the worker of that state reads them: some come as bytes (Kafka), some as texts (SQLite). */
export function readFromLog(state: FoldState, records: readonly FoldRecord[]) {
  const stored = records.map((record, offset) => {
    const value = encodeAttemptsRecord(record);
    const one = { partition: 0, offset, key: null, value, timeMs: 0 };
    return offset % 2 === 0 ? one : { ...one, bytes: Buffer.from(value) };
  });
  return decodeFor(state, stored, NO_LETTERS).records;
}
