import { grid1d, positionsOf, rowsOf, storageDefines } from '../lowering.js';
import { weightDefines } from '../matmul/product.js';
import { type TileShape, tileCount, tileDefines, tileTunings } from '../matmul/tiles.js';
import type { Kernel, OpCall, Variant } from '../types.js';
import { convOf } from './conv-call.js';

/** The convolution as a tiled product over pixels; with `f16Tiles` its operands stay f16 in workgroup memory. */
export function tiledConv(call: OpCall, tile: TileShape, f16Tiles: boolean): Kernel {
  const { w, out, inChannels, outChannels, bindings, params } = convOf(call);
  return {
    shader: 'conv/conv2d-portable',
    defines: {
      ...storageDefines(call.dtype),
      ...weightDefines(w),
      VEC_I: inChannels % 4 === 0,
      VEC_O: outChannels % 4 === 0,
      TILE_F16: f16Tiles,
      ...tileDefines(tile),
    },
    constants: {},
    bindings,
    params,
    grid: grid1d(tileCount(tile, rowsOf(out), outChannels)),
  };
}

export const portable: Variant = {
  name: 'portable',
  supports: () => true,
  tunings: (call, caps) => tileTunings(positionsOf(call.outputs[0]!), convOf(call).outChannels, caps),
  lower: (call, _caps, tuning) => [tiledConv(call, tuning as TileShape, false)],
};
