import { grid1d } from '../lowering.js';
import { cpuKernel } from '../matmul/linear-cpu.js';
import { columnsPerLane, cpuDefines, cpuSubgroup } from '../matmul/one-subgroup.js';
import { weightDefines } from '../matmul/product.js';
import type { Kernel, Variant } from '../types.js';
import { convOf, isPointwise, pointwiseProduct } from './conv-call.js';

/** On CPU drivers: 3×3 with stride 1, nearly all the work of a diffusion UNet, and 1×1 as a matrix product. */
export const cpu: Variant = {
  name: 'cpu',
  supports: (call, caps) =>
    cpuSubgroup(caps) && ((call.attrs.kernel === 3 && call.attrs.stride === 1) || isPointwise(call)),
  lower(call, caps): Kernel[] {
    if (isPointwise(call)) return [cpuKernel(call, caps, pointwiseProduct(call))];
    const { w, out, inChannels, outChannels, bindings, params } = convOf(call);
    const [batch, height, width] = out.shape as [number, number, number];
    const cols = columnsPerLane(outChannels, caps.subgroupSize);
    const tiles = Math.ceil(width / 8) * Math.ceil(height / 4) * Math.ceil(outChannels / (cols * caps.subgroupSize));
    return [
      {
        shader: 'conv/conv2d-cpu',
        defines: { ...cpuDefines(call, caps, cols), ...weightDefines(w), VEC_I: inChannels % 4 === 0 },
        constants: {},
        bindings,
        params,
        grid: grid1d(batch * tiles),
      },
    ];
  },
};
