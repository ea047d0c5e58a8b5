import { z } from 'zod';
import { GraphBuilder } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import { CLIP_IGNORED_KEYS, clipEncoder, clipTowerFields, HEADS_FIT, headsFit } from './clip-encoder.js';
import { parseConfig } from './config.js';
import { layerNormLayer, linearLayer, type NetworkOptions } from './layers.js';

const schema = z
  .strictObject({
    ...clipTowerFields({ hidden: 512, intermediate: 2048, heads: 8 }),
    model_type: z.literal('clip_text_model').default('clip_text_model'),
    vocab_size: z.int().min(1).default(49408),
    max_position_embeddings: z.int().min(1).default(77),
  })
  .refine(headsFit, HEADS_FIT);

/** A checked config.json of transformers' CLIPTextModelWithProjection. */
export type ClipTextConfig = z.infer<typeof schema>;

/** Checkpoint tensors that are no weights. */
export const CLIP_TEXT_IGNORED_TENSORS = ['text_model.embeddings.position_ids'] as const;

/**
 * Checks the parsed JSON of a text_encoder/config.json.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key
 */
export const parseClipTextConfig = (json: unknown, source = 'text_encoder/config.json'): ClipTextConfig =>
  parseConfig(schema, json, { className: 'CLIPTextModelWithProjection', ignored: CLIP_IGNORED_KEYS }, source);

/**
 * CLIP's text tower (arXiv 2103.00020; transformers' CLIPTextModelWithProjection) of `batch` captions, causal, without a
 * padding mask. L is max_position_embeddings (77), H hidden_size, P projection_dim.
 *
 * Inputs: `ids` u32 [B, L]; `endIndex` u32 [B], the position of the first end-of-text token.
 * Outputs: `lastHiddenState` [B, L, H], after the final layer norm; `textEmbeds` [B, P], not normalised; both in the dtype.
 */
export function clipTextGraph(config: ClipTextConfig, o: NetworkOptions): Graph {
  const { hidden_size: width, max_position_embeddings: length } = config;
  const g = new GraphBuilder('text_encoder', o);
  const ids = g.input('ids', [o.batch, length], 'u32');
  const endIndex = g.input('endIndex', [o.batch], 'u32');
  const table = g.copyWeight([config.vocab_size, width], 'text_model.embeddings.token_embedding.weight');
  const positions = g.copyWeight([length, width], 'text_model.embeddings.position_embedding.weight');
  const embedded = g.embedding(ids, table, positions, 'text_model.embeddings');
  const encoded = clipEncoder(g, 'text_model.encoder', embedded, config, true);
  const last = layerNormLayer(g, 'text_model.final_layer_norm', encoded, config.layer_norm_eps);
  const pooled = g.gatherRows(last, endIndex, 'text_model.pool');
  const embeds = linearLayer(g, 'text_projection', pooled, config.projection_dim, false);
  g.output('lastHiddenState', last);
  g.output('textEmbeds', embeds);
  return g.build();
}
