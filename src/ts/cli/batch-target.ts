import type { DrawingPlace } from '../batch/local-drawer.js';
import type { BatchTarget } from '../batch/picture-job.js';
import type { PictureFormat } from '../image/encode.js';
import { Checkpoint } from '../pipelines/checkpoint.js';
import { Unclip } from '../pipelines/unclip.js';
import type { PicturePool } from '../pool/picture-pool.js';
import { UsageError } from './failure.js';
import { loadOptions, loadUnlessAborted } from './model-options.js';
import { BUNDLED, modelFolder } from './models.js';
import { loadPool, type PoolCommandOptions } from './pool-options.js';

export interface TargetOptions extends PoolCommandOptions {
  readonly format: PictureFormat;
}

export interface OpenedPlace extends DrawingPlace {
  /** Ends it, after what is under way. */
  close(): Promise<void>;
}

/** The model of a batch, loaded here or in workers. @throws UnclipError as Unclip.load and PicturePool.load, CANCELLED */
export async function openPlace(options: TargetOptions, signal: AbortSignal): Promise<OpenedPlace> {
  const pool = await loadPool(options, {}, signal);
  if (pool !== undefined) return placeOf(pool, options);
  const unclip = await loadUnlessAborted(modelFolder(options.model ?? BUNDLED), loadOptions(options), signal);
  const { dtype, weights, model, version, adapter } = unclip;
  return {
    scheduler: unclip.scheduler(),
    target: targetOf(options, model, dtype, weights),
    unclip: async () => unclip,
    by: { adapter: adapter.name, version },
    close: () => unclip.dispose(),
  };
}

/** Workers draw from text; what is drawn from pictures is prepared here, with a model that is loaded at the first of them. */
function placeOf(pool: PicturePool, options: TargetOptions): OpenedPlace {
  const { dtype, weights, model, version, adapters } = pool;
  let loading: Promise<Unclip> | undefined;
  return {
    scheduler: pool,
    target: targetOf(options, model, dtype, weights),
    unclip: () => {
      loading ??= Unclip.load(model.folder, { ...loadOptions(options), dtype }).catch((error: unknown) => {
        // The next picture tries again.
        loading = undefined;
        throw error;
      });
      return loading;
    },
    by: { adapter: adapters[0]!.name, version },
    async close() {
      await pool.close();
      await (await loading?.catch(() => undefined))?.dispose();
    },
  };
}

/**
 * What the pictures of a batch have in common that others draw: read from the model folder, without a GPU. All have to store
 * numbers alike, so `--dtype auto` means f32 here.
 * @throws UnclipError MODEL_*
 */
export function readTarget(options: TargetOptions): BatchTarget {
  const model = Checkpoint.open(modelFolder(options.model ?? BUNDLED));
  try {
    return targetOf(options, model, sharedDType(options), options.weights ?? 'full');
  } finally {
    model.close();
  }
}

/** The dtype that producers and workers of one queue agree on. */
export function sharedDType({ dtype = 'f32' }: TargetOptions): 'f32' | 'f16' {
  if (dtype === 'auto')
    throw new UsageError('--dtype auto may differ between machines: give f32 or f16 with a --queue');
  return dtype;
}

function targetOf(
  { model: name = BUNDLED, format }: TargetOptions,
  checkpoint: Checkpoint,
  dtype: string,
  weights: string,
): BatchTarget {
  const { hash: modelHash, configs, info } = checkpoint;
  const { superResSize: size } = configs;
  const { defaults } = info;
  const requireNetworks: BatchTarget['requireNetworks'] = (settings, operation) =>
    operation === 'vary' ? void checkpoint.requireImageEncoder() : checkpoint.requirePriorOf(settings);
  return { model: name, modelHash, dtype, weights, size, defaults, format, requireNetworks };
}
