import { countAttr, misfit, numberAttr, required } from '../checks.js';
import { lastDim, operandBytes, rowsOf } from '../lowering.js';
import type { OpRecord } from '../types.js';
import { portable } from './group-norm-portable.js';
import { strips } from './group-norm-strips.js';
import { subgroup } from './group-norm-subgroup.js';

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
  variants: [strips, subgroup, portable],
  flops: (call) => 10 * rowsOf(call.inputs[0]!) * lastDim(call.inputs[0]!),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-6, maxAbs: 1e-5 }, f16: { relL2: 5e-4, maxAbs: 8e-3 } },
};
