import type { Tensor } from '../../graph/types.js';
import { ACTIVATIONS, type Activation } from '../activations.js';
import { lastDim, positionsOf } from '../lowering.js';
import type { OpCall } from '../types.js';

export interface GroupNormCall {
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

export function groupNormOf({ inputs, outputs, attrs }: OpCall): GroupNormCall {
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
