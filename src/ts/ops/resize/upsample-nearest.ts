import { required, requireRank } from '../checks.js';
import { COPY_TOLERANCE, copyUnit, flatGrid, outputElements } from '../flat.js';
import { lastDim, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** Every pixel doubled in both directions: [B, H, W, C] → [B, 2H, 2W, C]. */
export const upsampleNearest2x: OpRecord = {
  name: 'upsampleNearest2x',
  summary: 'Nearest-neighbour enlargement by 2.',
  infer(inputs) {
    const x = required('upsampleNearest2x', inputs, 0);
    requireRank('upsampleNearest2x', x, 4, '[B, H, W, C]');
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    return [[batch, height * 2, width * 2, channels]];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, out] = [call.inputs[0]!, call.outputs[0]!];
        const { width, defines } = copyUnit(x, out, lastDim(x));
        const count = outputElements(call) / width;
        return [
          {
            shader: 'resize/upsample-nearest',
            defines,
            constants: {},
            bindings: [readWrite(x), readWrite(out)],
            params: params(count, lastDim(x) / width, x.shape[1]!, x.shape[2]!),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: () => 0,
  bytes: operandBytes,
  tolerance: COPY_TOLERANCE,
};
