import { misfit, required } from '../checks.js';
import { ELEMENTWISE_TOLERANCE, flatGrid, ioDefines, outputElements, vectorWidth } from '../flat.js';
import { lastDim, operand, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** x · scale + shift: x […, C], scale and shift vectors of at least C elements (weights are zero-padded to a multiple of 4). */
export const affine: OpRecord = {
  name: 'affine',
  summary: 'Scale and shift of every channel by two vectors.',
  infer(inputs) {
    const x = required('affine', inputs, 0);
    const [scale, shift] = [required('affine', inputs, 1), required('affine', inputs, 2)];
    for (const v of [scale, shift])
      if (v.shape.length !== 1 || v.shape[0]! < lastDim(x))
        misfit('affine', `${v.name} [${v.shape}] is not a vector over ${lastDim(x)} channels`);
    if ((scale.kind === 'weight') !== (shift.kind === 'weight'))
      misfit('affine', 'scale and shift must both be weights, or neither');
    if (scale.dtype !== shift.dtype) misfit('affine', `scale is ${scale.dtype} but shift is ${shift.dtype}`);
    return [x.shape];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, scale, shift] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2]!];
        const out = call.outputs[0]!;
        const width = vectorWidth(lastDim(x), scale.shape[0]!, shift.shape[0]!);
        const count = outputElements(call) / width;
        return [
          {
            shader: 'elementwise/affine',
            defines: { ...ioDefines(width, x, out, scale), V_WEIGHT: scale.kind === 'weight' },
            constants: {},
            bindings: [readWrite(x), operand(scale), operand(shift), readWrite(out)],
            params: params(count, lastDim(x) / width),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: (call) => 2 * outputElements(call),
  bytes: operandBytes,
  tolerance: ELEMENTWISE_TOLERANCE,
};
