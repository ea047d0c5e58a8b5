import { grid1d, positionsOf, rowsOf, storageDefines } from '../lowering.js';
import { portableTile } from '../matmul/tiles.js';
import type { Kernel, Variant } from '../types.js';
import { convOf } from './conv-call.js';

export const portable: Variant = {
  name: 'portable',
  supports: () => true,
  lower(call): Kernel[] {
    const { out, inChannels, outChannels, bindings, params } = convOf(call);
    const tile = portableTile(positionsOf(out), outChannels);
    return [
      {
        shader: 'conv/conv2d-portable',
        defines: { ...storageDefines(call.dtype), VEC_I: inChannels % 4 === 0, VEC_O: outChannels % 4 === 0, ...tile },
        constants: {},
        bindings,
        params,
        grid: grid1d(Math.ceil(rowsOf(out) / tile.BM) * Math.ceil(outChannels / tile.BN)),
      },
    ];
  },
};
