import type { Tensor } from '../graph/types.js';
import { ACTIVATIONS, type Activation } from './activation.js';
import { countAttr, misfit, numberAttr, required } from './checks.js';
import {
  f32Bits,
  lastDim,
  operandBytes,
  params,
  positionsOf,
  read,
  readWrite,
  rowsOf,
  storageDefines,
} from './lowering.js';
import type { Kernel, OpCall, OpRecord, Variant } from './types.js';

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
  variants: [portable],
  flops: (call) => 10 * rowsOf(call.inputs[0]!) * lastDim(call.inputs[0]!),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-6, maxAbs: 1e-5 }, f16: { relL2: 5e-4, maxAbs: 8e-3 } },
};
