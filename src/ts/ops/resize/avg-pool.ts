import { misfit, required, requireRank } from '../checks.js';
import { ELEMENTWISE_TOLERANCE, flatGrid, ioDefines, outputElements, vectorWidth } from '../flat.js';
import { lastDim, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** Mean over 2×2 blocks, an odd last row or column dropped: [B, H, W, C] → [B, ⌊H/2⌋, ⌊W/2⌋, C]. */
export const avgPool2x: OpRecord = {
  name: 'avgPool2x',
  summary: 'Mean over 2×2 blocks.',
  infer(inputs) {
    const x = required('avgPool2x', inputs, 0);
    requireRank('avgPool2x', x, 4, '[B, H, W, C]');
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    if (height < 2 || width < 2) misfit('avgPool2x', `${x.name} [${x.shape}] has no 2×2 block`);
    return [[batch, height >> 1, width >> 1, channels]];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, out] = [call.inputs[0]!, call.outputs[0]!];
        const width = vectorWidth(lastDim(x));
        const count = outputElements(call) / width;
        return [
          {
            shader: 'resize/avg-pool',
            defines: ioDefines(width, x, out),
            constants: {},
            bindings: [readWrite(x), readWrite(out)],
            params: params(count, lastDim(x) / width, x.shape[1]!, x.shape[2]!),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: (call) => 4 * outputElements(call),
  bytes: operandBytes,
  tolerance: ELEMENTWISE_TOLERANCE,
};
