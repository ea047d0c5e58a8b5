import { z } from 'zod';
import type { GraphBuilder, T } from '../graph/builder.js';
import { lastDim } from '../ops/lowering.js';
import { parseConfig } from './config.js';
import { layerNormLayer, linearLayer, pairedLinear, timeEmbedding } from './layers.js';

const schema = z
  .strictObject({
    num_attention_heads: z.int().min(1).default(32),
    attention_head_dim: z.int().min(1).default(64),
    num_layers: z.int().min(1).default(20),
    embedding_dim: z.int().min(1).default(768),
    num_embeddings: z.int().min(1).default(77),
    additional_embeddings: z.literal(4).default(4),
    time_embed_act_fn: z.literal('silu').default('silu'),
    norm_in_type: z.null().default(null),
    embedding_proj_norm_type: z.null().default(null),
    encoder_hid_proj_type: z.literal('linear').default('linear'),
    added_emb_type: z.literal('prd').default('prd'),
    time_embed_dim: z.int().min(1).nullable().default(null),
    embedding_proj_dim: z.int().min(1).nullable().default(null),
    clip_embed_dim: z.int().min(1).nullable().default(null),
  })
  .refine((c) => c.clip_embed_dim === null || c.clip_embed_dim === c.embedding_dim, {
    path: ['clip_embed_dim'],
    message: 'must equal embedding_dim',
  });

/** A checked config.json of diffusers' PriorTransformer. */
export type PriorConfig = z.infer<typeof schema>;

/**
 * Checks the parsed JSON of a prior/config.json.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key
 */
export const parsePriorConfig = (json: unknown, source = 'prior/config.json'): PriorConfig =>
  parseConfig(schema, json, { className: 'PriorTransformer', ignored: ['dropout'] }, source);

/** Width of the tokens. */
export const priorWidth = (c: Pick<PriorConfig, 'num_attention_heads' | 'attention_head_dim'>): number =>
  c.num_attention_heads * c.attention_head_dim;

/** Width of the text embedding that conditions the prior. */
export const priorTextDim = (c: PriorConfig): number => c.embedding_proj_dim ?? c.embedding_dim;

/** Tokens before the time token: the text and the text embedding. The layers are causal, so none depends on the step. */
export const priorPrefixLength = (c: PriorConfig): number => c.num_embeddings + 1;

/** Tokens of a step: time, noisy image embedding and the one that is read out. */
export const PRIOR_TAIL_LENGTH = 3;

/** What the layers of a prior are made from; {@link emitPriorLayers} serves every prior that has these. */
export type PriorLayers = Pick<PriorConfig, 'num_layers' | 'num_attention_heads' | 'attention_head_dim'>;

/** Keys and values that a layer's tokens attend to, beside or in place of their own `kv`. */
export interface LayerKeys {
  readonly kv: T;
  /** Those of tokens before them. */
  readonly context?: T;
  /** Where in `kv`, a cache, the tokens stand. */
  readonly position?: T;
}

/** Chooses the keys of layer `layer`, of which its tokens have `kv` [R, L, 2D]. */
export type KeysOf = (layer: number, kv: T) => LayerKeys;

/** The positional embeddings of tokens start … start + length, flat. */
export function priorPositions(g: GraphBuilder, c: PriorConfig, start: number, length: number): T {
  const total = c.num_embeddings + c.additional_embeddings;
  const width = priorWidth(c);
  const all = g.copyWeight([total * width], 'positional_embedding', [1, total, width]);
  return g.slice(all, 0, start * width, length * width, 'positional_embedding');
}

/** hidden [R, 77, E] and text embedding [R, E] → the tokens [R, 78, D] before positions are added. */
export function emitPriorPrefix(g: GraphBuilder, c: PriorLayers, textEmbeds: T, textHidden: T): T {
  const width = priorWidth(c);
  const text = g.mark('encoder_hidden_states_proj', linearLayer(g, 'encoder_hidden_states_proj', textHidden, width));
  const embedding = g.mark('embedding_proj', linearLayer(g, 'embedding_proj', textEmbeds, width));
  return g.concat([text, g.reshape(embedding, [textEmbeds.shape[0]!, 1, width])], 1, 'prefix');
}

/** stepParams [B, 16] and noisy embedding [B, E] in the dtype → the last tokens [B, 3, D] before positions are added. */
export function emitPriorTail(g: GraphBuilder, c: PriorConfig, stepParams: T, sample: T): T {
  const width = priorWidth(c);
  const token = [stepParams.shape[0]!, 1, width];
  const time = timeEmbedding(g, 'time_embedding', stepParams, {
    sinusoids: width,
    hidden: c.time_embed_dim ?? width,
    outFeatures: width,
    flipSinToCos: true,
    freqShift: 0,
  });
  const noisy = g.mark('proj_in', linearLayer(g, 'proj_in', sample, width));
  const prd = g.copyWeight([1, 1, width], 'prd_embedding');
  return g.concat([g.reshape(time, token), g.reshape(noisy, token), prd], 1, 'tail');
}

/** Norm and queries, keys and values of one layer. */
function attentionInputs(g: GraphBuilder, layer: string, x: T): { normed: T; kv: T } {
  const normed = g.mark(`${layer}.norm1`, layerNormLayer(g, `${layer}.norm1`, x, 1e-5));
  return { normed, kv: pairedLinear(g, `${layer}.attn1`, ['to_k', 'to_v'], normed, lastDim(x)) };
}

const ownKeys: KeysOf = (_layer, kv) => ({ kv });

/**
 * All layers over the tokens x[R, L, D] → [R, L, D], which see themselves alone unless `keysOf` gives more; `mask` f32 [R, 77] is
 * added to the scores of the text. Without a mask attention is not causal either, as in PriorTransformer.forward.
 */
export function emitPriorLayers(g: GraphBuilder, c: PriorLayers, x: T, mask: T | null, keysOf = ownKeys): T {
  let h = x;
  for (let i = 0; i < c.num_layers; i++) h = layer(g, c, i, h, mask, keysOf).out;
  return h;
}

/** All layers over the prefix x[R, 78, D], as far as their keys and values [R, 78, 2D] go. */
export function emitPriorKeysValues(g: GraphBuilder, c: PriorLayers, x: T, mask: T): T[] {
  const result: T[] = [];
  let h = x;
  for (let i = 0; i < c.num_layers - 1; i++) {
    const { out, kv } = layer(g, c, i, h, mask, ownKeys);
    result.push(kv);
    h = out;
  }
  result.push(attentionInputs(g, layerName(c.num_layers - 1), h).kv);
  return result;
}

/** The read-out token after norm_out [R, D] → predicted embedding [R, E]. */
export function emitPriorHead(g: GraphBuilder, c: PriorConfig, x: T): T {
  return linearLayer(g, 'proj_to_clip_embeddings', x, c.embedding_dim);
}

const layerName = (index: number): string => `transformer_blocks.${index}`;

/** diffusers' BasicTransformerBlock as PriorTransformer uses it: self-attention and a GELU MLP, both pre-norm. */
function layer(
  g: GraphBuilder,
  c: PriorLayers,
  index: number,
  x: T,
  mask: T | null,
  keysOf: KeysOf,
): { out: T; kv: T } {
  const name = layerName(index);
  const width = lastDim(x);
  const { normed, kv } = attentionInputs(g, name, x);
  const q = linearLayer(g, `${name}.attn1.to_q`, normed, width);
  const options = {
    heads: c.num_attention_heads,
    scale: c.attention_head_dim ** -0.5,
    causal: mask !== null,
    mask,
  };
  const { kv: keys, ...others } = keysOf(index, kv);
  const attended = g.attention(q, keys, { ...options, ...others }, `${name}.attn1`);
  const projected = g.mark(`${name}.attn1`, linearLayer(g, `${name}.attn1.to_out.0`, attended, width));
  const h = g.add(x, projected, `${name}.attn1.add`);
  const normed3 = g.mark(`${name}.norm3`, layerNormLayer(g, `${name}.norm3`, h, 1e-5));
  const inner = g.activation(linearLayer(g, `${name}.ff.net.0.proj`, normed3, 4 * width), 'gelu', `${name}.ff.act`);
  const outer = g.mark(`${name}.ff`, linearLayer(g, `${name}.ff.net.2`, inner, width));
  return { out: g.mark(name, g.add(h, outer, `${name}.ff.add`)), kv };
}
