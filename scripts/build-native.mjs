// Builds the native addon, offline, as build/Release/unclip.node.
//   node scripts/build-native.mjs          cmake-js where CMake is found, else node-gyp (a C++20 compiler, make and Python)
//   node scripts/build-native.mjs --gyp    node-gyp
//   node scripts/build-native.mjs --plain  the C++ compiler alone, which is also the way where there is no make
// Headers come from the packages node-api-headers and node-addon-api: no way downloads anything.

import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileAddon } from './lib/compile-addon.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const result = join(root, 'build', 'Release', 'unclip.node');

function fail(message) {
  console.error(`build-native: ${message}`);
  process.exit(1);
}

/** Runs a script of a package with this Node; ends the process with its status where it fails. */
function run(script, args, env = {}) {
  const options = { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } };
  const { status, error } = spawnSync(process.execPath, [script, ...args], options);
  if (error) fail(error.message);
  if (status !== 0)
    fail('the build failed; a compiler with C++20 is needed (g++ 11, clang 14, Visual Studio 2022 or later)');
}

const hasCMake = () => spawnSync('cmake', ['--version'], { stdio: 'ignore' }).status === 0;

const hasMake = () => spawnSync('make', ['--version'], { stdio: 'ignore' }).status === 0;

async function buildPlainly() {
  mkdirSync(join(root, 'build', 'Release'), { recursive: true });
  try {
    await compileAddon(root, result);
  } catch (error) {
    fail(`${error.output ?? ''}${error.message}`);
  }
}

function buildWithCMake() {
  const folder = join(root, 'build', 'cmake');
  // In a copied working tree CMake's notes still name the first one, and it would build there.
  const notes = join(folder, 'CMakeCache.txt');
  const home = existsSync(notes)
    ? /^CMAKE_CACHEFILE_DIR:INTERNAL=(.*?)\r?$/m.exec(readFileSync(notes, 'utf8'))?.[1]
    : undefined;
  if (home !== undefined && resolve(home) !== resolve(folder)) rmSync(folder, { recursive: true });
  run(require.resolve('cmake-js/bin/cmake-js'), ['build', '--directory', root, '--out', folder]);
  mkdirSync(join(root, 'build', 'Release'), { recursive: true });
  // A rename, because writing into a file that a process has loaded would crash that process.
  copyFileSync(join(folder, 'Release', 'unclip.node'), `${result}.new`);
  renameSync(`${result}.new`, result);
}

/** node-gyp's path: the package's own, or the one that npm carries and names to the scripts it runs. */
function nodeGyp() {
  try {
    return require.resolve('node-gyp/bin/node-gyp.js');
  } catch {
    const carried = process.env.npm_config_node_gyp;
    if (carried && existsSync(carried)) return carried;
    return fail(
      'neither CMake nor node-gyp was found; install CMake, or run `npm run build:native`, which brings node-gyp',
    );
  }
}

/** A folder that node-gyp takes for Node's development files: Node-API's headers and an empty list of common settings. */
function headerFolder() {
  const folder = join(root, 'build', 'node-headers');
  const include = join(folder, 'include', 'node');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(include, { recursive: true });
  cpSync(require('node-api-headers').include_dir, include, { recursive: true });
  writeFileSync(
    join(include, 'common.gypi'),
    `{ 'target_defaults': { 'default_configuration': 'Release', 'configurations': { 'Release': {}, 'Debug': {} } } }\n`,
  );
  return folder;
}

function buildWithGyp() {
  if (process.platform === 'win32') fail('on Windows the build needs CMake; install it and run this again');
  const args = ['configure', 'build', '--release', '--jobs=max', '--force-process-config'];
  // By the environment, because a nodedir of the user's npm settings would prevail over an argument.
  run(nodeGyp(), args, { npm_config_nodedir: headerFolder() });
}

const plain = process.argv.includes('--plain') || (process.platform !== 'win32' && !hasMake());
if (process.argv.includes('--gyp')) buildWithGyp();
else if (plain) await buildPlainly();
else if (!hasCMake()) buildWithGyp();
else buildWithCMake();
if (!existsSync(result)) fail(`the build ended without ${result}`);
console.log(`built ${result}`);
