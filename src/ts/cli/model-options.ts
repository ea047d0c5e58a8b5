import type { Command } from 'commander';
import type { AdapterChoice } from '../gpu/find-adapter.js';
import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import type { ClipLoadOptions } from '../pipelines/clip/clip.js';
import type { LoadOptions } from '../pipelines/engine.js';
import { Unclip } from '../pipelines/unclip.js';
import { ADAPTER_HELP, byteCount, oneOf, WEIGHTS_HELP, wholeNumber } from './options.js';

/** Options of every command that runs networks: how they are held on which adapter. */
export interface StorageOptions {
  readonly dtype?: 'auto' | 'f32' | 'f16';
  readonly weights?: WeightFormat;
  readonly adapter?: AdapterChoice;
  readonly weightBudget?: number;
  readonly deterministic?: boolean;
}

/** Options of every command that draws: which model, and how it is held on which adapter. */
export interface ModelOptions extends StorageOptions {
  readonly model?: string;
  readonly batchSize?: number;
}

export function withModelOptions(command: Command): Command {
  return withStorageOptions(
    command
      .option('--model <folder>', `model folder in diffusers' layout (default: the bundled model)`)
      .option('--batch-size <n>', 'most pictures drawn at once', wholeNumber('--batch-size', 1, 1024)),
  );
}

export function withStorageOptions(command: Command): Command {
  return command
    .option('--dtype <type>', 'storage of numbers: auto, f32, f16', oneOf('--dtype', ['auto', 'f32', 'f16']))
    .option('--weights <format>', WEIGHTS_HELP, oneOf('--weights', WEIGHT_FORMATS))
    .option('--adapter <which>', ADAPTER_HELP)
    .option('--weight-budget <bytes>', 'most bytes of weights on the GPU, such as 4GiB', byteCount('--weight-budget'))
    .option(
      '--deterministic',
      'kernels by fixed rules, whatever `unclip tune` measured: the same bits before and after it',
    );
}

/** What the library is told of {@link StorageOptions}. */
export const storageOptions = (o: StorageOptions): ClipLoadOptions => ({
  dtype: o.dtype,
  weights: o.weights,
  adapter: o.adapter,
  weightBudgetBytes: o.weightBudget,
  deterministic: o.deterministic,
});

export const loadOptions = (o: ModelOptions): LoadOptions => ({ ...storageOptions(o), batchSize: o.batchSize });

/** Loads a model; gives up as soon as the signal is given, although loading itself cannot be stopped. */
export const loadUnlessAborted = (folder: string, options: LoadOptions, signal: AbortSignal): Promise<Unclip> =>
  unlessAborted(() => Unclip.load(folder, options), signal);

/** What `load` gives, unless the signal comes first: then it is disposed of as soon as it is there. */
export async function unlessAborted<T extends AsyncDisposable>(
  load: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const loading = load();
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      loading.then((loaded) => loaded[Symbol.asyncDispose]()).catch(() => {});
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
