import { countAttr, misfit, required } from '../checks.js';
import { COPY_TOLERANCE } from '../flat.js';
import { operandBytes } from '../lowering.js';
import type { OpRecord } from '../types.js';
import { copyRows, extent } from './copy.js';

/** x[…, start : start + length, …] along `axis`. */
export const slice: OpRecord = {
  name: 'slice',
  summary: 'A range of one axis.',
  infer(inputs, attrs) {
    const x = required('slice', inputs, 0);
    const [axis, start, length] = ['axis', 'start', 'length'].map((name) => countAttr('slice', attrs, name)) as [
      number,
      number,
      number,
    ];
    const size = x.shape[axis] ?? misfit('slice', `axis ${axis} of a tensor of rank ${x.shape.length}`);
    if (length === 0 || start + length > size)
      misfit('slice', `[${start}, ${start + length}) is not a range of ${size} in axis ${axis} of ${x.name}`);
    return [x.shape.map((n, i) => (i === axis ? length : n))];
  },
  variants: [
    {
      name: 'portable',
      supports: () => true,
      lower(call) {
        const [x, out] = [call.inputs[0]!, call.outputs[0]!];
        const axis = call.attrs.axis as number;
        const rows = extent(out.shape, 0, axis);
        const rowLength = extent(out.shape, axis);
        const inStride = extent(x.shape, axis);
        const inOffset = (call.attrs.start as number) * extent(x.shape, axis + 1);
        return [
          copyRows(x, out, { rows, rowLength, inRows: rows, inStride, inOffset, outStride: rowLength, outOffset: 0 }),
        ];
      },
    },
  ],
  flops: () => 0,
  bytes: (call) => 2 * operandBytes({ ...call, inputs: [] }),
  tolerance: COPY_TOLERANCE,
};
