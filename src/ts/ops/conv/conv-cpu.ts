import { grid1d, rowsOf } from '../lowering.js';
import { cpuKernel } from '../matmul/linear-cpu.js';
import { columnsPerLane, cpuDefines, cpuSubgroup } from '../matmul/one-subgroup.js';
import { epilogueFlags } from '../matmul/product.js';
import type { Kernel, Variant } from '../types.js';
import { convOf, isPointwise } from './conv-call.js';

/** On CPU drivers: 3×3 with stride 1, nearly all the work of a diffusion UNet, and 1×1 as a matrix product. */
export const cpu: Variant = {
  name: 'cpu',
  supports: (call, caps) =>
    cpuSubgroup(caps) && ((call.attrs.kernel === 3 && call.attrs.stride === 1) || isPointwise(call)),
  lower(call, caps): Kernel[] {
    const { out, inChannels, outChannels, bindings, params } = convOf(call);
    const [batch, height, width] = out.shape as [number, number, number];
    if (isPointwise(call)) {
      const [x, w, bias, residual] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2] ?? null, call.inputs[4] ?? null];
      const flags = epilogueFlags({ bias, residual, act: call.attrs.act as string });
      return [
        cpuKernel(call, caps, { x, w, bias, residual, out, m: rowsOf(out), k: inChannels, n: outChannels, flags }),
      ];
    }
    const cols = columnsPerLane(outChannels, caps.subgroupSize);
    const tiles = Math.ceil(width / 8) * Math.ceil(height / 4) * Math.ceil(outChannels / (cols * caps.subgroupSize));
    return [
      {
        shader: 'conv/conv2d-cpu',
        defines: { ...cpuDefines(call, caps, cols), VEC_I: inChannels % 4 === 0 },
        constants: {},
        bindings,
        params,
        grid: grid1d(batch * tiles),
      },
    ];
  },
};
