import { defineConfig } from 'vitest/config';
import { SummaryReporter } from './test/support/summary-reporter.ts';

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    reporters: ['default', new SummaryReporter()],
    // Real processes, signals and sockets on a shared machine: in CI up to twice more, and named in the summary if that helped.
    retry: process.env.CI ? 2 : 0,
    pool: 'forks',
    maxWorkers: 2,
  },
});
