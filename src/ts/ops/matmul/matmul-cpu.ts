import { f32Bits, grid1d, params, readWrite } from '../lowering.js';
import type { DeviceCaps, Kernel, OpCall, Variant } from '../types.js';
import { matmulOf } from './matmul-call.js';
import { columnsPerLane, cpuDefines, cpuSubgroup } from './one-subgroup.js';

function matmulKernel(call: OpCall, caps: DeviceCaps): Kernel {
  const { a, b, out, transposeA, transposeB, scale, batch, m, k, n, strideB } = matmulOf(call);
  const cols = columnsPerLane(n, caps.subgroupSize);
  const many = m > 8;
  return {
    shader: 'matmul/matmul-cpu',
    defines: {
      ...cpuDefines(call, caps, cols),
      COLS1: cols === 1,
      ROWS16: many,
      TRANSPOSE_A: transposeA,
      TRANSPOSE_B: transposeB,
      VEC_A: !transposeA && k % 4 === 0,
      VEC_B: transposeB && k % 4 === 0,
    },
    constants: {},
    bindings: [a, b, out].map(readWrite),
    params: params(m, k, n, batch, strideB, f32Bits(scale)),
    grid: grid1d(batch * Math.ceil(m / (many ? 16 : 8)) * Math.ceil(n / (cols * caps.subgroupSize))),
  };
}

export const cpu: Variant = {
  name: 'cpu',
  supports: (_, caps) => cpuSubgroup(caps),
  lower: (call, caps) => [matmulKernel(call, caps)],
};
