import { z } from 'zod';
import type { GraphBuilder, T } from '../graph/builder.js';
import { lastDim } from '../ops/lowering.js';
import { layerNormLayer, linearLayer, pairedLinear } from './layers.js';

const HIDDEN_ACTS = { quick_gelu: 'quickGelu', gelu: 'gelu' } as const;

/** Keys that the text and the vision tower share; defaults are transformers'. */
export const clipTowerFields = (defaults: { hidden: number; intermediate: number; heads: number }) => ({
  hidden_size: z.int().min(1).default(defaults.hidden),
  intermediate_size: z.int().min(1).default(defaults.intermediate),
  projection_dim: z.int().min(1).default(512),
  num_hidden_layers: z.int().min(1).default(12),
  num_attention_heads: z.int().min(1).default(defaults.heads),
  hidden_act: z.enum(['quick_gelu', 'gelu']).default('quick_gelu'),
  layer_norm_eps: z.number().positive().default(1e-5),
});

/** Keys of CLIP configs that have no effect on inference. Where a caption ends is the tokenizer's word, not eos_token_id's. */
export const CLIP_IGNORED_KEYS = [
  'architectures',
  'attention_dropout',
  'bos_token_id',
  'dropout',
  'dtype',
  'eos_token_id',
  'initializer_factor',
  'initializer_range',
  'pad_token_id',
  'torch_dtype',
  'transformers_version',
] as const;

/** The part of a CLIP config that its transformer layers need. */
export interface ClipLayers {
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: keyof typeof HIDDEN_ACTS;
  readonly layer_norm_eps: number;
}

/** Whether the heads share the width evenly; a refinement of both CLIP schemas. */
export const headsFit = (c: { hidden_size: number; num_attention_heads: number }): boolean =>
  c.hidden_size % c.num_attention_heads === 0;

/** Message of {@link headsFit} and the key that it is about. */
export const HEADS_FIT = { path: ['num_attention_heads'], message: 'must divide hidden_size' };

/**
 * The pre-norm transformer of CLIP (arXiv 2103.00020; transformers' CLIPEncoder): x[B, L, H] → [B, L, H].
 * Hooks: `hidden_states.0` is the input, `hidden_states.N` the result of layer N − 1.
 */
export function clipEncoder(g: GraphBuilder, prefix: string, x: T, c: ClipLayers, causal: boolean): T {
  const width = lastDim(x);
  const attention = { heads: c.num_attention_heads, scale: (width / c.num_attention_heads) ** -0.5, causal };
  let h = g.mark('hidden_states.0', x);
  for (let i = 0; i < c.num_hidden_layers; i++) {
    const layer = `${prefix}.layers.${i}`;
    const normed = layerNormLayer(g, `${layer}.layer_norm1`, h, c.layer_norm_eps);
    const q = linearLayer(g, `${layer}.self_attn.q_proj`, normed, width);
    const kv = pairedLinear(g, `${layer}.self_attn`, ['k_proj', 'v_proj'], normed, width);
    const attended = g.attention(q, kv, attention, `${layer}.self_attn`);
    h = g.add(h, linearLayer(g, `${layer}.self_attn.out_proj`, attended, width), `${layer}.self_attn.add`);
    const normed2 = layerNormLayer(g, `${layer}.layer_norm2`, h, c.layer_norm_eps);
    const inner = linearLayer(g, `${layer}.mlp.fc1`, normed2, c.intermediate_size);
    const activated = g.activation(inner, HIDDEN_ACTS[c.hidden_act], `${layer}.mlp.act`);
    h = g.add(h, linearLayer(g, `${layer}.mlp.fc2`, activated, width), `${layer}.mlp.add`);
    g.mark(`hidden_states.${i + 1}`, h);
  }
  return h;
}
