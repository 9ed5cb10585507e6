// The engine's public face, for tests that must not know how it is made inside.
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
