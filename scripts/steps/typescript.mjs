import { chmodSync, cpSync, existsSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { modified, newest, ROOT } from '../lib/files.mjs';
import { run } from '../lib/run.mjs';

const DIST = join(ROOT, 'dist');
const SOURCES = ['src/ts', 'tsconfig.json', 'package-lock.json'].map((name) => join(ROOT, name));

/** Compiles into a folder beside `dist/` and swaps the two: no half-built state, nothing left of deleted sources. */
export async function compile() {
  const started = new Date();
  // Two builds at once must not share a folder.
  const fresh = join(ROOT, `dist-new-${process.pid}`);
  const old = join(ROOT, `dist-old-${process.pid}`);
  for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
  try {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', 'tsconfig.json', '--outDir', fresh, '--noEmitOnError'], { cwd: ROOT });
    if (existsSync(join(fresh, 'cli/main.js'))) chmodSync(join(fresh, 'cli/main.js'), 0o755);
    // The page is a step of its own.
    const page = join(DIST, 'page');
    if (existsSync(page)) cpSync(page, join(fresh, 'page'), { recursive: true, preserveTimestamps: true });
    // A source that is saved while the compiler runs counts as newer.
    utimesSync(fresh, started, started);
    if (existsSync(DIST)) renameSync(DIST, old);
    renameSync(fresh, DIST);
  } finally {
    for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
  }
}

export async function typescript() {
  if (modified(DIST) > newest(SOURCES)) return 'up to date';
  await compile();
  return 'compiled to dist/';
}
