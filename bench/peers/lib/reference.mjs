import { EPS, shapesOf } from './cases.mjs';
import { transposed } from './layout.mjs';

/** Most work of one reference: beyond it only the leading rows are computed. */
const MAX_FLOPS = 3e8;

/**
 * The first elements of a case's result in f64, channels last: all of them, or as many rows as cost little.
 * @param {import('./cases.mjs').Case} c @param {Record<string, Float32Array>} operands
 * @param {import('../../../dist/native/addon.js').ReferenceOps} ops @param {number} [maxFlops]
 * @returns {Float64Array}
 */
export function referenceOf(c, operands, ops, maxFlops = MAX_FLOPS) {
  const { x, weight, bias, q, k, v, gamma, beta } = operands;
  const rowsFor = (all, flopsPerRow) => Math.max(1, Math.min(all, Math.floor(maxFlops / flopsPerRow)));
  switch (c.op) {
    case 'matmul': {
      const m = rowsFor(c.m, 2 * c.k * c.n);
      return ops.linear(x.subarray(0, m * c.k), transposed(weight, [c.k, c.n], [1, 0]), bias, { m, n: c.n, k: c.k });
    }
    case 'conv': {
      const rows = rowsFor(c.height, 18 * c.width * c.in * c.out);
      // One more row of input than of output: the bottom padding is not part of a cropped picture.
      const height = Math.min(c.height, rows + 1);
      const sizes = {
        batch: 1,
        height,
        width: c.width,
        inChannels: c.in,
        outChannels: c.out,
        kernelHeight: 3,
        kernelWidth: 3,
        stride: 1,
        pad: 1,
        upsample: 1,
      };
      const filter = transposed(weight, [9, c.in, c.out], [2, 1, 0]);
      const result = ops.conv2d(x.subarray(0, height * c.width * c.in), filter, bias, sizes);
      return result.subarray(0, rows * c.width * c.out);
    }
    case 'attention': {
      const width = c.heads * c.headDim;
      const keys = c.queries + c.context;
      const queries = rowsFor(c.queries, 4 * keys * width);
      const sizes = {
        batch: 1,
        queries,
        keys,
        heads: c.heads,
        headDim: c.headDim,
        scale: c.headDim ** -0.5,
        causal: false,
      };
      return ops.attention(q.subarray(0, queries * width), k, v, null, sizes);
    }
    case 'groupNorm': {
      const sizes = { batch: 1, length: c.height * c.width, channels: c.channels, groups: c.groups, eps: EPS };
      return ops.groupNorm(x, gamma, beta, sizes);
    }
    case 'layerNorm':
      return ops.layerNorm(x, gamma, beta, { rows: c.rows, channels: c.channels, eps: EPS });
    default: {
      const [batch, rows, columns] = shapesOf(c).x;
      const some = rowsFor(batch * rows, 100 * columns);
      return ops.softmax(x.subarray(0, some * columns), { rows: some, columns });
    }
  }
}

/**
 * ‖result − reference‖ / ‖reference‖ over the elements that the reference has. NaN where a result is no number.
 * @param {ArrayLike<number>} result @param {ArrayLike<number>} reference
 */
export function relativeL2(result, reference) {
  if (result.length < reference.length) return Number.NaN;
  let squares = 0;
  let norm = 0;
  for (let i = 0; i < reference.length; i++) {
    squares += (result[i] - reference[i]) ** 2;
    norm += reference[i] ** 2;
  }
  return Math.sqrt(squares / Math.max(norm, 1e-30));
}
