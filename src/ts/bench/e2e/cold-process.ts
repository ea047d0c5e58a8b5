import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WeightFormat } from '../../graph/quantize.js';
import type { ActivationDType } from '../../graph/types.js';
import { UnclipError } from '../../util/errors.js';
import { packageRoot } from '../../util/package-root.js';

/** The demo's own prompt. */
export const DEMO_PROMPT = 'a green school bus parked in a parking lot';

export interface ColdProcessOptions {
  readonly model: string;
  readonly dtype: 'auto' | ActivationDType;
  readonly weights: WeightFormat;
  /** With an empty folder for what Mesa's drivers keep of compiled kernels. */
  readonly emptyCache: boolean;
  readonly signal?: AbortSignal;
}

/** The built command line, which a cold process starts. */
export const builtCli = (): string => join(packageRoot(), 'dist', 'cli', 'main.js');

/**
 * Wall time of `unclip generate` from the start of the process to its end, the picture on disk. The driver's cache of compiled
 * kernels is as earlier runs left it, unless `emptyCache`.
 */
export async function coldProcessMs(o: ColdProcessOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'unclip-bench-'));
  const picture = join(folder, 'picture.png');
  const args = ['generate', DEMO_PROMPT, '--model', o.model, '--seed', '1', '--weights', o.weights, '--out', picture];
  if (o.dtype !== 'auto') args.push('--dtype', o.dtype);
  const env = o.emptyCache ? { ...process.env, MESA_SHADER_CACHE_DIR: join(folder, 'cache') } : process.env;
  const start = performance.now();
  try {
    const { signal } = o;
    await finished(
      spawn(process.execPath, [builtCli(), ...args], { env, stdio: ['ignore', 'ignore', 'pipe'], signal }),
    );
    const ms = performance.now() - start;
    if (!existsSync(picture)) throw new UnclipError('IO_FAILED', 'unclip generate ended well but left no picture');
    return ms;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const finished = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let told = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      told = (told + chunk.toString()).slice(-2000);
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(new UnclipError('IO_FAILED', `unclip generate ended with ${code}: ${told.trim()}`)),
    );
  });
