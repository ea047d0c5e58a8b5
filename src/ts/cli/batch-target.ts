import type { BatchTarget } from '../batch/picture-job.js';
import type { PictureFormat } from '../image/encode.js';
import { Checkpoint } from '../pipelines/checkpoint.js';
import type { Unclip } from '../pipelines/unclip.js';
import { UsageError } from './failure.js';
import { loadOptions, loadUnlessAborted, type ModelOptions } from './model-options.js';
import { BUNDLED, modelFolder } from './models.js';

export interface TargetOptions extends ModelOptions {
  readonly format: PictureFormat;
}

/** The model of a batch, loaded, and what its pictures have in common. @throws UnclipError as Unclip.load, CANCELLED */
export async function loadTarget(
  options: TargetOptions,
  signal: AbortSignal,
): Promise<{ readonly unclip: Unclip; readonly target: BatchTarget }> {
  const unclip = await loadUnlessAborted(modelFolder(options.model ?? BUNDLED), loadOptions(options), signal);
  const { dtype, weights, model } = unclip;
  return { unclip, target: targetOf(options, model, dtype, weights) };
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
