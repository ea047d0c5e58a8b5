import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './options.mjs';

/** The demo's own prompt. */
export const DEMO_PROMPT = 'a green school bus parked in a parking lot';

const CLI = join(ROOT, 'dist', 'cli', 'main.js');

/**
 * Wall time of `unclip generate` from the start of the process to its end, the picture on disk. The driver's cache of compiled
 * kernels is as earlier runs left it, unless `emptyCache`, which gives Mesa's drivers an empty one.
 * @param {{ model: string, dtype: string, emptyCache: boolean }} o
 */
export async function coldProcessMs({ model, dtype, emptyCache }) {
  const folder = mkdtempSync(join(tmpdir(), 'unclip-bench-'));
  const picture = join(folder, 'picture.png');
  const args = ['generate', DEMO_PROMPT, '--model', model, '--seed', '1', '--out', picture];
  if (dtype !== 'auto') args.push('--dtype', dtype);
  const env = emptyCache ? { ...process.env, MESA_SHADER_CACHE_DIR: join(folder, 'cache') } : process.env;
  const start = performance.now();
  try {
    await finished(spawn(process.execPath, [CLI, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] }));
    const ms = performance.now() - start;
    if (!existsSync(picture)) throw new Error('unclip generate ended well but left no picture');
    return ms;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {import('node:child_process').ChildProcess} child @returns {Promise<void>} */
const finished = (child) =>
  new Promise((resolve, reject) => {
    let told = '';
    child.stderr?.on('data', (chunk) => {
      told = (told + chunk).slice(-2000);
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`unclip generate ended with ${code}: ${told.trim()}`)),
    );
  });
