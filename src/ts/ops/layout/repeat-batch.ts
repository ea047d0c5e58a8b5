import { elementCount } from '../../graph/types.js';
import { countAttr, misfit, required } from '../checks.js';
import { COPY_TOLERANCE } from '../flat.js';
import { operandBytes } from '../lowering.js';
import type { OpRecord } from '../types.js';
import { copyRows } from './copy.js';

/** [B, …] → [times·B, …], the whole batch `times` times over; also converts between f32 and f16. */
export const repeatBatch: OpRecord = {
  name: 'repeatBatch',
  summary: 'The batch repeated as a whole, converted to the activation type.',
  infer(inputs, attrs) {
    const x = required('repeatBatch', inputs, 0);
    const times = countAttr('repeatBatch', attrs, 'times');
    if (times < 1) misfit('repeatBatch', `cannot repeat ${x.name} ${times} times`);
    return [[x.shape[0]! * times, ...x.shape.slice(1)]];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, out] = [call.inputs[0]!, call.outputs[0]!];
        const rowLength = elementCount(x.shape);
        const rows = call.attrs.times as number;
        return [
          copyRows(x, out, {
            rows,
            rowLength,
            inRows: 1,
            inStride: 0,
            inOffset: 0,
            outStride: rowLength,
            outOffset: 0,
          }),
        ];
      },
    },
  ],
  flops: () => 0,
  bytes: operandBytes,
  tolerance: COPY_TOLERANCE,
};
