import type { Tensor } from '../../graph/types.js';
import { elementCount } from '../../graph/types.js';
import { lastDim } from '../lowering.js';
import type { OpCall } from '../types.js';

/** Operands of out[i, m, n] = scale · a[i, m, k] · b[i or 0, k, n], each of a and b transposed or not. */
export interface MatmulCall {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly out: Tensor;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly scale: number;
  /** Matrices of a, and of the result. */
  readonly batch: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Elements from one matrix of b to the next; 0 where one serves all. */
  readonly strideB: number;
}

/** Product of the dimensions before a matrix. */
export const matricesOf = (t: Tensor): number => elementCount(t.shape.slice(0, -2));

export function matmulOf({ inputs, outputs, attrs }: OpCall): MatmulCall {
  const [a, b, out] = [inputs[0]!, inputs[1]!, outputs[0]!];
  const [transposeA, transposeB] = [attrs.transposeA as boolean, attrs.transposeB as boolean];
  const k = transposeA ? a.shape.at(-2)! : lastDim(a);
  const [m, n] = [out.shape.at(-2)!, lastDim(out)];
  return {
    ...{ a, b, out, transposeA, transposeB, m, k, n },
    scale: attrs.scale as number,
    batch: matricesOf(a),
    strideB: matricesOf(b) === 1 ? 0 : k * n,
  };
}
