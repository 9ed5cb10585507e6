// The last line of every test run: `N passed, N failed`. A run in which a file broke, or no test ran, is a failed run. Files
// whose process was ended by a signal are told apart: tools/run.mjs runs them once more.
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

const CRASHED = /exited unexpectedly with signal SIG(?:SEGV|ABRT|BUS|ILL) .*while running test file (\S+)/;

export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const crashed = unhandledErrors.flatMap((error) => CRASHED.exec(messagesIn(error))?.[1] ?? []);
    let passed = Number(process.env.TEST_PASSED_BEFORE ?? 0);
    let failed = unhandledErrors.length - crashed.length;
    let skipped = 0;
    for (const module of modules) {
      // What it had said before is said again by the run that comes.
      if (crashed.includes(module.moduleId)) continue;
      // Of a suite whose hooks failed no test has: something must.
      const isBroken =
        module.errors().length > 0 || [...module.children.allSuites()].some((one) => one.errors().length > 0);
      if (isBroken) failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else skipped += 1;
      }
    }
    if (passed + failed + crashed.length === 0) {
      failed = 1;
      process.exitCode = 1;
    }
    const { TEST_SUMMARY_FILE: file } = process.env;
    if (file !== undefined) writeFileSync(file, JSON.stringify({ passed, failed, crashed }));
    const all = failed + crashed.length;
    const line = `${passed} passed, ${all} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    // After every other reporter has written its own summary.
    process.on('exit', () => process.stdout.write(`${line}\n`));
  }
}

/** Its own and those of its causes. */
function messagesIn(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { message = '', cause } = error as { message?: string; cause?: unknown };
  return `${message} ${messagesIn(cause)}`;
}
