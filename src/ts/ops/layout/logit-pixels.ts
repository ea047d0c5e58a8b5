import { misfit, numberAttr, required, requireRank } from '../checks.js';
import { ELEMENTWISE_TOLERANCE, flatGrid, ioDefines, outputElements } from '../flat.js';
import { f32Bits, lastDim, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/**
 * x[B, H, W, ≥ 3] → [B, H, W, 3] in [−1, 1]: 2 · clamp((sigmoid(x) − eps) / (1 − 2 eps), 0, 1) − 1 of the first three channels.
 * OpenAI's dall_e decodes so: unmap_pixels(sigmoid(x_stats[:, :3])), with the scale of our pictures behind it.
 */
export const logitPixels: OpRecord = {
  name: 'logitPixels',
  summary: 'Colours in [−1, 1] from logits; the first three channels.',
  infer(inputs, attrs) {
    const x = required('logitPixels', inputs, 0);
    requireRank('logitPixels', x, 4, '[B, H, W, C]');
    if (lastDim(x) < 3) misfit('logitPixels', `${x.name} has ${lastDim(x)} channels, fewer than 3`);
    const eps = numberAttr('logitPixels', attrs, 'eps');
    if (eps < 0 || eps >= 0.5) misfit('logitPixels', `eps is ${eps}, not within [0, 0.5)`);
    return [[...x.shape.slice(0, 3), 3]];
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
            shader: 'layout/logit-pixels',
            defines: ioDefines(1, x, out),
            constants: {},
            bindings: [readWrite(x), readWrite(out)],
            params: params(count, lastDim(x), f32Bits(call.attrs.eps as number)),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: (call) => 10 * outputElements(call),
  bytes: operandBytes,
  tolerance: ELEMENTWISE_TOLERANCE,
};
