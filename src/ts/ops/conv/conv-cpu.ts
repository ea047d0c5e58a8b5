import { grid1d, positionsOf } from '../lowering.js';
import { cpuKernel } from '../matmul/linear-cpu.js';
import { columnsPerLane, cpuDefines, cpuSubgroup } from '../matmul/one-subgroup.js';
import { weightDefines } from '../matmul/product.js';
import type { DeviceCaps, Kernel, OpCall, Variant } from '../types.js';
import { convOf, isPointwise, pointwiseProduct } from './conv-call.js';

/** 3×3 with stride 1, nearly all the work of a diffusion UNet, has a kernel that reads an input once for three taps. */
const isTiled = ({ attrs }: OpCall): boolean => attrs.kernel === 3 && attrs.stride === 1;

function convKernel(call: OpCall, caps: DeviceCaps): Kernel {
  const { w, out, inChannels, outChannels, bindings, params } = convOf(call);
  const [batch, height, width] = out.shape as [number, number, number];
  const cols = columnsPerLane(outChannels, caps.subgroupSize);
  const many = positionsOf(out) > 8;
  const tiled = isTiled(call);
  const tiles = tiled ? Math.ceil(width / 8) * Math.ceil(height / 4) : Math.ceil((height * width) / (many ? 16 : 8));
  return {
    shader: tiled ? 'conv/conv2d-cpu' : 'conv/conv2d-rows-cpu',
    defines: {
      ...cpuDefines(call, caps, cols),
      ...weightDefines(w),
      VEC_I: inChannels % 4 === 0,
      ...(tiled ? {} : { ROWS16: many }),
    },
    constants: {},
    bindings,
    params,
    grid: grid1d(batch * tiles * Math.ceil(outChannels / (cols * caps.subgroupSize))),
  };
}

/** On CPU drivers: all but enlarged inputs of kernels other than 3×3; 1×1 is a matrix product. */
export const cpu: Variant = {
  name: 'cpu',
  supports: (call, caps) => cpuSubgroup(caps) && (isTiled(call) || isPointwise(call) || call.attrs.upsample === 1),
  lower: (call, caps) => [isPointwise(call) ? cpuKernel(call, caps, pointwiseProduct(call)) : convKernel(call, caps)],
};
