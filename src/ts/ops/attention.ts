import type { Tensor } from '../graph/types.js';
import { countAttr, misfit, numberAttr, required } from './checks.js';
import { f32Bits, lastDim, operandBytes, params, positionsOf, readWrite, storageDefines } from './lowering.js';
import type { Kernel, OpCall, OpRecord, Variant } from './types.js';

interface AttentionCall {
  readonly q: Tensor;
  readonly kv: Tensor;
  readonly context: Tensor | null;
  readonly mask: Tensor | null;
  readonly out: Tensor;
  readonly batch: number;
  readonly queries: number;
  /** Keys of kv, and of the context before them. */
  readonly keys: number;
  readonly contextKeys: number;
  readonly maskKeys: number;
  readonly heads: number;
  readonly headSize: number;
  readonly scale: number;
  readonly causal: boolean;
}

function parts({ inputs, outputs, attrs }: OpCall): AttentionCall {
  const [q, kv, context, mask] = [inputs[0]!, inputs[1]!, inputs[2] ?? null, inputs[3] ?? null];
  const heads = attrs.heads as number;
  return {
    q,
    kv,
    context,
    mask,
    out: outputs[0]!,
    batch: q.shape[0]!,
    queries: positionsOf(q),
    keys: positionsOf(kv),
    contextKeys: context === null ? 0 : positionsOf(context),
    maskKeys: mask === null ? 0 : mask.shape[1]!,
    heads,
    headSize: lastDim(q) / heads,
    scale: attrs.scale as number,
    causal: attrs.causal as boolean,
  };
}

/** The immediates of the attention kernels; the last is for attention-cpu only. */
const attentionParams = (a: AttentionCall): Uint32Array =>
  params(a.queries, a.keys, a.contextKeys, a.maskKeys, a.heads, a.causal ? 1 : 0, f32Bits(a.scale), a.headSize / 4);

const bindings = (a: AttentionCall) => [a.q, a.kv, a.context, a.mask, a.out].map(readWrite);

/** Queries that one workgroup of attention-portable computes. */
const PORTABLE_TILE = 32;

const portable: Variant = {
  name: 'portable',
  supports: () => true,
  lower(call): Kernel[] {
    const a = parts(call);
    return [
      {
        shader: 'attention/attention-portable',
        defines: { ...storageDefines(call.dtype), VEC4: a.headSize % 4 === 0, HEAD: a.headSize },
        constants: {},
        bindings: bindings(a),
        params: attentionParams(a),
        grid: [Math.ceil(a.queries / PORTABLE_TILE), a.heads, a.batch],
      },
    ];
  },
};

/** Keys that a lane of attention-cpu holds at once. */
const CPU_BLOCKS = 4;

/** Queries that one subgroup of attention-cpu computes: fewer where a lane owns many columns, for the sake of registers. */
function cpuRows(headSize: number, lanes: number): number {
  const columns = headSize / 4 / lanes;
  return columns <= 4 ? 8 : columns <= 8 ? 4 : 2;
}

const cpu: Variant = {
  name: 'cpu',
  supports: (call, caps) => caps.software && caps.subgroupSize > 0 && parts(call).headSize % 4 === 0,
  lower(call, caps): Kernel[] {
    const a = parts(call);
    const rows = cpuRows(a.headSize, caps.subgroupSize);
    return [
      {
        shader: 'attention/attention-cpu',
        defines: {
          ...storageDefines(call.dtype),
          CONTEXT: a.context !== null,
          HEAD: a.headSize,
          SUBGROUP: caps.subgroupSize,
          ROWS: rows,
          BLOCKS: CPU_BLOCKS,
        },
        constants: {},
        bindings: bindings(a),
        params: attentionParams(a),
        grid: [Math.ceil(a.queries / rows), a.heads, a.batch],
      },
    ];
  },
};

/** softmax(scale · q kᵀ + mask) v, head by head; operands as in GraphBuilder.attention. */
export const attention: OpRecord = {
  name: 'attention',
  summary: 'Multi-head softmax attention with optional context keys, additive mask and causal order.',
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
    return [q.shape];
  },
  variants: [cpu, portable],
  flops(call) {
    const { batch, queries, keys, contextKeys, heads, headSize, causal } = parts(call);
    const own = causal ? Math.min(keys, (Math.min(queries, keys) + 1) / 2) : keys;
    return 4 * batch * queries * (contextKeys + own) * heads * headSize;
  },
  bytes: operandBytes,
  tolerance: { f32: { relL2: 1e-5, maxAbs: 1e-4 }, f16: { relL2: 1e-3, maxAbs: 1e-2 } },
};
