import { grid1d, params, positionsOf, read, readWrite } from '../lowering.js';
import type { DeviceCaps, Kernel, OpCall, Tuning, Variant } from '../types.js';
import { cpuDefines, cpuSubgroup, cpuTiles } from './one-subgroup.js';
import { type Product, productOf, scaleBindings, weightDefines } from './product.js';

/** Tiles of {@link cpuKernel}. */
export const productTiles = ({ n, x }: Product, caps: DeviceCaps): readonly Tuning[] =>
  cpuTiles(n, positionsOf(x), caps);

/** Kernel of the one-subgroup product. */
export function cpuKernel(call: OpCall, caps: DeviceCaps, o: Product, { COLS, ROWS }: Tuning): Kernel {
  const { x, w, bias, residual, scales, out, m, k, n, flags } = o;
  return {
    shader: 'matmul/linear-cpu',
    defines: { ...cpuDefines(call, caps, COLS!), ...weightDefines(w), VEC_K: k % 4 === 0, ROWS: ROWS! },
    constants: {},
    bindings: [readWrite(x), read(w), read(bias), readWrite(residual), readWrite(out), ...scaleBindings(scales)],
    params: params(m, k, n, flags),
    grid: grid1d(Math.ceil(m / ROWS!) * Math.ceil(n / (COLS! * caps.subgroupSize))),
  };
}

export const cpu: Variant = {
  name: 'cpu',
  supports: (_call, caps) => cpuSubgroup(caps),
  tunings: (call, caps) => productTiles(productOf(call), caps),
  lower: (call, caps, tuning) => [cpuKernel(call, caps, productOf(call), tuning)],
};
