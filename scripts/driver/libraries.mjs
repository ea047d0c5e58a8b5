// Shared libraries of unpacked packages: where they are, and which of them a program or another library needs.
import { copyFileSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { neededLibraries } from './elf.mjs';

/** Finds every shared library below `root` by file name. @returns {Map<string, string>} */
export function indexLibraries(root) {
  const found = new Map();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const name = entry.name;
    if (!entry.isDirectory() && /\.so(\.|$)/.test(name) && !found.has(name)) {
      found.set(name, join(entry.parentPath ?? entry.path, name));
    }
  }
  return found;
}

/** The libraries among `available` that `roots` need, themselves included, each after those it needs. @returns {string[]} */
export function loadOrder(roots, available) {
  const order = [];
  const seen = new Set();
  const visit = (name) => {
    if (seen.has(name) || !available.has(name)) return;
    seen.add(name);
    for (const needed of neededLibraries(available.get(name))) visit(needed);
    order.push(name);
  };
  for (const name of roots) visit(name);
  return order;
}

/** Copies libraries, files instead of links, into a folder that need not be there. */
export function copyLibraries(names, available, folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of names) copyFileSync(realpathSync(available.get(name)), join(folder, name));
}
