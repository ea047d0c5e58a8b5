import type { Graph } from '../graph/types.js';
import { distinctWeights } from '../models/parameters.js';
import { UnclipError } from '../util/errors.js';
import type { TensorSource } from '../weights/stored-tensor.js';
import type { Weights } from '../weights/weights.js';

/**
 * Checks that each tensor that the graphs need is there in its shape, from headers alone.
 * @throws UnclipError MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE
 */
export function requireTensors(source: TensorSource, ...graphs: readonly Graph[]): void {
  for (const { weight } of distinctWeights(graphs))
    weight!.sources.forEach((name, i) => {
      source.get(name, weight!.sourceShapes[i]);
    });
}

/**
 * Checks that no tensor is there that nothing asked for: the config is not that of these weights.
 * @param ignored names that checkpoints hold and no network needs
 * @throws UnclipError MODEL_CONFIG_INVALID
 */
export function requireNoSurplus(weights: Weights, ignored: readonly string[]): void {
  const surplus = weights.unused().filter((name) => !ignored.includes(name));
  if (surplus.length > 0)
    throw new UnclipError(
      'MODEL_CONFIG_INVALID',
      `'${weights.folder}' holds ${surplus.length} tensors that its config has no place for, first '${surplus[0]}'`,
    );
}
