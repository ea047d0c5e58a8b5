import type { Tensor } from '../../graph/types.js';
import { f32Bits, lastDim, params, positionsOf, readWrite } from '../lowering.js';
import type { OpCall } from '../types.js';

export interface AttentionCall {
  readonly q: Tensor;
  readonly kv: Tensor;
  readonly context: Tensor | null;
  readonly mask: Tensor | null;
  /** Key at which the first query of each image stands, in causal order; null: 0. */
  readonly position: Tensor | null;
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

export function attentionOf({ inputs, outputs, attrs }: OpCall): AttentionCall {
  const [q, kv, context, mask] = [inputs[0]!, inputs[1]!, inputs[2] ?? null, inputs[3] ?? null];
  const position = inputs[4] ?? null;
  const heads = attrs.heads as number;
  return {
    q,
    kv,
    context,
    mask,
    position,
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
export const attentionParams = (a: AttentionCall): Uint32Array =>
  params(a.queries, a.keys, a.contextKeys, a.maskKeys, a.heads, a.causal ? 1 : 0, f32Bits(a.scale), a.headSize / 4);

/** The operand that only calls with a position bind, behind all others. */
export const positionBinding = (a: AttentionCall) => (a.position === null ? [] : [readWrite(a.position)]);

export const attentionBindings = (a: AttentionCall) => [
  ...[a.q, a.kv, a.context, a.mask, a.out].map(readWrite),
  ...positionBinding(a),
];
