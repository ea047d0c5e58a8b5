import type { Tensor } from '../../graph/types.js';
import { countAttr, misfit, required } from '../checks.js';
import { COPY_TOLERANCE } from '../flat.js';
import { operandBytes } from '../lowering.js';
import type { Kernel, OpRecord } from '../types.js';
import { copyRows, extent } from './copy.js';

/** Whether `part` fits `shape` in every dimension but `axis`; its leading dimension may be 1 instead (axis ≠ 0). */
const fits = (part: readonly number[], shape: readonly number[], axis: number): boolean =>
  part.length === shape.length && part.every((n, i) => i === axis || n === shape[i] || (i === 0 && n === 1));

/** Tensors joined along `axis`, one dispatch a part; a part with leading dimension 1 (a learned token, say) is repeated. */
export const concat: OpRecord = {
  name: 'concat',
  summary: 'Joins tensors along an axis.',
  infer(inputs, attrs) {
    const parts = inputs.map((_, i) => required('concat', inputs, i));
    const axis = countAttr('concat', attrs, 'axis');
    const rank = parts[0]?.shape.length ?? misfit('concat', 'there is nothing to join');
    if (axis >= rank) misfit('concat', `axis ${axis} of a tensor of rank ${rank}`);
    const shape = [...parts[0]!.shape];
    if (axis !== 0) shape[0] = Math.max(...parts.map((t) => t.shape[0]!));
    shape[axis] = parts.reduce((sum, t) => sum + (t.shape[axis] ?? 0), 0);
    for (const t of parts)
      if (!fits(t.shape, shape, axis))
        misfit('concat', `${t.name} [${t.shape}] does not fit [${shape}] beside axis ${axis}`);
    return [shape];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const out = call.outputs[0]!;
        const axis = call.attrs.axis as number;
        const rows = extent(out.shape, 0, axis);
        const outStride = extent(out.shape, axis);
        let outOffset = 0;
        return (call.inputs as readonly Tensor[]).map((part): Kernel => {
          const rowLength = extent(part.shape, axis);
          const inRows = extent(part.shape, 0, axis);
          const kernel = copyRows(part, out, {
            rows,
            rowLength,
            inRows,
            inStride: rowLength,
            inOffset: 0,
            outStride,
            outOffset,
          });
          outOffset += rowLength;
          return kernel;
        });
      },
    },
  ],
  flops: () => 0,
  bytes: operandBytes,
  tolerance: COPY_TOLERANCE,
};
