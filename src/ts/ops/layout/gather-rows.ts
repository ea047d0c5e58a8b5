import { misfit, required, requireRank } from '../checks.js';
import { COPY_TOLERANCE, copyUnit, flatGrid, outputElements } from '../flat.js';
import { lastDim, operandBytes, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/** x[b, index[b], :]: x [B, L, C], index u32 [B] → [B, C]; an index beyond L reads the last row. */
export const gatherRows: OpRecord = {
  name: 'gatherRows',
  summary: 'One row of each image, by index.',
  infer(inputs) {
    const [x, index] = [required('gatherRows', inputs, 0), required('gatherRows', inputs, 1)];
    requireRank('gatherRows', x, 3, '[B, L, C]');
    if (index.dtype !== 'u32' || index.shape.length !== 1 || index.shape[0] !== x.shape[0])
      misfit('gatherRows', `${index.name} must be u32 [${x.shape[0]}], not ${index.dtype} [${index.shape}]`);
    return [[x.shape[0]!, lastDim(x)]];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, index, out] = [call.inputs[0]!, call.inputs[1]!, call.outputs[0]!];
        const { width, defines } = copyUnit(x, out, lastDim(x));
        const count = outputElements(call) / width;
        return [
          {
            shader: 'layout/gather-rows',
            defines,
            constants: {},
            bindings: [readWrite(x), readWrite(index), readWrite(out)],
            params: params(count, lastDim(x) / width, x.shape[1]!),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: () => 0,
  bytes: (call) => 2 * operandBytes({ ...call, inputs: [] }),
  tolerance: COPY_TOLERANCE,
};
