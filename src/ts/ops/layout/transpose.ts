import { required, requireRank } from '../checks.js';
import { COPY_TOLERANCE, flatGrid, ioDefines, outputElements, vectorWidth } from '../flat.js';
import { operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** [B, M, N] → [B, N, M]. */
export const transpose: OpRecord = {
  name: 'transpose',
  summary: 'Swaps the last two axes.',
  infer(inputs) {
    const x = required('transpose', inputs, 0);
    requireRank('transpose', x, 3, '[B, M, N]');
    return [[x.shape[0]!, x.shape[2]!, x.shape[1]!]];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, out] = [call.inputs[0]!, call.outputs[0]!];
        const [, rows, columns] = x.shape as [number, number, number];
        const width = vectorWidth(rows, columns);
        // One item is an element, or a block of 4 × 4.
        const count = outputElements(call) / (width * width);
        return [
          {
            shader: 'layout/transpose',
            defines: ioDefines(width, x, out),
            constants: {},
            bindings: [readWrite(x), readWrite(out)],
            params: params(count, rows / width, columns / width),
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
