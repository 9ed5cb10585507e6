// Reads a mapping field by field, so that one broken field hides no other: what is sound comes back, what is not becomes
// a problem with its path, what is wrong and the cure.
import type { z } from 'zod';
import type { ErrorDetail } from '../model/errors.ts';

export type Shape = Readonly<Record<string, z.ZodType>>;

/** What could be read: a field that is absent or broken is missing. */
export type Fields<S extends Shape> = { readonly [K in keyof S]?: Exclude<z.infer<S[K]>, undefined> };

export type Told = (path: string, message: string) => void;

const MAX_SHOWN = 60;

/** Null if the value is no mapping at all; then that is the one problem. */
export function readFields<S extends Shape>(shape: S, value: unknown, told: Told): Fields<S> | null {
  if (!isMapping(value)) {
    told('', `must be a mapping of fields, not ${kindOf(value)}`);
    return null;
  }
  for (const name of Object.keys(value))
    if (!Object.hasOwn(shape, name)) told(shown(name), unknownField(name, Object.keys(shape)));
  const fields: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(shape)) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    const parsed = type.safeParse(given, { error: wordsOf });
    if (!parsed.success) for (const issue of parsed.error.issues) tellIssue(issue, name, told);
    const sound = parsed.success ? parsed.data : soundPart(type, given, parsed.error.issues);
    if (sound !== undefined) fields[name] = sound;
  }
  return fields as Fields<S>;
}

/** A mapping without its broken fields, so that those that are sound can be held against others; undefined if that is none. */
function soundPart(type: z.ZodType, given: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  if (!isMapping(given)) return undefined;
  const broken = new Set(issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : issue.path[0])));
  const rest = Object.fromEntries(Object.entries(given).filter(([name]) => !broken.has(name)));
  return type.safeParse(rest).data;
}

function tellIssue(issue: z.core.$ZodIssue, name: string, told: Told): void {
  const path = [name, ...issue.path.map((part) => shown(String(part)))].join('.');
  if (issue.code !== 'unrecognized_keys') told(path, issue.message);
  else for (const key of issue.keys) told(`${path}.${shown(key)}`, unknownField(key, []));
}

/** What zod would say in its own terms, in the reader's. Messages that a type brings itself come before these. */
function wordsOf(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined && issue.code !== 'unrecognized_keys') return 'is missing: add it';
  if (issue.input === null) return 'is empty: give it a value, or remove the line';
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, issue.input);
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `needs at least ${issue.minimum} ${issue.origin === 'string' ? 'characters' : 'entries'}`
        : `must be ${issue.minimum} or more`;
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `takes at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'entries'}`
        : `must be ${issue.maximum} or less`;
    default:
      return undefined;
  }
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of fields',
  record: 'a mapping of names to text',
};

function wrongType(expected: string, input: unknown): string {
  const isPlain = typeof input === 'number' || typeof input === 'boolean';
  const cure = expected === 'string' && isPlain ? ': put it in quotes' : '';
  const given = Number.isFinite(input) && !Number.isInteger(input) ? 'a fraction' : kindOf(input);
  return `must be ${EXPECTED[expected] ?? expected}, not ${given}${cure}`;
}

export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : String(value);
  return typeof value === 'boolean' ? 'true or false' : 'a mapping';
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function unknownField(name: string, known: readonly string[]): string {
  if (name === '<<') return 'is no field: merge keys are not supported here, write the fields out';
  const near = known.find((candidate) => isNear(candidate.toLowerCase(), name.toLowerCase()));
  if (near !== undefined) return `is not known here: did you mean ${near}?`;
  return 'is not known here: check its spelling, or remove it';
}

/** Equal, or one character more, less or other, or two neighbours swapped. */
function isNear(a: string, b: string): boolean {
  if (a === b) return true;
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  if (restA.slice(1) === restB || restA === restB.slice(1) || restA.slice(1) === restB.slice(1)) return true;
  return restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
}

const shown = (name: string): string => (name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name);

/** The same, with paths that begin further in. What is broken is told once: that it cannot be used follows from it. */
export function pathIn(prefix: string, told: Told): Told {
  const known = new Set<string>();
  return (path, message) => {
    if (known.has(path)) return;
    known.add(path);
    told([prefix, path].filter((part) => part !== '').join('.'), message);
  };
}

/** A hostile file could have a problem a line: more than this helps nobody. */
const MAX_PROBLEMS = 200;

export function collect(): { readonly problems: ErrorDetail[]; readonly told: Told } {
  const problems: ErrorDetail[] = [];
  const told: Told = (path, message) => void (problems.length < MAX_PROBLEMS && problems.push({ path, message }));
  return { problems, told };
}
