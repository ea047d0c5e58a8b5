import { type Tensor, tensorBytes } from '../graph/types.js';
import { pad4, type WeightRequest } from '../graph/weights-spec.js';
import type { OpCall } from '../ops/types.js';
import { randomWeights, seedOf, uniform } from '../runtime/random-data.js';
import type { WeightSource } from '../runtime/residency.js';
import { fromHalfArray } from '../util/half.js';

const random = randomWeights(1);

/** Weights of all measurements, the same numbers every time; such in 8 bits get scales that make them as large as others. */
export const OPERAND_WEIGHTS: WeightSource = {
  pack(request, destination, dtype) {
    if (request.quantized === undefined) return random.pack(request, destination, dtype);
    const { outputs, inputs } = sizeOf(request);
    const padded = pad4(outputs);
    const seed = seedOf(request.sources.join('+'));
    if (request.quantized === 'values') {
      const values = Int8Array.from(uniform(destination.length, seed), (v) => Math.round(v * LARGEST));
      for (let i = 0; i < values.length; i++) if (i % padded >= outputs) values[i] = 0;
      destination.set(new Uint8Array(values.buffer));
    } else {
      const usual = 1 / (LARGEST * Math.sqrt(inputs));
      const scales = uniform(padded, seed + 1).map((v, i) => (i < outputs ? usual * (1 + 0.2 * v) : 0));
      destination.set(new Uint8Array(scales.buffer));
    }
  },
};

/** 127 / √3: uniform numbers of variance 1 end at √3. */
const LARGEST = 73;

function sizeOf({ sourceShapes }: WeightRequest): { outputs: number; inputs: number } {
  const inputs = sourceShapes[0]!.slice(1).reduce((a, b) => a * b, 1);
  return { outputs: sourceShapes.reduce((sum, shape) => sum + shape[0]!, 0), inputs };
}

/** What a weight operand stands for, in its packed layout: 8-bit values times their scales. */
export function weightValues(call: OpCall, tensor: Tensor): Float32Array {
  const bytes = new Uint8Array(tensorBytes(tensor));
  const half = tensor.dtype === 'f16';
  OPERAND_WEIGHTS.pack(tensor.weight!, bytes, half ? 'f16' : 'f32');
  if (half) return fromHalfArray(new Uint16Array(bytes.buffer));
  if (tensor.dtype !== 'i8') return new Float32Array(bytes.buffer);
  const scales = weightValues(call, call.inputs.find((t) => t?.weight?.quantized === 'scales')!);
  return Float32Array.from(new Int8Array(bytes.buffer), (v, i) => v * scales[i % scales.length]!);
}
