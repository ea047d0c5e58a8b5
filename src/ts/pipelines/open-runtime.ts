import type { AdapterChoice } from '../gpu/find-adapter.js';
import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import type { ActivationDType } from '../graph/types.js';
import { Runtime } from '../runtime/runtime.js';
import { UnclipError } from '../util/errors.js';

/** How a model is kept on a device. */
export interface RuntimeLoadOptions {
  /** Storage of weights and activations; sums are f32 in any case. `auto` (default): f16 on GPUs that have it, else f32. */
  readonly dtype?: 'auto' | ActivationDType;
  /**
   * Storage of matrix weights: `full` (default), in {@link dtype}, or `q8`, 8 bits each with a scale for each output: a quarter of
   * the memory of f32, half of f16, for errors of about 1 % in a network's output (bench/notes/q8.md).
   */
  readonly weights?: WeightFormat;
  /** `auto` (default) takes a hardware adapter when there is one; also `hardware`, `software`, or a part of an adapter's name. */
  readonly adapter?: AdapterChoice;
  /** Most bytes of weights on the GPU at once; networks take turns within it. Default: no bound. */
  readonly weightBudgetBytes?: number;
  /** Kernel variants by name (`portable`, …), for tests and benchmarks. */
  readonly variants?: string;
  /** Poll the GPU without pause: some 10 µs less latency for a core that is busy while waiting. Default false. */
  readonly eagerPolling?: boolean;
}

/** A device, and the storage that was chosen for it. */
export interface OpenedRuntime {
  readonly runtime: Runtime;
  readonly dtype: ActivationDType;
  readonly weights: WeightFormat;
}

/**
 * Opens a device for a model.
 * @throws UnclipError INPUT_INVALID (weights), GPU_NO_ADAPTER, GPU_FEATURE_MISSING (f16 asked for and not there)
 */
export async function openRuntime(options: RuntimeLoadOptions): Promise<OpenedRuntime> {
  const { dtype = 'auto', weights = 'full', ...rest } = options;
  if (!WEIGHT_FORMATS.includes(weights))
    throw new UnclipError('INPUT_INVALID', `weights is '${weights}': give ${WEIGHT_FORMATS.join(' or ')}`);
  const runtime = await Runtime.open({ ...rest, weights });
  try {
    if (dtype === 'f16') runtime.requireDType(dtype);
  } catch (error) {
    await runtime.close();
    throw error;
  }
  const { f16, software } = runtime.device.caps;
  return { runtime, dtype: dtype === 'auto' ? (f16 && !software ? 'f16' : 'f32') : dtype, weights };
}
