import type { Graph, Node, Tensor } from './types.js';
import { elementCount } from './types.js';
import type { WeightRequest } from './weights-spec.js';

/** How matrix weights are stored: `full`, in the graph's dtype, or `q8`, int8 with a scale for each output channel. */
export type WeightFormat = 'full' | 'q8';

export const WEIGHT_FORMATS: readonly WeightFormat[] = ['full', 'q8'];

/** Operations with 8-bit kernels, and how many operands they have without the scales, which come after all others. */
const OPERANDS: Readonly<Record<string, number>> = { linear: 4, conv2d: 5 };

/** Position of the weights among the operands of those. */
const WEIGHTS = 1;

/** Which layers are worth it: all with at least so many channels on either side, and so many weights. */
export interface LayerBounds {
  readonly channels: number;
  readonly weights: number;
}

/**
 * Layers with few channels, such as those that read or make pixels, hold few of a network's weights and cause most of its error
 * (bench/notes/q8.md).
 */
const BOUNDS: LayerBounds = { channels: 16, weights: 1024 };

/** The graph with its weights in a format. */
export const withWeights = (graph: Graph, format: WeightFormat = 'full'): Graph =>
  format === 'q8' ? quantizeWeights(graph) : graph;

/**
 * Stores the weights of linear and conv2d in 8 bits: w ≈ value · scale, value int8 in the same layout, scale f32 for each
 * output channel. The weight tensor becomes the values; the scales become the last operand. Vectors, embeddings and layers
 * below `bounds` stay as they are. Pure; idempotent.
 */
export function quantizeWeights(graph: Graph, bounds = BOUNDS): Graph {
  const quantizable = findQuantizable(graph, bounds);
  const tensors: Tensor[] = [...graph.tensors];
  const scalesOf = new Map<number, number>();
  for (const w of quantizable) {
    const request = w.weight!;
    tensors[w.id] = { ...w, dtype: 'i8', weight: { ...request, quantized: 'values' } };
    scalesOf.set(w.id, tensors.length);
    tensors.push({
      id: tensors.length,
      name: `${w.name} scales`,
      shape: [w.shape.at(-1)!],
      dtype: 'f32',
      kind: 'weight',
      weight: { ...request, quantized: 'scales' },
    });
  }
  const nodes = graph.nodes.map((node): Node => {
    const scales = scalesOf.get(node.inputs[WEIGHTS] ?? -1);
    if (scales === undefined) return node;
    const operands = OPERANDS[node.op]!;
    const inputs = Array.from({ length: operands }, (_, i) => node.inputs[i] ?? null);
    return { ...node, inputs: [...inputs, scales] };
  });
  return { ...graph, tensors, nodes };
}

/** Weights that nothing but the matrix operand of linear and conv2d reads, and that are large enough. */
function findQuantizable({ tensors, nodes }: Graph, bounds: LayerBounds): Tensor[] {
  const candidates = new Set<number>();
  const others = new Set<number>();
  for (const { op, inputs } of nodes)
    inputs.forEach((id, position) => {
      if (id === null || tensors[id]!.kind !== 'weight') return;
      if (op in OPERANDS && position === WEIGHTS && isLarge(tensors[id]!, bounds)) candidates.add(id);
      else others.add(tensors[id]!.aliasOf ?? id);
    });
  return [...candidates].filter((id) => !others.has(id)).map((id) => tensors[id]!);
}

function isLarge({ weight, aliasOf, shape }: Tensor, bounds: LayerBounds): boolean {
  if (weight === undefined || weight.quantized !== undefined || aliasOf !== undefined) return false;
  const { inputs, outputs } = channels(weight);
  return Math.min(inputs, outputs) >= bounds.channels && elementCount(shape) >= bounds.weights;
}

/** Channels in and out, by PyTorch's [outputs, inputs, …]; several sources lie side by side. */
const channels = ({ sourceShapes }: WeightRequest): { inputs: number; outputs: number } => ({
  inputs: sourceShapes[0]![1] ?? 0,
  outputs: sourceShapes.reduce((sum, shape) => sum + shape[0]!, 0),
});
