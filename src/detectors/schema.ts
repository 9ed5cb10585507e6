// detectors.yaml (design §5): read and validated with every problem at once (path, what is wrong, the cure), and turned
// into settings in full. Its tests are run by run-tests.ts.
import { type Document, parseDocument } from 'yaml';
import { z } from 'zod';
import type { DetectorSettings, GeneralSettings } from '../model/detector.ts';
import { type ErrorDetail, messageOf } from '../model/errors.ts';
import { checkDetector } from './detector-checks.ts';
import { DETECTOR_SHAPE, duration, SHARED_SHAPE, type SharedFields, settingsOf } from './detector-form.ts';
import { collect, kindOf, pathIn, readFields, type Told } from './read-fields.ts';
import type { DetectorTest } from './test-schema.ts';

export type DetectorsFile = {
  readonly general: GeneralSettings;
  readonly detectors: readonly DetectorSettings[];
  /** The `tests:` block of each detector, by name. */
  readonly tests: ReadonlyMap<string, readonly DetectorTest[]>;
};

export type ParsedDetectors = { readonly file: DetectorsFile } | { readonly problems: readonly ErrorDetail[] };

const MAX_FILE_CHARACTERS = 1_000_000;
const MAX_DETECTORS = 200;
/** Uses of anchors: a few shared values are fine, a file that unfolds without end is not. */
const MAX_ALIASES = 100;
const MAX_TEST_ATTEMPTS = 200_000;
const DAY_MS = 86_400_000;

/** window + quietFor + lateness must be within what the log keeps (35 days). */
const FILE_SHAPE = {
  lateness: duration({ min: 60_000, max: 14 * DAY_MS }).optional(),
  metadata: z
    .strictObject({
      ip: z.string().min(1).max(40).optional(),
      keys: z
        .array(z.string().regex(/^[^.[\]]{1,40}$/, 'is no metadata key: at most 40 characters, no dots or brackets'))
        .max(20)
        .optional(),
    })
    .optional(),
  ...SHARED_SHAPE,
  detectors: z.array(z.unknown()).max(MAX_DETECTORS, `takes at most ${MAX_DETECTORS} detectors`),
};

export function parseDetectors(text: string): ParsedDetectors {
  if (text.length > MAX_FILE_CHARACTERS)
    return { problems: [{ path: '', message: `The file is larger than ${MAX_FILE_CHARACTERS} characters.` }] };
  try {
    const document = parseDocument(text, { prettyErrors: true, version: '1.2', merge: false });
    const problems = syntaxProblems(document);
    return problems.length > 0 ? { problems } : validateDetectors(document.toJS({ maxAliasCount: MAX_ALIASES }));
  } catch (error) {
    // Anchors that unfold without end, for one.
    return { problems: [{ path: '', message: `The file cannot be read: ${inWords(messageOf(error))}.` }] };
  }
}

/** A warning of the parser is an unknown tag or directive: nothing of ours. */
function syntaxProblems({ errors, warnings }: Document): readonly ErrorDetail[] {
  return [...errors, ...warnings].slice(0, 50).map(({ message, linePos }) => ({
    path: `line ${linePos?.[0].line ?? '?'}`,
    message: `is no YAML that can be read here: ${inWords(message)}`,
  }));
}

export function validateDetectors(value: unknown): ParsedDetectors {
  const { problems, told } = collect();
  if (value === null || value === undefined)
    return { problems: [{ path: 'detectors', message: 'is missing: the file is empty' }] };
  const read = readFields(FILE_SHAPE, value, told);
  if (read === null) return { problems };
  const general: GeneralSettings = {
    latenessMs: read.lateness ?? 3 * DAY_MS,
    metadata: { ip: read.metadata?.ip ?? null, keys: [...new Set(read.metadata?.keys ?? [])] },
  };
  const detectors: DetectorSettings[] = [];
  const tests = new Map<string, readonly DetectorTest[]>();
  const names = new Set<string>();
  read.detectors?.forEach((given, index) => {
    const name = nameOf(given);
    const isTaken = name !== null && names.has(name);
    const toldHere = pathIn(`detectors.${name === null || isTaken ? index : name}`, told);
    if (isTaken) toldHere('name', `is used twice (${name}): give each detector a name of its own`);
    if (name !== null) names.add(name);
    const found = readDetector(given, { general, shared: read, told: toldHere });
    if (found === null) return;
    detectors.push(found.settings);
    tests.set(found.settings.name, found.tests);
  });
  const attempts = sizeOf([...tests.values()].flat());
  if (attempts > MAX_TEST_ATTEMPTS)
    told('detectors', `have tests of ${attempts} attempts in all: ${MAX_TEST_ATTEMPTS} at most`);
  return problems.length > 0 ? { problems } : { file: { general, detectors, tests } };
}

type DetectorParts = { readonly general: GeneralSettings; readonly shared: SharedFields; readonly told: Told };

/** Null if it has no settings; why has been told. */
function readDetector(given: unknown, { general, shared, told }: DetectorParts) {
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    told('', `must be a detector with name, count, where, …, not ${kindOf(given)}`);
    return null;
  }
  const fields = readFields(DETECTOR_SHAPE, given, told);
  if (fields === null) return null;
  const tests = fields.tests ?? [];
  checkDetector(fields, { metadata: general.metadata, tests, told });
  const settings = settingsOf(fields, shared);
  return settings === null ? null : { settings, tests };
}

/** For paths: a detector is easier found by its name than by its place. */
function nameOf(given: unknown): string | null {
  const name = (given as { name?: unknown } | null)?.name;
  return typeof name === 'string' && /^[a-z0-9-]{1,64}$/.test(name) ? name : null;
}

function sizeOf(tests: readonly DetectorTest[]): number {
  let size = 0;
  for (const { attempts = [], signals = [] } of tests)
    for (const { times = 1 } of [...attempts, ...signals]) size += times;
  return size;
}

function inWords(message: string): string {
  return message.includes('call stack') ? 'it is nested too deeply' : (message.split('\n', 1)[0] ?? message);
}
