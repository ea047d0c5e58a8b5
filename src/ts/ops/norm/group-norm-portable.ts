import { f32Bits, params, read, readWrite, storageDefines } from '../lowering.js';
import type { Kernel, Variant } from '../types.js';
import { groupNormOf } from './group-norm-call.js';

export const portable: Variant = {
  name: 'portable',
  supports: () => true,
  lower(call): Kernel[] {
    const n = groupNormOf(call);
    const width = (n.channels / n.groups) % 4 === 0 ? 4 : 1;
    return [
      {
        shader: 'norm/group-norm-portable',
        defines: { ...storageDefines(call.dtype), VEC4: width === 4 },
        constants: {},
        bindings: [readWrite(n.x), read(n.gamma), read(n.beta), readWrite(n.scaleShift), readWrite(n.out)],
        params: params(n.positions, n.channels / width, n.groups, n.flags, f32Bits(n.eps)),
        grid: [n.groups, n.batch, 1],
      },
    ];
  },
};
