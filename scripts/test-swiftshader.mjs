// npm run test:swiftshader [-- arguments for vitest]: the tests of the kernels on SwiftShader, whose subgroups have 4
// invocations and which has no f16. The driver is fetched into the user's cache folder the first time.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { swiftShaderEnvironment } from './driver/swiftshader.mjs';
import { ROOT } from './lib/files.mjs';
import { runInForeground } from './lib/run.mjs';
import { setup } from './setup.mjs';

await setup();
const { unclipCacheFolder } = await import('../dist/gpu/driver-env.js');
const { readSystemFacts } = await import('../dist/gpu/driver-hints.js');
let env;
try {
  const { codename } = readSystemFacts(existsSync('/dev/nvidiactl'));
  env = { ...process.env, ...(await swiftShaderEnvironment(unclipCacheFolder(), codename)) };
} catch (error) {
  console.error(`SwiftShader could not be fetched: ${error.message}`);
  process.exit(1);
}
const extra = process.argv.slice(2);
const args = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...(extra.length > 0 ? extra : ['test/ops'])];
process.exit(await runInForeground(process.execPath, args, { cwd: ROOT, env }));
