import { misfit, required, requireRank } from '../checks.js';
import { flatGrid, ioDefines, outputElements } from '../flat.js';
import { lastDim, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/**
 * [B, H, W, 3] in [−1, 1] → u32 [B, H, W]: round(255 · clamp(x/2 + 1/2, 0, 1)), halves to even as numpy rounds; R in the low
 * byte, A = 255.
 */
export const toRgba8: OpRecord = {
  name: 'toRgba8',
  summary: 'Pixels in [−1, 1] to packed 8-bit RGBA.',
  infer(inputs) {
    const x = required('toRgba8', inputs, 0);
    requireRank('toRgba8', x, 4, '[B, H, W, 3]');
    if (lastDim(x) !== 3) misfit('toRgba8', `${x.name} has ${lastDim(x)} channels, not 3`);
    return [x.shape.slice(0, 3)];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, out] = [call.inputs[0]!, call.outputs[0]!];
        const count = outputElements(call);
        return [
          {
            shader: 'layout/to-rgba8',
            defines: ioDefines(1, x, out),
            constants: {},
            bindings: [readWrite(x), readWrite(out)],
            params: params(count),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: (call) => 12 * outputElements(call),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 0, maxAbs: 0 }, f16: { relL2: 0, maxAbs: 0 } },
};
