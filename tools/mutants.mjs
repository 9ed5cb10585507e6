// Do the property tests have teeth? Each mutant below is one plausible mistake, made in a temporary copy of the source tree
// (never in this one); with at most 500 cases the property tests (and those of SUMMARY_TEST) must catch it.
//
//   node tools/mutants.mjs            all of them
//   node tools/mutants.mjs gap at     those whose name contains one of the words
//
// Prints a table; exit 1 if a mutant survives, or no longer fits the source. The tests themselves run with each mutant's
// copy under the seed of PROPERTY_SEED (default: that of CI).
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const CASES = '500';
const TIMEOUT_MS = 600_000;

const FOLD = 'src/detectors/fold.ts';
const CELLS = 'src/detectors/cells.ts';
const EPISODES = 'src/detectors/episodes.ts';
const SUBJECTS = 'src/detectors/subjects.ts';
const ROWS = 'src/detectors/attempt-rows.ts';
const DENSE = 'src/detectors/dense.ts';
const ENTITIES = 'src/detectors/entities.ts';
const AHEAD = 'src/detectors/ahead.ts';
const PACKED_SUBJECT = 'src/detectors/packed-subject.ts';
const TALLY = 'src/detectors/tally.ts';
const HITS = 'src/detectors/hit-table.ts';
const PLACE = 'src/detectors/place.ts';
const RETAIN = 'src/detectors/retain.ts';
const RULES = 'src/detectors/rules.ts';
const RUNNING = 'src/detectors/running.ts';
const SUMMARY = 'src/detectors/summary.ts';
/** Each way in which a running tally must go is a story of its own: few random ones come by it. */
const SUMMARY_TEST = 'test/unit/detectors/summary.test.ts';
const DISTINCT = 'src/detectors/distinct.ts';
const MERGE = 'src/attempts/merge.ts';
const TABLE = 'src/detectors/attempt-table.ts';

const OWN_LANE = "if (state.lane === 'live' && record.lane === 'history') continue;";
const SEEN_EVENTS = `${OWN_LANE}
      if (record.record === 'packed' || record.record === 'view') {
        const { id, layers } = record.record === 'packed' ? unpacked(state.attempts, record) : attemptOfView(record);
        const rank = layers[0]?.rank;
        const seen = ((state as { seen?: Set<string> }).seen ??= new Set());
        if (rank !== undefined && seen.has(rank.event)) continue;
        if (rank !== undefined) seen.add(rank.event);
      }`;
const SEEN_OBJECTS = SEEN_EVENTS.replaceAll('(rank.event)', '(id + rank.source)');
const THINNED = `const { time } = hit;
  const { list: all } = cells;
  const isInside = time > (all[0] ?? 0) && time < (all[all.length - stride] ?? 0);
  if (by === 1 && isInside && all.length >= 6 * stride) return;`;

const CUT = 'const agedS = Math.floor((state.greatestReceivedAt - horizonMs(state)) / 1000 / STEP_S) * STEP_S;';
const CUT_BY_EVENT_TIME = `let newestS = 0;
  for (const handle of handlesOf(state.attempts)) newestS = Math.max(newestS, state.attempts.times[handle] ?? 0);
  const agedS = Math.floor(newestS / STEP_S - 1) * STEP_S;`;

/** [name, file, what stands there, what the mutant makes of it] */
const MUTANTS = [
  [
    'window one second longer',
    CELLS,
    'return { count, windowS, stride:',
    'return { count, windowS: windowS + 1, stride:',
  ],
  [
    'window one second shorter',
    CELLS,
    'return { count, windowS, stride:',
    'return { count, windowS: windowS - 1, stride:',
  ],
  ['gap one second longer', EPISODES, '<= second.settings.quietForS', '<= second.settings.quietForS + 1'],
  ['gap one second shorter', EPISODES, '<= second.settings.quietForS', '< second.settings.quietForS'],
  ['dedupe by event id only', FOLD, OWN_LANE, SEEN_EVENTS],
  ['dedupe by object id and type', FOLD, OWN_LANE, SEEN_OBJECTS],
  ['cells only for hits in less than a window', DENSE, '- time < windowS);', '- time < windowS - 1);'],
  [
    'cells only if the newest hit is dense with its elders',
    DENSE,
    'Math.abs(timeOf(handle) - around) < windowS',
    'timeOf(handle) <= around && around - timeOf(handle) < windowS',
  ],
  ['no retraction', ENTITIES, 'changeCells(cells, revision.layout, contributionOf(revision, before, role), -1);', ''],
  ['thinning to first and last', CELLS, 'const { time } = hit;', THINNED],
  [
    'late view judged only at its own time',
    CELLS,
    '(list[i] ?? 0) < time + windowS; i += stride',
    'i === at; i += stride',
  ],
  ['pruning by newest event time', RETAIN, CUT, CUT_BY_EVENT_TIME],
  [
    'merge in the order of arrival',
    MERGE,
    'layers: mergeLayers(a.layers, b.layers),',
    'layers: [...b.layers, ...a.layers],',
  ],
  ['time of the latest view', MERGE, 'time: Math.min(a.time, b.time),\n    invoice', 'time: b.time,\n    invoice'],
  ['ratio: minimum off by one', EPISODES, '< (settings.minimum ?? 0)', '<= (settings.minimum ?? 0)'],
  [
    'distinct counts null',
    SUBJECTS,
    'distinctValue(count, subject.fields) : null',
    "(distinctValue(count, subject.fields) ?? '') : null",
  ],
  ['at: is ignored', SUBJECTS, 'at !== null ? at(variables) :', ''],
  ['foreign currency is summed', SUBJECTS, '!isForeign && where(variables)', 'where(variables)'],
  [
    'members between instants are lost',
    EPISODES,
    'open.attemptCount += open.sinceCount + here;',
    'open.attemptCount += here;',
  ],
  [
    'severity of the last instant',
    EPISODES,
    'compareSeverity(severity, open.severity) > 0',
    'compareSeverity(severity, open.severity) !== 0',
  ],
  ['a rule is late by a second', RULES, 'rule.sinceS <= t', 'rule.sinceS < t'],
  ['cells come one hit too late', RULES, 'Math.max(1, Math.ceil(own))', 'Math.max(1, Math.ceil(own)) + 1'],
  ['a value leaves too early', DISTINCT, 'if (next > time) leaving += 1;', 'if (next >= toS) leaving += 1;'],
  [
    'a signal does not follow its charge',
    FOLD,
    "for (const { place, change } of waiting) assertAll(state, 'signal', place, change.after, context);",
    "for (const { place, change } of waiting) assertAll(state, 'signal', place, change.before, context);",
  ],
  [
    'the head forgets what came since',
    RETAIN,
    'const head: HeldHead = { key, open };',
    'const head: HeldHead = { key, open: { ...open, sinceCount: 0 } };',
  ],
  ['cells are cut without their windows', RETAIN, 'cutS - layout.windowS', 'cutS'],
  [
    'a leaving attempt touches nothing',
    ENTITIES,
    'contributionOf(revision, before, role), -1);\n    touch(context, cells, group, entity, revision);',
    'contributionOf(revision, before, role), -1);',
  ],
  [
    'an attempt stays on the entity it has left',
    ENTITIES,
    'if (leaves && removeHit(hits, number, handle)) unwatch(group, note);',
    '',
  ],
  [
    'a new revision counts only what is new',
    PLACE,
    '(hits.bits[handle] ?? 0) | (1 << slot)',
    '(hits.bits[handle] ?? 0)',
  ],
  [
    'a changed attempt is not stored anew',
    FOLD,
    '  writer?.attempt(handle);',
    '  if (held === undefined) writer?.attempt(handle);',
  ],
  [
    'a packed view of a held attempt changes nothing',
    FOLD,
    'known >= 0 && isHeldAs(attempts, known, view)',
    'known >= 0',
  ],
  ['a packed view is not told to signals', FOLD, 'known >= 0 || state.signalsOfCharge.size > 0', 'known >= 0'],
  [
    'a view is merged while others wait to be counted',
    FOLD,
    '    settle(state, changes);\n    foldAttempt(state, unpacked(attempts, view), changes);',
    '    foldAttempt(state, unpacked(attempts, view), changes);',
  ],
  [
    'signals and settings come while attempts wait to be counted',
    FOLD,
    "if (record.record !== 'packed') settle(state, changes);",
    '',
  ],
  [
    'who waits is counted for somebody else',
    AHEAD,
    'for (const group of all) take(group, i,',
    'for (const group of all) take(group, 0,',
  ],
  [
    'evidence: a packed value is counted as another kind',
    TALLY,
    'countValueAt(values, kind,',
    'countValueAt(values, 0,',
  ],
  [
    'evidence: an amount is read as none',
    PACKED_SUBJECT,
    '(this.#mask & BITS.amount) === 0 ? undefined',
    'true ? undefined',
  ],
  ['a take-over forgets the last few', ROWS, 'ahead.end();', ''],
  ['a packed view is not stored', FOLD, 'changes.writer?.attempt(handle);', ''],
  ['a packed view is new again and again', TABLE, 'if (areTextsAlike(', 'if (id.at < 0 && areTextsAlike('],
  [
    'words that attempts name are not stored',
    ROWS,
    'state.wordsStored < words.length; state.wordsStored += 1',
    'state.wordsStored < words.length - 1; state.wordsStored += 1',
  ],
  ['a note outlives its entity', HITS, 'rows[row + NOTE] = 0;', ''],
  [
    'running tally: a late view is not in it',
    ENTITIES,
    'if (cells.running !== null) changeRunning(cells.running, { on, subject, role }, 1);',
    '',
  ],
  [
    'running tally: what leaves stays in it',
    ENTITIES,
    'if (cells.running !== null) changeRunning(cells.running, { on, subject: before, role }, -1);',
    '',
  ],
  ['running tally: it outlives a rule', RUNNING, 'running.stamp === identity.stamp &&', ''],
  ['running tally: it outlives its beginning', RUNNING, 'running.firstAttemptAt === identity.firstAttemptAt &&', ''],
  ['running tally: it outlives its end', RUNNING, 'running.beforeS <= lastAttemptAt + 1', 'true'],
  ['running tally: it outlives a cut', RETAIN, 'settled: null, running: null, past: null', 'settled: null, past: null'],
  [
    'running tally: who was received last stays so',
    RUNNING,
    'running.isReceivedAtExact = false;',
    'running.isReceivedAtExact = true;',
  ],
  [
    'running tally: a value that has changed stays',
    CELLS,
    'if (cells.running !== null && time < cells.running.readS) cells.running.readS = time;',
    '',
  ],
  [
    'the newest are only the new',
    SUMMARY,
    'const fromS = Math.min(knownS, secondOf',
    'const fromS = Math.max(knownS, secondOf',
  ],
  [
    'what was told outlives a late view',
    CELLS,
    'if (cells.past !== null && time <= cells.past.untilS) cells.past = null;',
    '',
  ],
  ['what was told outlives a cut', RETAIN, 'settled: null, running: null, past: null', 'settled: null, running: null'],
  ['what was told outlives a rule', SUMMARY, 'past?.stamp === rules.stamp ?', 'past !== null ?'],
];

function copyTree() {
  const copy = mkdtempSync(join(tmpdir(), 'declinewatch-mutant-'));
  for (const part of ['src', 'test/support', 'test/property', SUMMARY_TEST, 'package.json', 'tsconfig.json'])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  writeFileSync(
    join(copy, 'vitest.config.ts'),
    `export default { test: { include: ['test/property/*.test.ts', '${SUMMARY_TEST}'], pool: 'forks', maxWorkers: 2, bail: 1 } };\n`,
  );
  return copy;
}

/** Whether the property tests pass in the copy. */
function passes(copy) {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, 'run'], {
    cwd: copy,
    env: { ...process.env, PROPERTY_CASES: CASES, PROPERTY_SHRINK: '0' },
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  // A copy that does not even run is no mutant that was caught.
  if (status !== 0 && !/Property failed|changed untouched|AssertionError/.test(stdout + stderr))
    throw new Error(`the tests did not run:\n${(stdout + stderr).slice(0, 4_000)}`);
  return status === 0;
}

function judge(copy, [name, file, from, to]) {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  if (!source.includes(from)) return { name, verdict: 'DOES NOT FIT' };
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  const startedMs = Date.now();
  try {
    return {
      name,
      verdict: passes(copy) ? 'SURVIVED' : 'caught',
      seconds: Math.round((Date.now() - startedMs) / 1000),
    };
  } finally {
    writeFileSync(path, source);
  }
}

function main() {
  const words = process.argv.slice(2);
  const chosen = MUTANTS.filter(([name]) => words.length === 0 || words.some((word) => name.includes(word)));
  const copy = copyTree();
  try {
    if (!passes(copy)) throw new Error('the property tests fail without any mutant');
    const results = [];
    for (const mutant of chosen) {
      const result = judge(copy, mutant);
      results.push(result);
      console.log(`${result.verdict.padEnd(13)}${String(result.seconds ?? '').padStart(4)} s  ${result.name}`);
    }
    const caught = results.filter(({ verdict }) => verdict === 'caught').length;
    console.log(`${caught} of ${results.length} mutants caught within ${CASES} cases`);
    return caught === results.length && caught > 0 ? 0 : 1;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

process.exitCode = main();
