import { storageDefines } from '../lowering.js';
import type { DeviceCaps, OpCall } from '../types.js';

/** Whether the one-subgroup kernels run here and pay: a CPU driver with a subgroup size they were written for. */
export const cpuSubgroup = ({ software, subgroupSize }: DeviceCaps): boolean =>
  software && (subgroupSize === 4 || subgroupSize === 8);

/** Columns a lane owns in the one-subgroup kernels: as many as n fills, and so that they divide n. */
export function columnsPerLane(n: number, subgroupSize: number): 1 | 2 | 4 {
  if (n % 4 === 0 && n > 2 * subgroupSize) return 4;
  return n % 2 === 0 && n > subgroupSize ? 2 : 1;
}

/** Switches of shaders/matmul/columns.wgsl. */
export const cpuDefines = (call: OpCall, caps: DeviceCaps, cols: 1 | 2 | 4): Record<string, boolean | number> => ({
  ...storageDefines(call.dtype),
  SUBGROUP: caps.subgroupSize,
  COLS4: cols === 4,
  COLS2: cols === 2,
});
