import { elementCount, type Graph, type Tensor, tensorBytes } from '../graph/types.js';

/** Size of a network's weights. */
export interface WeightSize {
  /** Numbers in the checkpoint. */
  readonly parameters: number;
  /** Bytes on the device, packed and padded in the graphs' dtype. */
  readonly bytes: number;
}

/** Every packed weight that the graphs of one network ask for, once. */
export function distinctWeights(graphs: readonly Graph[]): Tensor[] {
  const seen = new Map<string, Tensor>();
  for (const { tensors } of graphs)
    for (const t of tensors)
      if (t.weight !== undefined)
        seen.set(`${t.weight.packing}|${t.weight.sources.join('+')}|${t.dtype}|${t.weight.quantized ?? ''}`, t);
  return [...seen.values()];
}

/** Size of the weights of one network from all its graphs; a weight that several graphs use counts once. */
export function weightSize(graphs: readonly Graph[]): WeightSize {
  let parameters = 0;
  let bytes = 0;
  for (const t of distinctWeights(graphs)) {
    if (t.weight!.quantized !== 'scales') for (const shape of t.weight!.sourceShapes) parameters += elementCount(shape);
    bytes += tensorBytes(t);
  }
  return { parameters, bytes };
}
