import { misfit, numberAttr, required } from '../checks.js';
import { MAX_GRID, operandBytes } from '../lowering.js';
import type { OpRecord } from '../types.js';
import { matmulOf, matricesOf } from './matmul-call.js';
import { cpu } from './matmul-cpu.js';
import { matrix } from './matmul-matrix.js';
import { portable } from './matmul-portable.js';

/** scale · a · b for batches of matrices that are both activations; operands as in GraphBuilder.matmul. */
export const matmul: OpRecord = {
  name: 'matmul',
  summary: 'scale · a · b over a batch of matrices, either operand transposed; one b may serve the whole batch.',
  infer(inputs, attrs) {
    const op = 'matmul';
    const [a, b] = [required(op, inputs, 0), required(op, inputs, 1)];
    numberAttr(op, attrs, 'scale');
    for (const t of [a, b]) {
      if (t.shape.length < 2) misfit(op, `${t.name} [${t.shape}] is no matrix`);
      if (t.kind === 'weight') misfit(op, `${t.name} is a weight: use linear, which reads it packed`);
    }
    if (a.dtype !== b.dtype) misfit(op, `${a.name} is ${a.dtype} but ${b.name} is ${b.dtype}`);
    const matrix = (shape: readonly number[], transposed: boolean): [number, number] => {
      const [rows, columns] = shape.slice(-2) as [number, number];
      return transposed ? [columns, rows] : [rows, columns];
    };
    const [m, k] = matrix(a.shape, attrs.transposeA === true);
    const [kb, n] = matrix(b.shape, attrs.transposeB === true);
    if (k !== kb) misfit(op, `the inner extents of a [${a.shape}] and b [${b.shape}] are ${k} and ${kb}`);
    const leading = a.shape.slice(0, -2);
    if (matricesOf(b) !== 1 && b.shape.slice(0, -2).join() !== leading.join())
      misfit(op, `b [${b.shape}] is neither one matrix nor as many as a [${a.shape}]`);
    if (matricesOf(a) > MAX_GRID) misfit(op, `a [${a.shape}] holds more than ${MAX_GRID} matrices`);
    return [[...leading, m, n]];
  },
  variants: [cpu, matrix, portable],
  flops(call) {
    const { batch, m, k, n } = matmulOf(call);
    return 2 * batch * m * k * n;
  },
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-5, maxAbs: 1e-3 }, f16: { relL2: 2e-3, maxAbs: 0.1 } },
};
