import type { Command } from 'commander';
import { MOST_WORKERS, type PoolOptions } from '../pool/options.js';
import { PicturePool } from '../pool/picture-pool.js';
import { loadOptions, type ModelOptions, unlessAborted, withModelOptions } from './model-options.js';
import { BUNDLED, modelFolder } from './models.js';
import { wholeNumber } from './options.js';

/** Options of commands that can draw in several processes. */
export interface PoolCommandOptions extends ModelOptions {
  readonly workers?: number;
  readonly adapters?: string[];
}

export function withPoolOptions(command: Command): Command {
  return withModelOptions(command)
    .option(
      '--workers <n>',
      'draw in so many processes of their own (default: in this one)',
      wholeNumber('--workers', 1, MOST_WORKERS),
    )
    .option(
      '--adapters <list>',
      'a process for each of these adapters: parts of their names, with commas between',
      list,
    );
}

const list = (text: string): string[] => text.split(',').map((name) => name.trim());

/**
 * The pool that was asked for; undefined where this process is to draw.
 * @throws UnclipError as PicturePool.load, CANCELLED
 */
export async function loadPool(
  options: PoolCommandOptions,
  more: Pick<PoolOptions, 'maxQueued'>,
  signal: AbortSignal,
): Promise<PicturePool | undefined> {
  const { workers, adapters } = options;
  if (workers === undefined && adapters === undefined) return undefined;
  const folder = modelFolder(options.model ?? BUNDLED);
  return unlessAborted(() => PicturePool.load(folder, { ...loadOptions(options), ...more, workers, adapters }), signal);
}
