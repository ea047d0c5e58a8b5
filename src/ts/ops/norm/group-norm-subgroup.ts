import { f32Bits, params, read, readWrite, storageDefines } from '../lowering.js';
import { subgroupRange } from '../subgroup-range.js';
import type { DeviceCaps, OpCall, Variant } from '../types.js';
import { groupNormOf } from './group-norm-call.js';
import { type SharedRow, sharedRows } from './subgroup-rows.js';

/** Neighbouring channels of a group that are read at once. */
function valWidth(call: OpCall): 1 | 2 | 4 {
  const { channels, groups } = groupNormOf(call);
  const width = channels / groups;
  if (width % 4 === 0) return 4;
  return width % 2 === 0 ? 2 : 1;
}

/** Ways to share a group among the lanes of a workgroup. */
function shares(call: OpCall, caps: DeviceCaps): readonly SharedRow[] {
  const { positions, channels, groups } = groupNormOf(call);
  const width = valWidth(call);
  return sharedRows((positions * channels) / groups / width, width, caps);
}

/** A workgroup a group that fits its registers: one read of x, sums by subgroups. Larger groups are for `strips`. */
export const subgroup: Variant = {
  name: 'subgroup',
  supports: (call, caps) => shares(call, caps).length > 0,
  tunings: shares,
  lower(call, caps, tuning) {
    const n = groupNormOf(call);
    const width = valWidth(call);
    return [
      {
        shader: 'norm/group-norm-subgroup',
        defines: {
          ...storageDefines(call.dtype),
          ...tuning,
          VEC4: width === 4,
          VEC2: width === 2,
          SUBGROUP: subgroupRange(caps)!.least,
          ROWS: 1,
        },
        constants: {},
        bindings: [readWrite(n.x), read(n.gamma), read(n.beta), readWrite(n.scaleShift), readWrite(n.out)],
        params: params(n.positions, n.channels / width, n.groups, n.flags, f32Bits(n.eps)),
        grid: [n.groups, n.batch, 1],
      },
    ];
  },
};
