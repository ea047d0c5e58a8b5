import type { Tensor } from '../../graph/types.js';
import { pad4 } from '../../graph/weights-spec.js';
import { flatGrid } from '../flat.js';
import { grid1d, params, positionsOf, read, readWrite } from '../lowering.js';
import { cpuKernel, productTiles } from '../matmul/linear-cpu.js';
import { cpuDefines, cpuSubgroup, cpuTiles } from '../matmul/one-subgroup.js';
import { scaleBindings, weightDefines } from '../matmul/product.js';
import type { DeviceCaps, Kernel, OpCall, Tuning, Variant } from '../types.js';
import { convOf, isPointwise, pointwiseProduct } from './conv-call.js';

/** 3×3 with stride 1, nearly all the work of a diffusion UNet, has a kernel that reads an input once for three taps. */
const isTiled = ({ attrs }: OpCall): boolean => attrs.kernel === 3 && attrs.stride === 1 && attrs.upsample === 1;

/** The same over an enlarged input: four 2×2 convolutions of the small one. */
const isEnlarged = ({ attrs }: OpCall): boolean =>
  attrs.kernel === 3 && attrs.stride === 1 && attrs.upsample === 2 && attrs.pad === 1;

function convKernel(call: OpCall, caps: DeviceCaps, { COLS, ROWS }: Tuning): Kernel {
  const { w, out, inChannels, outChannels, bindings, params } = convOf(call);
  const [batch, height, width] = out.shape as [number, number, number];
  const tiled = isTiled(call);
  const tiles = tiled ? Math.ceil(width / 8) * Math.ceil(height / 4) : Math.ceil((height * width) / ROWS!);
  return {
    shader: tiled ? 'conv/conv2d-cpu' : 'conv/conv2d-rows-cpu',
    defines: {
      ...cpuDefines(call, caps, COLS!),
      ...weightDefines(w),
      VEC_I: inChannels % 4 === 0,
      ...(tiled ? {} : { ROWS: ROWS! }),
    },
    constants: {},
    bindings,
    params,
    grid: grid1d(batch * tiles * Math.ceil(outChannels / (COLS! * caps.subgroupSize))),
  };
}

/** Sums of weights into `sums`, then the convolutions of the small input with them. */
function enlargedKernels(call: OpCall, caps: DeviceCaps, sums: Tensor, { COLS }: Tuning): Kernel[] {
  const { w, out, inChannels, outChannels, bindings, params: words } = convOf(call);
  const [batch, height, width] = out.shape as [number, number, number];
  const tiles = 4 * Math.ceil(width / 16) * Math.ceil(height / 8);
  return [
    {
      shader: 'conv/parity-weights-cpu',
      defines: { ...cpuDefines(call, caps, 4), ...weightDefines(w) },
      constants: {},
      bindings: [read(w), readWrite(sums), ...scaleBindings(call.inputs[5] ?? null)],
      params: params(inChannels, outChannels, 16),
      grid: flatGrid((inChannels * pad4(outChannels)) / 4),
    },
    {
      shader: 'conv/conv2d-cpu',
      defines: { ...cpuDefines(call, caps, COLS!), VEC_I: inChannels % 4 === 0, ENLARGED: true, W_ARENA: true },
      constants: {},
      bindings: [bindings[0]!, readWrite(sums), ...bindings.slice(2, 6)],
      params: words,
      grid: grid1d(batch * tiles * Math.ceil(outChannels / (COLS! * caps.subgroupSize))),
    },
  ];
}

/** On CPU drivers: all but enlarged inputs of kernels other than 3×3; 1×1 is a matrix product. */
export const cpu: Variant = {
  name: 'cpu',
  supports: (call, caps) => cpuSubgroup(caps) && (call.attrs.upsample === 1 || isEnlarged(call)),
  /** Leading dimension the batch, as for all that may be cut by images; the sums are in the first image's part. */
  scratch(call) {
    const { inChannels, outChannels } = convOf(call);
    return isEnlarged(call) ? [[call.outputs[0]!.shape[0]!, 16, inChannels, pad4(outChannels)]] : [];
  },
  tunings(call, caps) {
    if (isPointwise(call)) return productTiles(pointwiseProduct(call), caps);
    const rows = isTiled(call) || isEnlarged(call) ? undefined : positionsOf(call.outputs[0]!);
    return cpuTiles(convOf(call).outChannels, rows, caps);
  },
  lower(call, caps, tuning) {
    if (isPointwise(call)) return [cpuKernel(call, caps, pointwiseProduct(call), tuning)];
    if (isEnlarged(call)) return enlargedKernels(call, caps, call.scratch[0]!, tuning);
    return [convKernel(call, caps, tuning)];
  },
};
