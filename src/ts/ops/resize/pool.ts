import type { Tensor } from '../../graph/types.js';
import { misfit, required, requireRank } from '../checks.js';
import { COPY_TOLERANCE, ELEMENTWISE_TOLERANCE, flatGrid, ioDefines, outputElements, vectorWidth } from '../flat.js';
import { lastDim, operandBytes, params, readWrite } from '../lowering.js';
import type { OpCall, OpRecord, Variant } from '../types.js';

/** One number of each 2×2 block, an odd last row or column dropped: [B, H, W, C] → [B, ⌊H/2⌋, ⌊W/2⌋, C]. */
function pooledShape(name: string, inputs: readonly (Tensor | null)[]): number[][] {
  const x = required(name, inputs, 0);
  requireRank(name, x, 4, '[B, H, W, C]');
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  if (height < 2 || width < 2) misfit(name, `${x.name} [${x.shape}] has no 2×2 block`);
  return [[batch, height >> 1, width >> 1, channels]];
}

/** @param largest the largest value of a block, not the mean */
const pooling = (largest: boolean): Variant => ({
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
});

const flops = (call: OpCall): number => 4 * outputElements(call);

export const avgPool2x: OpRecord = {
  name: 'avgPool2x',
  summary: 'Mean over 2×2 blocks.',
  infer: (inputs) => pooledShape('avgPool2x', inputs),
  variants: [pooling(false)],
  flops,
  bytes: operandBytes,
  tolerance: ELEMENTWISE_TOLERANCE,
};

export const maxPool2x: OpRecord = {
  name: 'maxPool2x',
  summary: 'Largest value of 2×2 blocks.',
  infer: (inputs) => pooledShape('maxPool2x', inputs),
  variants: [pooling(true)],
  flops,
  bytes: operandBytes,
  tolerance: COPY_TOLERANCE,
};
