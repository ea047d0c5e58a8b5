import { misfit, required } from '../checks.js';
import { ELEMENTWISE_TOLERANCE, flatGrid, ioDefines, outputElements, vectorWidth } from '../flat.js';
import { lastDim, operandBytes, params, positionsOf, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** x · (1 + scale) + shift: x [B, …, C], emb [B, 2C] = (scale, shift) of each image. */
export const scaleShift: OpRecord = {
  name: 'scaleShift',
  summary: 'Scale and shift of every channel by an embedding per image.',
  infer(inputs) {
    const [x, emb] = [required('scaleShift', inputs, 0), required('scaleShift', inputs, 1)];
    if (emb.shape.length !== 2 || emb.shape[0] !== x.shape[0] || lastDim(emb) !== 2 * lastDim(x))
      misfit('scaleShift', `embedding [${emb.shape}] is not [${x.shape[0]}, ${2 * lastDim(x)}]`);
    return [x.shape];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, emb, out] = [call.inputs[0]!, call.inputs[1]!, call.outputs[0]!];
        const width = vectorWidth(lastDim(x));
        const channels = lastDim(x) / width;
        const count = outputElements(call) / width;
        return [
          {
            shader: 'elementwise/scale-shift',
            defines: ioDefines(width, x, out, emb),
            constants: {},
            bindings: [readWrite(x), readWrite(emb), readWrite(out)],
            params: params(count, channels, positionsOf(x) * channels),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: (call) => 3 * outputElements(call),
  bytes: operandBytes,
  tolerance: ELEMENTWISE_TOLERANCE,
};
