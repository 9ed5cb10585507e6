// The suites by name, loaded when they are asked for: what one does not need never gets into its process.
import type { Suite } from './measure.ts';

export const SUITES: Readonly<Record<string, () => Promise<Suite>>> = {
  fold: async () => (await import('./fold.ts')).foldSuite,
  detect: async () => (await import('./detect.ts')).detectSuite,
  webhooks: async () => (await import('./webhooks.ts')).webhooksSuite,
  process: async () => (await import('./process.ts')).processSuite,
  backtest: async () => (await import('./backtest.ts')).backtestSuite,
  edits: async () => (await import('./edits.ts')).editsSuite,
};
