import { misfit, numberAttr, required } from '../checks.js';
import { COPY_TOLERANCE, flatGrid, imageVectorWidth, ioDefines, outputElements } from '../flat.js';
import { f32Bits, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** Every element clamped to [min, max]; any shape. */
export const clamp: OpRecord = {
  name: 'clamp',
  summary: 'Clamps every element to a range.',
  infer(inputs, attrs) {
    const [min, max] = [numberAttr('clamp', attrs, 'min'), numberAttr('clamp', attrs, 'max')];
    if (min > max) misfit('clamp', `min ${min} is above max ${max}`);
    return [required('clamp', inputs, 0).shape];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, out] = [call.inputs[0]!, call.outputs[0]!];
        const elements = outputElements(call);
        const width = imageVectorWidth(out);
        return [
          {
            shader: 'elementwise/clamp',
            defines: ioDefines(width, x, out),
            constants: {},
            bindings: [readWrite(x), readWrite(out)],
            params: params(elements / width, f32Bits(call.attrs.min as number), f32Bits(call.attrs.max as number)),
            grid: flatGrid(elements / width),
          },
        ];
      },
    },
  ],
  flops: (call) => 2 * outputElements(call),
  bytes: operandBytes,
  tolerance: COPY_TOLERANCE,
};
