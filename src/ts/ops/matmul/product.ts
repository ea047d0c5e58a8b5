import type { Tensor } from '../../graph/types.js';
import { ACTIVATIONS, type Activation } from '../activations.js';
import { lastDim, read, rowsOf } from '../lowering.js';
import type { KernelBinding, OpCall } from '../types.js';

/** Word that tells a kernel what follows the sum of products: shaders/matmul/epilogue.wgsl. */
export function epilogueFlags(o: {
  bias: Tensor | null;
  residual: Tensor | null;
  imageBias?: Tensor | null;
  act: string;
}): number {
  const bits = (o.bias === null ? 0 : 1) | (o.residual === null ? 0 : 2) | (o.imageBias == null ? 0 : 4);
  return bits | (ACTIVATIONS[o.act as Activation] << 8);
}

/** The preprocessor switch of int8 weights with scales. */
export const weightDefines = (w: Tensor): { Q8: boolean } => ({ Q8: w.dtype === 'i8' });

/** The binding of the scales of int8 weights, after all others; none where the weights are whole. */
export const scaleBindings = (scales: Tensor | null): KernelBinding[] => (scales === null ? [] : [read(scales)]);

/** Operands of out[m, n] = act(x[m, k] · w + bias) + residual. */
export interface Product {
  readonly x: Tensor;
  readonly w: Tensor;
  readonly bias: Tensor | null;
  readonly residual: Tensor | null;
  /** f32, of int8 weights: w ≈ value · scale of its column. */
  readonly scales: Tensor | null;
  readonly out: Tensor;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly flags: number;
}

export function productOf({ inputs, outputs, attrs }: OpCall): Product {
  const [x, w, bias, residual] = [inputs[0]!, inputs[1]!, inputs[2] ?? null, inputs[3] ?? null];
  const scales = inputs[4] ?? null;
  const flags = epilogueFlags({ bias, residual, act: attrs.act as string });
  const n = attrs.outFeatures as number;
  return { x, w, bias, residual, scales, out: outputs[0]!, m: rowsOf(x), k: lastDim(x), n, flags };
}
