import { f32Bits, grid1d, params, readWrite, storageDefines } from '../lowering.js';
import type { Kernel, OpCall, Variant } from '../types.js';
import { matmulOf } from './matmul-call.js';
import { type TileShape, tileCount, tileDefines, tileTunings } from './tiles.js';

/** The tiled batched product; with `f16Tiles` its operands stay f16 in workgroup memory. */
export function tiledMatmul(call: OpCall, tile: TileShape, f16Tiles: boolean): Kernel {
  const { a, b, out, transposeA, transposeB, scale, batch, m, k, n, strideB } = matmulOf(call);
  const [gx, gy] = grid1d(tileCount(tile, m, n));
  return {
    shader: 'matmul/matmul-portable',
    defines: {
      ...storageDefines(call.dtype),
      ...tileDefines(tile),
      TILE_F16: f16Tiles,
      TRANSPOSE_A: transposeA,
      TRANSPOSE_B: transposeB,
      VEC_A: !transposeA && k % 4 === 0,
      VEC_B: !transposeB && n % 4 === 0,
      VEC_N: n % 4 === 0,
    },
    constants: {},
    bindings: [a, b, out].map(readWrite),
    params: params(m, k, n, strideB, f32Bits(scale)),
    grid: [gx, gy, batch],
  };
}

export const portable: Variant = {
  name: 'portable',
  supports: () => true,
  tunings(call, caps) {
    const { m, n } = matmulOf(call);
    return tileTunings(m, n, caps);
  },
  lower: (call, _caps, tuning) => [tiledMatmul(call, tuning as TileShape, false)],
};
