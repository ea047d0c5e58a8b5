// npm run check: everything that has to hold before a commit. Setup, format and lint, types, documentation comments,
// all tests and parity. Stops at the first that fails.
import { join } from 'node:path';
import { ROOT } from './lib/files.mjs';
import { runInForeground } from './lib/run.mjs';
import { setup } from './setup.mjs';

const tool = (path) => join(ROOT, 'node_modules', path);

const CHECKS = [
  ['format and lint', tool('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings'],
  ['types', tool('typescript/bin/tsc'), '-p', 'tsconfig.json', '--noEmit'],
  ['types of the tests', tool('typescript/bin/tsc'), '-p', 'test/tsconfig.json'],
  ['types of the page', tool('typescript/bin/tsc'), '-p', 'web/tsconfig.json'],
  ['documentation', tool('typedoc/bin/typedoc'), '--emit', 'none', '--treatWarningsAsErrors'],
  ['tests', join(ROOT, 'scripts/test.mjs')],
];

await setup();
for (const [name, ...args] of CHECKS) {
  console.log(`\n${name}`);
  const code = await runInForeground(process.execPath, args, { cwd: ROOT });
  if (code !== 0) {
    console.error(`\nunclip check: ${name} failed`);
    process.exit(code);
  }
}
console.log('\nall checks passed');
