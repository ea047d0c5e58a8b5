import type { Tensor } from '../graph/types.js';
import { ACTIVATIONS, type Activation } from './activation.js';
import { countAttr, misfit, numberAttr, required } from './checks.js';
import {
  f32Bits,
  grid1d,
  lastDim,
  operandBytes,
  params,
  positionsOf,
  read,
  readWrite,
  rowsOf,
  storageDefines,
} from './lowering.js';
import type { DeviceCaps, Kernel, OpCall, OpRecord, Variant } from './types.js';

interface GroupNormCall {
  readonly x: Tensor;
  readonly gamma: Tensor;
  readonly beta: Tensor;
  /** [B, 2C], scale first. */
  readonly scaleShift: Tensor | null;
  readonly out: Tensor;
  readonly batch: number;
  readonly positions: number;
  readonly channels: number;
  readonly groups: number;
  readonly eps: number;
  /** Bit 0: a scale-shift operand; bits 8…: number of the activation (shaders/norm/finish.wgsl). */
  readonly flags: number;
}

function parts({ inputs, outputs, attrs }: OpCall): GroupNormCall {
  const [x, scaleShift] = [inputs[0]!, inputs[3] ?? null];
  return {
    x,
    gamma: inputs[1]!,
    beta: inputs[2]!,
    scaleShift,
    out: outputs[0]!,
    batch: x.shape[0]!,
    positions: positionsOf(x),
    channels: lastDim(x),
    groups: attrs.groups as number,
    eps: attrs.eps as number,
    flags: (scaleShift === null ? 0 : 1) | (ACTIVATIONS[attrs.act as Activation] << 8),
  };
}

const portable: Variant = {
  name: 'portable',
  supports: () => true,
  lower(call): Kernel[] {
    const n = parts(call);
    const width = (n.channels / n.groups) % 4 === 0 ? 4 : 1;
    return [
      {
        shader: 'norm/group-norm-portable',
        defines: { ...storageDefines(call.dtype), VEC4: width === 4 },
        constants: {},
        bindings: [readWrite(n.x), read(n.gamma), read(n.beta), readWrite(n.scaleShift), readWrite(n.out)],
        params: params(n.positions, n.channels / width, n.groups, n.flags, f32Bits(n.eps)),
        grid: [n.groups, n.batch, 1],
      },
    ];
  },
};

/** How the strip kernels cut an image (shaders/norm/strip.wgsl); decided by its shape and the adapter, never by the batch. */
interface Strips {
  readonly lanes: number;
  readonly width: 1 | 4;
  readonly spread: number;
  readonly length: number;
  readonly count: number;
}

/** Positions of a strip, at least and at most: enough work for an invocation, and a second pass that finds its data in the cache. */
const STRIP_LENGTH = { min: 16, max: 256 };

function strips({ positions, channels }: GroupNormCall, caps: DeviceCaps): Strips {
  const lanes = caps.software ? caps.subgroupSize || 8 : 64;
  const width = channels % 4 === 0 ? 4 : 1;
  // As many interleaved strips as it takes to keep 8 (a CPU's) or 32 neighbouring invocations on one stretch of memory.
  const spread = Math.max(1, Math.ceil((caps.software ? lanes : 32) / (channels / width)));
  const wanted = Math.ceil(positions / (spread * (caps.software ? 32 : 256)));
  const length = Math.min(STRIP_LENGTH.max, Math.max(STRIP_LENGTH.min, wanted));
  return { lanes, width, spread, length, count: Math.ceil(positions / (spread * length)) * spread };
}

/** Three kernels: sums of strips, one map a channel, its application. */
function stripKernels(call: OpCall, caps: DeviceCaps): Kernel[] {
  const n = parts(call);
  const s = strips(n, caps);
  const [partial, map] = call.scratch as [Tensor, Tensor];
  const channels = n.channels / s.width;
  const [gx, gy] = grid1d(Math.ceil((s.count * channels) / s.lanes));
  const common = {
    defines: { ...storageDefines(call.dtype), VEC4: s.width === 4, LANES: s.lanes },
    constants: {},
    params: params(n.positions, channels, n.groups, s.count, s.spread, s.length, n.flags, f32Bits(n.eps)),
  };
  return [
    { ...common, shader: 'norm/group-norm-strips', bindings: [n.x, partial].map(readWrite), grid: [gx, gy, n.batch] },
    {
      ...common,
      shader: 'norm/group-norm-combine',
      bindings: [
        readWrite(n.x),
        readWrite(partial),
        read(n.gamma),
        read(n.beta),
        readWrite(n.scaleShift),
        readWrite(map),
      ],
      grid: [n.groups, 1, n.batch],
    },
    { ...common, shader: 'norm/group-norm-apply', bindings: [n.x, map, n.out].map(readWrite), grid: [gx, gy, n.batch] },
  ];
}

/** Elements of a group from which on three kernels with all of an image's parallelism beat one workgroup a group. */
const STRIPS_FROM = 32768;

/** Rows are read as they lie, whatever the groups: on CPU drivers always, on GPUs for large groups. */
const stripsVariant: Variant = {
  name: 'strips',
  supports: (call, caps) => {
    const n = parts(call);
    return caps.software || (n.positions * n.channels) / n.groups >= STRIPS_FROM;
  },
  scratch(call, caps) {
    const n = parts(call);
    return [
      [n.batch, strips(n, caps).count, 2, n.channels],
      [n.batch, 3, n.channels],
    ];
  },
  lower: stripKernels,
};

/** Group norm with fused affine map, scale-shift and activation; operands as GraphBuilder.groupNorm and the fusion pass give them. */
export const groupNorm: OpRecord = {
  name: 'groupNorm',
  summary: 'Group norm over positions and channels of a group, with fused affine map, scale-shift and activation.',
  infer(inputs, attrs) {
    const op = 'groupNorm';
    const [x, gamma, beta] = [required(op, inputs, 0), required(op, inputs, 1), required(op, inputs, 2)];
    const scaleShift = inputs[3] ?? null;
    const groups = countAttr(op, attrs, 'groups');
    numberAttr(op, attrs, 'eps');
    const channels = lastDim(x);
    if (groups === 0 || channels % groups !== 0) misfit(op, `${channels} channels do not divide into ${groups} groups`);
    for (const v of [gamma, beta])
      if (v.shape.length !== 1 || v.shape[0]! < channels || v.dtype !== 'f32')
        misfit(op, `${v.name} ${v.dtype} [${v.shape}] is not an f32 vector over ${channels} channels`);
    if (
      scaleShift !== null &&
      (scaleShift.shape.join() !== [x.shape[0], 2 * channels].join() || scaleShift.dtype !== x.dtype)
    )
      misfit(
        op,
        `scale-shift ${scaleShift.dtype} [${scaleShift.shape}] must be ${x.dtype} [${x.shape[0]}, ${2 * channels}]`,
      );
    return [x.shape];
  },
  variants: [stripsVariant, portable],
  flops: (call) => 10 * rowsOf(call.inputs[0]!) * lastDim(call.inputs[0]!),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-6, maxAbs: 1e-5 }, f16: { relL2: 5e-4, maxAbs: 8e-3 } },
};
