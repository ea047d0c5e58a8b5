import type { Tensor } from '../../graph/types.js';
import { positionsOf, read, readWrite } from '../lowering.js';
import type { DeviceCaps, Kernel, Tuning, Variant } from '../types.js';
import { matrixKernels, matrixScratch } from './matrix-kernels.js';
import { type Extents, matrixTunings, runsOnMatrixUnits } from './matrix-tile.js';
import { type Product, productOf, scaleBindings, weightDefines } from './product.js';

/** Kernels of a product on matrix units. */
export function matrixProduct(o: Product, caps: DeviceCaps, tuning: Tuning, scratch: readonly Tensor[]): Kernel[] {
  const { x, w, bias, residual, scales, out, m, k, n, flags } = o;
  const product = {
    shader: 'matmul/linear-matrix',
    defines: { ...weightDefines(w), VEC_K: k % 8 === 0, VEC_N: n % 8 === 0 },
    bindings: [readWrite(x), read(w), read(bias), readWrite(residual), readWrite(out), ...scaleBindings(scales)],
    words: [m, k, n, flags],
    sliceWords: [positionsOf(out)],
    ...{ m, k, n },
  };
  return matrixKernels(product, caps, tuning, scratch);
}

/** On matrix units, in f16 with f32 sums. */
export const matrix: Variant = {
  name: 'matrix',
  supports: (call, caps) => runsOnMatrixUnits(call, extents(productOf(call)), caps),
  preferred: (_call, caps) => !caps.software,
  tunings: (call, caps) => matrixTunings(extents(productOf(call)), caps),
  scratch: (call, _caps, tuning) => matrixScratch(call, productOf(call).n, tuning),
  lower: (call, caps, tuning) => matrixProduct(productOf(call), caps, tuning, call.scratch),
};

const extents = ({ x, k, n }: Product): Extents => ({ rows: positionsOf(x), columns: n, depth: k });
