import { lastDim, positionsOf, rowsOf } from '../lowering.js';
import { matrixProduct } from '../matmul/linear-matrix.js';
import { matrixKernels, matrixScratch } from '../matmul/matrix-kernels.js';
import { type Extents, matrixTunings, runsOnMatrixUnits } from '../matmul/matrix-tile.js';
import { weightDefines } from '../matmul/product.js';
import type { Kernel, OpCall, Variant } from '../types.js';
import { convOf, isPointwise, pointwiseProduct } from './conv-call.js';

/** On matrix units, in f16 with f32 sums: any kernel, stride and enlargement as an implicit product; 1×1 as a plain one. */
export const matrix: Variant = {
  name: 'matrix',
  supports: (call, caps) => runsOnMatrixUnits(call, extents(call), caps),
  preferred: (_call, caps) => !caps.software,
  tunings: (call, caps) => matrixTunings(extents(call), caps),
  scratch: (call, _caps, tuning) => matrixScratch(call, lastDim(call.outputs[0]!), tuning),
  lower(call, caps, tuning): Kernel[] {
    if (isPointwise(call)) return matrixProduct(pointwiseProduct(call), caps, tuning, call.scratch);
    const { w, out, inChannels, outChannels, kernel, bindings, params } = convOf(call);
    const product = {
      shader: 'conv/conv2d-matrix',
      defines: { ...weightDefines(w), VEC_K: inChannels % 8 === 0, VEC_N: outChannels % 8 === 0 },
      bindings,
      words: [...params],
      sliceWords: [],
      ...{ m: rowsOf(out), k: kernel * kernel * inChannels, n: outChannels },
    };
    return matrixKernels(product, caps, tuning, call.scratch);
  },
};

function extents(call: OpCall): Extents {
  const { out, inChannels, outChannels, kernel } = convOf(call);
  return { rows: positionsOf(out), columns: outChannels, depth: kernel * kernel * inChannels };
}
