import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../scripts/lib/run.mjs';

const FOLDER = join(import.meta.dirname, '..');

/** Whether every peer is there in the version that package.json names. */
function installed() {
  const { dependencies } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8'));
  return Object.entries(dependencies).every(([name, version]) => {
    const path = join(FOLDER, 'node_modules', name, 'package.json');
    return existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).version === version;
  });
}

/**
 * Installs the peers of package-lock.json beside this folder's package.json, without running their install scripts: what they
 * would download (CUDA libraries, for one) is not used.
 * @returns {Promise<boolean>} whether there was anything to do
 */
export async function installPeers() {
  if (installed()) return false;
  const npm = process.env.npm_execpath;
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  await run(command, [...args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: FOLDER, env });
  return true;
}
