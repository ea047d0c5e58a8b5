import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/files.mjs';
import { run } from '../lib/run.mjs';

function lockedPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {};
}

/** Whether node_modules holds what the lock asks for; parts for other systems may be absent. */
function upToDate() {
  const installed = lockedPackages(join(ROOT, 'node_modules/.package-lock.json'));
  return Object.entries(lockedPackages(join(ROOT, 'package-lock.json'))).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

/**
 * `npm ci`. Install scripts stay off: the one that a dependency has is for macOS' quarantine flag alone (see
 * {@link clearQuarantine}), and npm would run node-gyp for this package, which has a step of its own here.
 */
async function install() {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  // Under `npm run` this is the npm that the person called, which need not be the first one in PATH.
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('.js')) await run(process.execPath, [npm, ...args], { cwd: ROOT });
  else await run('npm', args, { cwd: ROOT });
  await clearQuarantine();
}

/** macOS refuses to load a downloaded library that bears its quarantine flag. */
async function clearQuarantine() {
  if (process.platform !== 'darwin') return;
  const library = join(ROOT, 'node_modules/webgpu/dist/darwin-universal/dawn.node');
  await run('xattr', ['-d', 'com.apple.quarantine', library], { allowFailure: true });
}

export async function dependencies() {
  if (upToDate()) return 'up to date';
  await install();
  return 'installed with npm ci';
}
