import { f32Bits, grid1d, params, readWrite } from '../lowering.js';
import type { DeviceCaps, Kernel, OpCall, Tuning, Variant } from '../types.js';
import { matmulOf } from './matmul-call.js';
import { cpuDefines, cpuSubgroup, cpuTiles } from './one-subgroup.js';

function matmulKernel(call: OpCall, caps: DeviceCaps, { COLS, ROWS }: Tuning): Kernel {
  const { a, b, out, transposeA, transposeB, scale, batch, m, k, n, strideB } = matmulOf(call);
  return {
    shader: 'matmul/matmul-cpu',
    defines: {
      ...cpuDefines(call, caps, COLS!),
      COLS1: COLS === 1,
      ROWS: ROWS!,
      TRANSPOSE_A: transposeA,
      TRANSPOSE_B: transposeB,
      VEC_A: !transposeA && k % 4 === 0,
      VEC_B: transposeB && k % 4 === 0,
    },
    constants: {},
    bindings: [a, b, out].map(readWrite),
    params: params(m, k, n, batch, strideB, f32Bits(scale)),
    grid: grid1d(batch * Math.ceil(m / ROWS!) * Math.ceil(n / (COLS! * caps.subgroupSize))),
  };
}

export const cpu: Variant = {
  name: 'cpu',
  supports: (_, caps) => cpuSubgroup(caps),
  tunings(call, caps) {
    const { m, n } = matmulOf(call);
    return cpuTiles(n, m, caps);
  },
  lower: (call, caps, tuning) => [matmulKernel(call, caps, tuning)],
};
