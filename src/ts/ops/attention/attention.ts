import { countAttr, misfit, numberAttr, required, requirePositions } from '../checks.js';
import { lastDim, operandBytes, positionsOf } from '../lowering.js';
import type { OpRecord } from '../types.js';
import { attentionOf } from './attention-call.js';
import { cpu } from './attention-cpu.js';
import { f16 } from './attention-f16.js';
import { matrix } from './attention-matrix.js';
import { portable } from './attention-portable.js';
import { subgroup } from './attention-subgroup.js';

/** softmax(scale · q kᵀ + mask) v, head by head; operands as in GraphBuilder.attention. */
export const attention: OpRecord = {
  name: 'attention',
  summary:
    'Multi-head softmax attention with optional context keys, additive mask and causal order, also over a key/value cache.',
  infer(inputs, attrs) {
    const op = 'attention';
    const [q, kv] = [required(op, inputs, 0), required(op, inputs, 1)];
    const [context, mask] = [inputs[2] ?? null, inputs[3] ?? null];
    const heads = countAttr(op, attrs, 'heads');
    numberAttr(op, attrs, 'scale');
    const width = lastDim(q);
    if (q.shape.length < 3) misfit(op, `q must be [B, …, H·D], not [${q.shape}]`);
    if (heads === 0 || width % heads !== 0) misfit(op, `${width} channels do not divide into ${heads} heads`);
    for (const t of [kv, context]) {
      if (t === null) continue;
      if (t.shape.length < 3 || t.shape[0] !== q.shape[0] || lastDim(t) !== 2 * width)
        misfit(op, `${t.name} [${t.shape}] must be [${q.shape[0]}, …, ${2 * width}]: keys, then values`);
      if (t.dtype !== q.dtype) misfit(op, `${t.name} is ${t.dtype} but q is ${q.dtype}`);
    }
    const keys = positionsOf(kv) + (context === null ? 0 : positionsOf(context));
    if (mask !== null && (mask.shape.length !== 2 || mask.shape[0] !== q.shape[0] || mask.shape[1]! > keys))
      misfit(op, `mask [${mask.shape}] must be [${q.shape[0]}, at most ${keys}]`);
    if (mask !== null && mask.dtype !== 'f32') misfit(op, `mask must be f32, not ${mask.dtype}`);
    const position = inputs[4] ?? null;
    if (position !== null) {
      requirePositions(op, position, q.shape[0]!);
      if (attrs.causal !== true || context !== null)
        misfit(op, 'a position needs causal order, and keys of a context belong into the cache');
    }
    return [q.shape];
  },
  variants: [cpu, matrix, subgroup, f16, portable],
  flops(call) {
    const { batch, queries, keys, contextKeys, heads, headSize, causal } = attentionOf(call);
    const own = causal ? Math.min(keys, (Math.min(queries, keys) + 1) / 2) : keys;
    return 4 * batch * queries * (contextKeys + own) * heads * headSize;
  },
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-5, maxAbs: 1e-4 }, f16: { relL2: 1e-3, maxAbs: 1e-2 } },
};
