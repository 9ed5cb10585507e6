// Most attempts succeed, and most detectors ask only for those that do not: their records are told by their first characters and
// left unread. What is left out is remembered, so that an attempt of which another view counts is read whole after all.
import type { FoldRecord } from '../detectors/fold.ts';
import type { DetectorSettings } from '../model/detector.ts';

/** No attempt that succeeded can count for any of them. */
export function askForFailuresOnly(detectors: readonly DetectorSettings[]): boolean {
  return detectors.every(
    ({ on, count, where, of, at }) =>
      on === 'attempt' && count !== 'ratio' && of === null && at === null && excludesSuccess(where),
  );
}

/** One of the claims that must all hold names outcomes, and success is none of them. Anything that is not plain is not taken. */
function excludesSuccess(where: string): boolean {
  if (/\|\||\?|\\/.test(where)) return false;
  return where.split('&&').some((claim) => {
    const [, listed] = /^\s*outcome\s+in\s+\[((?:\s*"[a-z_]+"\s*,?)+)\]\s*$/.exec(claim) ?? [];
    const [, named] = /^\s*outcome\s*==\s*"([a-z_]+)"\s*$/.exec(claim) ?? [];
    if (listed !== undefined) return !listed.includes('"succeeded"');
    return named !== undefined && named !== 'succeeded';
  });
}

/** The beginning of a view of a success (src/attempts/wire.ts); anything else is read as usual. */
const SUCCESS =
  /^\[\d+,\d+,\d+,[01],[01],[01],\d,(?:null|"[^"\\]*"),"([^"\\]*)",\d,\d+,"[^"\\]*","[^"\\]*",-?\d+,"succeeded"[,\]]/;

const successOf = (value: string): string | null => SUCCESS.exec(value)?.[1] ?? null;

export type SkippedSuccesses = {
  /** Whether to leave the record out. */
  readonly skips: (value: string) => boolean;
  /** What is read all the same. */
  readonly see: (record: FoldRecord) => void;
  /** Attempts of which one view was left out and another read. */
  readonly torn: () => ReadonlySet<string>;
};

export function createSkippedSuccesses(): SkippedSuccesses {
  const skipped = new Set<number>();
  const seen = new Set<number>();
  const torn = new Set<string>();
  return {
    skips: (value) => {
      const attempt = successOf(value);
      if (attempt === null) return false;
      const hash = hashOf(attempt);
      skipped.add(hash);
      if (seen.has(hash)) torn.add(attempt);
      return true;
    },
    see: (record) => {
      if (record.record !== 'view') return;
      const hash = hashOf(record.attempt);
      seen.add(hash);
      if (skipped.has(hash)) torn.add(record.attempt);
    },
    torn: () => torn,
  };
}

/** For a second reading: successes of other attempts stay unread. */
export const skipsAllBut =
  (attempts: ReadonlySet<string>) =>
  (value: string): boolean => {
    const attempt = successOf(value);
    return attempt !== null && !attempts.has(attempt);
  };

/** 53 bits: of a million attempts none meet by chance, and if two did, one more would be read. */
function hashOf(text: string): number {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b);
  }
  return (a >>> 0) * 0x200000 + ((b ^ (b >>> 13)) >>> 11);
}
