// Builds the native addon with the C++ compiler alone, for machines that have neither make nor CMake. The flags are those
// of CMakeLists.txt and binding.gyp; the sources come from the same list.
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { CommandError, run } from './run.mjs';

const require = createRequire(import.meta.url);

/** The first C++ compiler that answers; `$CXX` before the usual names. */
async function findCompiler() {
  for (const name of [process.env.CXX, 'c++', 'g++', 'clang++'].filter(Boolean)) {
    const answer = await run(name, ['--version'], { allowFailure: true }).catch(() => undefined);
    if (answer?.code === 0) return name;
  }
  throw new CommandError('no C++ compiler was found; a compiler with C++20 is needed (g++ 11 or clang 14, or later)');
}

/**
 * @param {string} root the repository or the installed package
 * @param {string} result where the addon goes; its folder exists
 */
export async function compileAddon(root, result) {
  const compiler = await findCompiler();
  const objects = join(root, 'build', 'objects');
  mkdirSync(objects, { recursive: true });
  const flags = [
    ...['-std=c++20', '-O3', '-Wall', '-Wextra', '-ffp-contract=off', '-fvisibility=hidden', '-fPIC', '-pthread'],
    ...['-DNAPI_VERSION=8', '-DNODE_ADDON_API_CPP_EXCEPTIONS_ALL', '-DBUILDING_NODE_EXTENSION'],
    // node-addon-api gives its folder relative to the working directory.
    ...[require('node-api-headers'), require('node-addon-api')].map(({ include_dir }) => `-I${resolve(include_dir)}`),
  ];
  const units = JSON.parse(readFileSync(join(root, 'native-sources.json'), 'utf8')).map((source) => ({
    source: join(root, source),
    object: join(objects, `${source.replaceAll('/', '-')}.o`),
  }));
  const waiting = [...units];
  const worker = async () => {
    for (let unit = waiting.shift(); unit; unit = waiting.shift()) {
      await run(compiler, [...flags, '-c', unit.source, '-o', unit.object]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const link = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  await run(compiler, [...link, '-pthread', ...units.map(({ object }) => object), '-o', `${result}.new`]);
  // A rename, because writing into a file that a process has loaded would crash that process.
  renameSync(`${result}.new`, result);
}
