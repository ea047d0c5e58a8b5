import { grid1d, params, positionsOf, read, readWrite, storageDefines } from '../lowering.js';
import type { Kernel, Variant } from '../types.js';
import { productOf } from './product.js';
import { portableTile } from './tiles.js';

export const portable: Variant = {
  name: 'portable',
  supports: () => true,
  lower(call): Kernel[] {
    const { x, w, bias, residual, out, m, k, n, flags } = productOf(call);
    const tile = portableTile(positionsOf(x), n);
    return [
      {
        shader: 'matmul/linear-portable',
        defines: { ...storageDefines(call.dtype), VEC_K: k % 4 === 0, VEC_N: n % 4 === 0, ...tile },
        constants: {},
        bindings: [readWrite(x), read(w), read(bias), readWrite(residual), readWrite(out)],
        params: params(m, k, n, flags),
        grid: grid1d(Math.ceil(m / tile.BM) * Math.ceil(n / tile.BN)),
      },
    ];
  },
};
