import { grid1d, positionsOf, rowsOf } from '../lowering.js';
import { matrixKernel } from '../matmul/linear-matrix.js';
import { matrixDefines, matrixTunings, runsOnMatrixUnits } from '../matmul/matrix-tile.js';
import type { Kernel, OpCall, Variant } from '../types.js';
import { convOf, isPointwise, pointwiseProduct } from './conv-call.js';

/** On matrix units, in f16 with f32 sums: any kernel, stride and enlargement as an implicit product; 1×1 as a plain one. */
export const matrix: Variant = {
  name: 'matrix',
  supports: (call, caps) => runsOnMatrixUnits(call, ...extents(call), caps),
  tunings: (call, caps) => matrixTunings(...extents(call), caps),
  lower(call, caps, tuning): Kernel[] {
    if (isPointwise(call)) return [matrixKernel(pointwiseProduct(call), caps, tuning)];
    const { out, inChannels, outChannels, bindings, params } = convOf(call);
    return [
      {
        shader: 'conv/conv2d-matrix',
        defines: {
          ...matrixDefines(tuning, caps),
          VEC_K: inChannels % 8 === 0,
          VEC_N: outChannels % 8 === 0,
        },
        constants: {},
        bindings,
        params,
        grid: grid1d(Math.ceil(rowsOf(out) / tuning.BM!) * Math.ceil(outChannels / tuning.BN!)),
      },
    ];
  },
};

/** Rows (pixels) of one image, and columns. */
const extents = ({ outputs }: OpCall): [rows: number, columns: number] => [
  positionsOf(outputs[0]!),
  outputs[0]!.shape.at(-1)!,
];
