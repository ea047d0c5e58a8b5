import { f32Bits, grid1d, params, readWrite } from '../lowering.js';
import type { DeviceCaps, OpCall, Variant } from '../types.js';
import { matmulOf } from './matmul-call.js';
import { type Extents, type MatrixTuning, matrixDefines, matrixTunings, runsOnMatrixUnits } from './matrix-tile.js';

/** On matrix units, in f16 with f32 sums: the batch is the third coordinate of the grid. */
export const matrix: Variant = {
  name: 'matrix',
  supports: (call, caps) => runsOnMatrixUnits(call, extents(call), caps),
  preferred: (_call, caps) => !caps.software,
  tunings,
  lower(call, caps, tuning) {
    const { a, b, out, transposeA, transposeB, scale, batch, m, k, n, strideB } = matmulOf(call);
    const [gx, gy] = grid1d(Math.ceil(m / tuning.BM!) * Math.ceil(n / tuning.BN!));
    return [
      {
        shader: 'matmul/matmul-matrix',
        defines: {
          ...matrixDefines(tuning, caps),
          TRANSPOSE_A: transposeA,
          TRANSPOSE_B: transposeB,
          VEC_A: (transposeA ? m : k) % 8 === 0,
          VEC_B: (transposeB ? k : n) % 8 === 0,
          VEC_N: n % 8 === 0,
        },
        constants: {},
        bindings: [a, b, out].map(readWrite),
        params: params(m, k, n, strideB, f32Bits(scale)),
        grid: [gx, gy, batch],
      },
    ];
  },
};

/** A batch takes the coordinate of the grid that slices of K would need. */
function tunings(call: OpCall, caps: DeviceCaps): MatrixTuning[] {
  return matrixTunings(extents(call), caps).map((t) => ({ ...t, SLICES: 1 }));
}

function extents(call: OpCall): Extents {
  const { m, k, n } = matmulOf(call);
  return { rows: m, columns: n, depth: k };
}
