import { misfit, required, requireRank } from '../checks.js';
import { COPY_TOLERANCE, ELEMENTWISE_TOLERANCE, flatGrid, ioDefines, outputElements, vectorWidth } from '../flat.js';
import { lastDim, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** One number of each 2×2 block, an odd last row or column dropped: [B, H, W, C] → [B, ⌊H/2⌋, ⌊W/2⌋, C]. */
const pool2x = (name: string, largest: boolean, o: Pick<OpRecord, 'summary' | 'tolerance'>): OpRecord => ({
  name,
  ...o,
  infer(inputs) {
    const x = required(name, inputs, 0);
    requireRank(name, x, 4, '[B, H, W, C]');
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    if (height < 2 || width < 2) misfit(name, `${x.name} [${x.shape}] has no 2×2 block`);
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
            shader: 'resize/pool',
            defines: { ...ioDefines(width, x, out), LARGEST: largest },
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
});

export const avgPool2x = pool2x('avgPool2x', false, {
  summary: 'Mean over 2×2 blocks.',
  tolerance: ELEMENTWISE_TOLERANCE,
});

export const maxPool2x = pool2x('maxPool2x', true, {
  summary: 'Largest value of 2×2 blocks.',
  tolerance: COPY_TOLERANCE,
});
