import { grid1d, params, positionsOf, read, readWrite, storageDefines } from '../lowering.js';
import type { Kernel, OpCall, Variant } from '../types.js';
import { productOf, scaleBindings, weightDefines } from './product.js';
import { type TileShape, tileCount, tileDefines, tileTunings } from './tiles.js';

/** The tiled product; with `f16Tiles` its operands stay f16 in workgroup memory. */
export function tiledLinear(call: OpCall, tile: TileShape, f16Tiles: boolean): Kernel {
  const { x, w, bias, residual, scales, out, m, k, n, flags } = productOf(call);
  return {
    shader: 'matmul/linear-portable',
    defines: {
      ...storageDefines(call.dtype),
      ...weightDefines(w),
      VEC_K: k % 4 === 0,
      VEC_N: n % 4 === 0,
      TILE_F16: f16Tiles,
      ...tileDefines(tile),
    },
    constants: {},
    bindings: [readWrite(x), read(w), read(bias), readWrite(residual), readWrite(out), ...scaleBindings(scales)],
    params: params(m, k, n, flags),
    grid: grid1d(tileCount(tile, m, n)),
  };
}

export const portable: Variant = {
  name: 'portable',
  supports: () => true,
  tunings: (call, caps) => tileTunings(positionsOf(call.inputs[0]!), productOf(call).n, caps),
  lower: (call, _caps, tuning) => [tiledLinear(call, tuning as TileShape, false)],
};
