// `npm run faults`: hands over to the fault matrix, on Node 24 as npm puts it first.
import { fileURLToPath } from 'node:url';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(`Node ${process.versions.node} is too old. Run \`npm run faults\`, or use Node 24 or later.`);
  process.exit(1);
}
// The programs under test start hundreds of times.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../.cache/compile', import.meta.url));
const { faultsMain } = await import('../test/support/matrix-main.ts');
process.exit(await faultsMain(process.argv.slice(2)));
