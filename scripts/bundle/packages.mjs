// The packages that the program needs at run time, and nothing that only builds or tests it.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { ROOT } from '../lib/files.mjs';

/** Dependencies because an install builds the addon; the bundle has it built. */
const BUILD_ONLY = ['cmake-js', 'node-addon-api', 'node-api-headers'];

const PLATFORM = `${process.platform}-${process.arch}`;

const readPackage = (folder) => JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));

/** Where Node finds `name` when a module of the package at `from` asks for it; undefined when it is not installed. */
function resolveFrom(from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules') - 1))) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(ROOT, candidate, 'package.json'))) return candidate;
    if (folder === '') return undefined;
  }
}

/** Folders, relative to the repository, of all packages that run with it; optional ones where they are installed. */
export function runtimePackages() {
  const found = new Set();
  const visit = (from, names, optional) => {
    for (const name of names) {
      const folder = resolveFrom(from, name);
      if (folder === undefined) {
        if (optional) continue;
        throw new Error(`${name} is not installed; run npm run setup`);
      }
      if (found.has(folder)) continue;
      found.add(folder);
      const { dependencies = {}, optionalDependencies = {} } = readPackage(folder);
      const isOptional = (dependency) => dependency in optionalDependencies;
      visit(
        folder,
        Object.keys(dependencies).filter((d) => !isOptional(d)),
        false,
      );
      visit(folder, Object.keys(optionalDependencies), true);
    }
  };
  const { dependencies } = readPackage('.');
  visit(
    '',
    Object.keys(dependencies).filter((name) => !BUILD_ONLY.includes(name)),
    false,
  );
  return [...found].sort();
}

/** Copies a package's own files (packages nested in it are listed themselves); of Dawn's binaries only this platform's. */
export function copyPackage(folder, target) {
  const source = join(ROOT, folder);
  const dawn = join(source, 'dist') + sep;
  cpSync(source, join(target, folder), {
    recursive: true,
    dereference: true,
    filter(path) {
      const inside = path.slice(source.length);
      if (inside.includes(`${sep}node_modules`) || path.endsWith('.map')) return false;
      const isDawn = folder.endsWith(`${sep}webgpu`) && path.startsWith(dawn);
      return !isDawn || path.slice(dawn.length).startsWith(PLATFORM);
    },
  });
}
