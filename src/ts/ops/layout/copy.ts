import type { Tensor } from '../../graph/types.js';
import { copyUnit, flatGrid, WORKGROUP } from '../flat.js';
import { operand, params, readWrite } from '../lowering.js';
import type { Kernel } from '../types.js';

/**
 * A strided copy of rows, in elements: `out[outOffset + r·outStride + c] = in[inOffset + (r mod inRows)·inStride + c]` for
 * r < rows and c < rowLength. Concatenation, slices and repetition are all of this form.
 */
export interface RowCopy {
  readonly rows: number;
  readonly rowLength: number;
  readonly inRows: number;
  readonly inStride: number;
  readonly inOffset: number;
  readonly outStride: number;
  readonly outOffset: number;
}

/** The kernel of a {@link RowCopy}, in vec4s or 16 bytes where all lengths and offsets allow; converts between f32 and f16. */
export function copyRows(from: Tensor, to: Tensor, c: RowCopy): Kernel {
  const { width, defines } = copyUnit(from, to, c.rowLength, c.inStride, c.inOffset, c.outStride, c.outOffset);
  const count = (c.rows * c.rowLength) / width;
  const scaled = [c.rowLength, c.inStride, c.inOffset, c.outStride, c.outOffset].map((n) => n / width);
  const row = c.rowLength / width;
  return {
    shader: 'layout/copy-rows',
    defines: { ...defines, X_WEIGHT: from.kind === 'weight', REPEATS: c.inRows < c.rows },
    constants: {},
    bindings: [operand(from), readWrite(to)],
    params: params(count, c.inRows, ...scaled, Math.floor(WORKGROUP / row), WORKGROUP % row),
    grid: flatGrid(count),
  };
}

/** Product of dimensions [from, to) of a shape. */
export const extent = (shape: readonly number[], from: number, to = shape.length): number =>
  shape.slice(from, to).reduce((a, b) => a * b, 1);
