import type { Command } from 'commander';
import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import type { LoadOptions } from '../pipelines/engine.js';
import { Unclip } from '../pipelines/unclip.js';
import { byteCount, oneOf, WEIGHTS_HELP, wholeNumber } from './options.js';

/** Options of every command that draws: which model, and how it is held on which adapter. */
export interface ModelOptions {
  readonly model?: string;
  readonly dtype?: 'auto' | 'f32' | 'f16';
  readonly weights?: WeightFormat;
  readonly adapter?: 'auto' | 'hardware' | 'software';
  readonly batchSize?: number;
  readonly weightBudget?: number;
  readonly deterministic?: boolean;
}

export function withModelOptions(command: Command): Command {
  return command
    .option('--model <folder>', `model folder in diffusers' layout (default: the bundled model)`)
    .option('--dtype <type>', 'storage of numbers: auto, f32, f16', oneOf('--dtype', ['auto', 'f32', 'f16']))
    .option('--weights <format>', WEIGHTS_HELP, oneOf('--weights', WEIGHT_FORMATS))
    .option('--adapter <kind>', 'auto, hardware, software', oneOf('--adapter', ['auto', 'hardware', 'software']))
    .option('--batch-size <n>', 'most pictures drawn at once', wholeNumber('--batch-size', 1, 1024))
    .option('--weight-budget <bytes>', 'most bytes of weights on the GPU, such as 4GiB', byteCount('--weight-budget'))
    .option(
      '--deterministic',
      'kernels by fixed rules, whatever `unclip tune` measured: the same bits before and after it',
    );
}

export const loadOptions = (o: ModelOptions): LoadOptions => ({
  dtype: o.dtype,
  weights: o.weights,
  adapter: o.adapter,
  batchSize: o.batchSize,
  weightBudgetBytes: o.weightBudget,
  deterministic: o.deterministic,
});

/** Loads a model; gives up as soon as the signal is given, although loading itself cannot be stopped. */
export async function loadUnlessAborted(folder: string, options: LoadOptions, signal: AbortSignal): Promise<Unclip> {
  signal.throwIfAborted();
  const loading = Unclip.load(folder, options);
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      loading.then((unclip) => unclip.dispose()).catch(() => {});
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([loading, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
