import { existsSync, mkdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { modified, newest, ROOT } from '../lib/files.mjs';
import { run } from '../lib/run.mjs';

const DIST = join(ROOT, 'dist');
const PAGE = join(DIST, 'page');
const SOURCES = ['web', 'package-lock.json'].map((name) => join(ROOT, name));

/** Builds the page of `unclip serve` beside dist/ and swaps it in. dist/ has to be there. */
export async function buildPage() {
  const started = new Date();
  const fresh = join(ROOT, `dist-page-new-${process.pid}`);
  const old = join(ROOT, `dist-page-old-${process.pid}`);
  try {
    const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
    await run(process.execPath, [vite, 'build', join(ROOT, 'web'), '--outDir', fresh, '--logLevel', 'warn'], {
      cwd: ROOT,
    });
    // A source that is saved while it is built counts as newer.
    utimesSync(join(fresh, 'index.html'), started, started);
    mkdirSync(DIST, { recursive: true });
    // That the page lies in dist/ makes what the compiler left there no newer.
    const { atime, mtime } = statSync(DIST);
    if (existsSync(PAGE)) renameSync(PAGE, old);
    renameSync(fresh, PAGE);
    utimesSync(DIST, atime, mtime);
  } finally {
    for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
  }
}

export async function page() {
  if (modified(join(PAGE, 'index.html')) > newest(SOURCES)) return 'up to date';
  await buildPage();
  return 'built into dist/page/';
}
