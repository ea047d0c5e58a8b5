import { pad4 } from '../../graph/weights-spec.js';
import { UnclipError } from '../../util/errors.js';
import { lastDim, operandBytes } from '../lowering.js';
import type { OpRecord } from '../types.js';
import { cpu } from './linear-cpu.js';
import { f16 } from './linear-f16.js';
import { matrix } from './linear-matrix.js';
import { portable } from './linear-portable.js';
import { q8, q8Cpu, q8F16, q8Matrix } from './linear-q8.js';
import { q8Subgroup, subgroup } from './linear-subgroup.js';
import { productOf } from './product.js';

function invalid(message: string): never {
  throw new UnclipError('GRAPH_INVALID', `linear: ${message}`);
}

/** act(x · w + bias) + residual over the last dimension; operands as GraphBuilder.linear and the fusion pass give them. */
export const linear: OpRecord = {
  name: 'linear',
  summary: 'act(x · w + bias) + residual over the last dimension',
  infer(inputs, attrs) {
    const [x, w, bias, residual] = inputs;
    if (!x || !w) return invalid('x and w are required');
    const n = attrs.outFeatures as number;
    const ldw = pad4(n);
    if (w.shape.length !== 2 || w.shape[0] !== lastDim(x) || w.shape[1] !== ldw)
      invalid(`w is [${w.shape}], x [${x.shape}] with ${n} outputs needs [${lastDim(x)}, ${ldw}]`);
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== ldw)) invalid(`bias is [${bias.shape}], not [${ldw}]`);
    const shape = [...x.shape.slice(0, -1), n];
    if (residual && residual.shape.join() !== shape.join())
      invalid(`residual is [${residual.shape}], the output [${shape}]`);
    return [shape];
  },
  variants: [cpu, subgroup, matrix, f16, portable, q8Cpu, q8Subgroup, q8Matrix, q8F16, q8],
  flops(call) {
    const { m, k, n } = productOf(call);
    return 2 * m * k * n;
  },
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-5, maxAbs: 1e-3 }, f16: { relL2: 2e-3, maxAbs: 0.1 } },
};
