import { storageDefines } from '../lowering.js';
import type { Kernel, Variant } from '../types.js';
import { attentionBindings, attentionOf, attentionParams } from './attention-call.js';

/** Keys that a lane of attention-cpu holds at once. */
const CPU_BLOCKS = 4;

/** Queries that one subgroup of attention-cpu computes: fewer where a lane owns many columns, for the sake of registers. */
function cpuRows(headSize: number, lanes: number): number {
  const columns = headSize / 4 / lanes;
  return columns <= 4 ? 8 : columns <= 8 ? 4 : 2;
}

export const cpu: Variant = {
  name: 'cpu',
  supports: (call, caps) => caps.software && caps.subgroupSize > 0 && attentionOf(call).headSize % 4 === 0,
  lower(call, caps): Kernel[] {
    const a = attentionOf(call);
    const rows = cpuRows(a.headSize, caps.subgroupSize);
    return [
      {
        shader: 'attention/attention-cpu',
        defines: {
          ...storageDefines(call.dtype),
          CONTEXT: a.context !== null,
          HEAD: a.headSize,
          SUBGROUP: caps.subgroupSize,
          ROWS: rows,
          BLOCKS: CPU_BLOCKS,
        },
        constants: {},
        bindings: attentionBindings(a),
        params: attentionParams(a),
        grid: [Math.ceil(a.queries / rows), a.heads, a.batch],
      },
    ];
  },
};
