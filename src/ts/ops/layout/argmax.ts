import { misfit, required } from '../checks.js';
import { grid1d, lastDim, operandBytes, params, readWrite, rowsOf, storageDefines } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** Place of the largest element of the last dimension, the first of equals, as torch.argmax has it on a CPU: [B, …, C] → u32 [B, …]. */
export const argmax: OpRecord = {
  name: 'argmax',
  summary: 'Place of the largest element of the last dimension, the first of equals.',
  infer(inputs) {
    const x = required('argmax', inputs, 0);
    if (x.shape.length < 2 || lastDim(x) < 1) misfit('argmax', `${x.name} [${x.shape}] has no rows`);
    return [x.shape.slice(0, -1)];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, out] = [call.inputs[0]!, call.outputs[0]!];
        return [
          {
            shader: 'layout/argmax',
            defines: storageDefines(call.dtype),
            constants: {},
            bindings: [readWrite(x), readWrite(out)],
            params: params(rowsOf(x), lastDim(x)),
            grid: grid1d(rowsOf(x)),
          },
        ];
      },
    },
  ],
  flops: (call) => rowsOf(call.inputs[0]!) * lastDim(call.inputs[0]!),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 0, maxAbs: 0 }, f16: { relL2: 0, maxAbs: 0 } },
};
