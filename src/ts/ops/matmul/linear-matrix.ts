import { grid1d, params, positionsOf, read, readWrite } from '../lowering.js';
import type { DeviceCaps, Kernel, Tuning, Variant } from '../types.js';
import { matrixDefines, matrixTunings, runsOnMatrixUnits } from './matrix-tile.js';
import { type Product, productOf } from './product.js';

/** Kernel of a product on matrix units. */
export function matrixKernel(o: Product, caps: DeviceCaps, tuning: Tuning): Kernel {
  const { x, w, bias, residual, out, m, k, n, flags } = o;
  return {
    shader: 'matmul/linear-matrix',
    defines: { ...matrixDefines(tuning, caps), VEC_K: k % 8 === 0, VEC_N: n % 8 === 0 },
    constants: {},
    bindings: [readWrite(x), read(w), read(bias), readWrite(residual), readWrite(out)],
    params: params(m, k, n, flags),
    grid: grid1d(Math.ceil(m / tuning.BM!) * Math.ceil(n / tuning.BN!)),
  };
}

/** On matrix units, in f16 with f32 sums. */
export const matrix: Variant = {
  name: 'matrix',
  supports: (call, caps) => runsOnMatrixUnits(call, ...extents(productOf(call)), caps),
  tunings: (call, caps) => matrixTunings(...extents(productOf(call)), caps),
  lower: (call, caps, tuning) => [matrixKernel(productOf(call), caps, tuning)],
};

const extents = ({ x, n }: Product): [rows: number, columns: number] => [positionsOf(x), n];
