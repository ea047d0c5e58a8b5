import type { Tensor } from '../../graph/types.js';
import { countAttr, misfit, required, requireRank } from '../checks.js';
import { flatGrid, ioDefines, outputElements, vectorWidth } from '../flat.js';
import { operandBytes, params, readWrite } from '../lowering.js';
import type { Kernel, OpRecord } from '../types.js';

/** Sizes up to here keep the kernel's integer positions within 31 bits. */
const MAX_SIZE = 16384;

/** Resamples the middle dimension of [outer, length, inner] to `outLength`. */
function pass(from: Tensor, to: Tensor, outer: number, length: number, outLength: number, inner: number): Kernel {
  const width = vectorWidth(inner);
  const count = (outer * outLength * inner) / width;
  return {
    shader: 'resize/bicubic',
    defines: ioDefines(width, from, to),
    constants: {},
    bindings: [readWrite(from), readWrite(to)],
    params: params(count, inner / width, length, outLength),
    grid: flatGrid(count),
  };
}

/**
 * torch.nn.functional.interpolate(mode='bicubic', antialias=True, align_corners=False): [B, H, W, C] → [B, height, width, C].
 * Two passes, rows first as PyTorch does, with an f32 intermediate.
 */
export const bicubicResize: OpRecord = {
  name: 'bicubicResize',
  summary: "PyTorch's antialiased bicubic resize (a = −0.5), up or down.",
  infer(inputs, attrs) {
    const x = required('bicubicResize', inputs, 0);
    requireRank('bicubicResize', x, 4, '[B, H, W, C]');
    const [height, width] = [countAttr('bicubicResize', attrs, 'height'), countAttr('bicubicResize', attrs, 'width')];
    for (const size of [height, width, x.shape[1]!, x.shape[2]!])
      if (size < 1 || size > MAX_SIZE) misfit('bicubicResize', `size ${size} is not within 1 to ${MAX_SIZE}`);
    return [[x.shape[0]!, height, width, x.shape[3]!]];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      scratch(call) {
        const [batch, height, , channels] = call.inputs[0]!.shape as [number, number, number, number];
        return [[batch, height, call.attrs.width as number, channels]];
      },
      lower(call) {
        const [x, out, wide] = [call.inputs[0]!, call.outputs[0]!, call.scratch[0]!];
        const [batch, height, width, channels] = x.shape as [number, number, number, number];
        const [, outHeight, outWidth] = out.shape as [number, number, number, number];
        return [
          pass(x, wide, batch * height, width, outWidth, channels),
          pass(wide, out, batch, height, outHeight, outWidth * channels),
        ];
      },
    },
  ],
  flops: (call) => 2 * 2 * 4 * outputElements(call),
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-6, maxAbs: 5e-6 }, f16: { relL2: 5e-4, maxAbs: 4e-3 } },
};
