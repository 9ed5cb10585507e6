// One job in a process of its own, started by measure.ts: its figures go back over the channel, never over standard output.
import type { JobParams, Link, Suite } from './measure.ts';
import { SUITES } from './suites.ts';

const [suiteName = '', jobName = '', params = '{}'] = process.argv.slice(2);

const tell = async (message: object): Promise<void> => {
  await new Promise<void>((resolve) => process.send?.(message, () => resolve()));
};

try {
  const suite: Suite | undefined = await SUITES[suiteName]?.();
  const job = suite?.jobs[jobName];
  if (job === undefined) throw new Error(`there is no job ${jobName} of ${suiteName}`);
  const stopped = new Promise<void>((resolve) => process.on('message', () => resolve()));
  const link: Link = { ready: (word) => void tell({ ready: word }), stopped };
  const figures = await job(JSON.parse(params) as JobParams, link);
  await tell({ figures });
} catch (error) {
  await tell({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
process.exit();
