import { grid1d, params, positionsOf, read, readWrite } from '../lowering.js';
import type { DeviceCaps, Kernel, OpCall, Variant } from '../types.js';
import { columnsPerLane, cpuDefines, cpuSubgroup } from './one-subgroup.js';
import { type Product, productOf, scaleBindings, weightDefines } from './product.js';

/** Kernel of the one-subgroup product; few rows per image get 8 rows a workgroup instead of 16. */
export function cpuKernel(call: OpCall, caps: DeviceCaps, o: Product): Kernel {
  const { x, w, bias, residual, scales, out, m, k, n, flags } = o;
  const cols = columnsPerLane(n, caps.subgroupSize);
  const many = positionsOf(x) > 8;
  return {
    shader: 'matmul/linear-cpu',
    defines: { ...cpuDefines(call, caps, cols), ...weightDefines(w), VEC_K: k % 4 === 0, ROWS16: many },
    constants: {},
    bindings: [readWrite(x), read(w), read(bias), readWrite(residual), readWrite(out), ...scaleBindings(scales)],
    params: params(m, k, n, flags),
    grid: grid1d(Math.ceil(m / (many ? 16 : 8)) * Math.ceil(n / (cols * caps.subgroupSize))),
  };
}

export const cpu: Variant = {
  name: 'cpu',
  supports: (_call, caps) => cpuSubgroup(caps),
  lower: (call, caps) => [cpuKernel(call, caps, productOf(call))],
};
