import { type Tensor, tensorBytes } from '../graph/types.js';
import type { OpCall } from '../ops/types.js';
import { randomWeights } from '../runtime/random-data.js';
import { fromHalfArray } from '../util/half.js';

/** Weights of all measurements: the same numbers every time. */
export const OPERAND_WEIGHTS = randomWeights(1);

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
