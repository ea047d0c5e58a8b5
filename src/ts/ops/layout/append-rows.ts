import { elementCount } from '../../graph/types.js';
import { misfit, required, requirePositions, requireRank } from '../checks.js';
import { COPY_TOLERANCE, copyUnit, flatGrid } from '../flat.js';
import { lastDim, params, readWrite } from '../lowering.js';
import type { OpRecord } from '../types.js';

/**
 * x [B, L, C] written into rows position[b] … position[b] + L − 1 of cache [B, Lmax, C], in place; rows beyond Lmax are dropped.
 * position u32 [B].
 */
export const appendRows: OpRecord = {
  name: 'appendRows',
  summary: 'Rows written into a longer tensor, in place, from a position on that the GPU holds: a key/value cache.',
  infer(inputs) {
    const op = 'appendRows';
    const [cache, x, position] = [required(op, inputs, 0), required(op, inputs, 1), required(op, inputs, 2)];
    requireRank(op, cache, 3, '[B, Lmax, C]');
    requireRank(op, x, 3, '[B, L, C]');
    if (cache.kind !== 'state') misfit(op, `${cache.name} must be a state: it outlives the run`);
    if (x.dtype !== cache.dtype) misfit(op, `${x.name} is ${x.dtype} but ${cache.name} is ${cache.dtype}`);
    if (x.shape[0] !== cache.shape[0] || lastDim(x) !== lastDim(cache) || x.shape[1]! > cache.shape[1]!)
      misfit(op, `rows [${x.shape}] do not fit into [${cache.shape}]`);
    requirePositions(op, position, x.shape[0]!);
    return [cache.shape];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [cache, x, position] = [call.inputs[0]!, call.inputs[1]!, call.inputs[2]!];
        const { width, defines } = copyUnit(x, cache, lastDim(x));
        const count = elementCount(x.shape) / width;
        return [
          {
            shader: 'layout/append-rows',
            defines,
            constants: {},
            bindings: [readWrite(x), readWrite(position), readWrite(cache)],
            params: params(count, lastDim(x) / width, x.shape[1]!, cache.shape[1]!),
            grid: flatGrid(count),
          },
        ];
      },
    },
  ],
  flops: () => 0,
  bytes: (call) => 2 * elementCount(call.inputs[1]!.shape) * (call.inputs[1]!.dtype === 'f16' ? 2 : 4),
  tolerance: COPY_TOLERANCE,
};
