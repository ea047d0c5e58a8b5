import { z } from 'zod';
import { GraphBuilder, type T } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import { parseConfig } from './config.js';
import { batched, type GuidedOptions, layerNormLayer, linearLayer, networkRows } from './layers.js';

const schema = z.strictObject({
  clip_extra_context_tokens: z.int().min(1).default(4),
  clip_embeddings_dim: z.int().min(1).default(768),
  time_embed_dim: z.int().min(1),
  cross_attention_dim: z.int().min(1),
});

/** A checked config.json of diffusers' UnCLIPTextProjModel. */
export type TextProjConfig = z.infer<typeof schema>;

/**
 * Checks the parsed JSON of a text_proj/config.json.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key
 */
export const parseTextProjConfig = (json: unknown, source = 'text_proj/config.json'): TextProjConfig =>
  parseConfig(schema, json, { className: 'UnCLIPTextProjModel', ignored: [] }, source);

/**
 * What the decoder is conditioned on (DALL·E 2, arXiv 2204.06125, section 2.1; diffusers' UnCLIPTextProjModel). R is the number
 * of rows (2·batch when guided: the unconditional half comes first and has the learned embedding instead of an image's),
 * E clip_embeddings_dim, Cx cross_attention_dim, T time_embed_dim.
 *
 * Inputs: `imageEmbeds` f32 [batch, E]; `textEmbeds` [R, E] and `textHidden` [R, tokens, E] in the dtype.
 * Outputs: `context` [R, 4 + tokens, Cx], the image's tokens first; `timeEmbeds` [R, T], added to the decoder's time embedding.
 */
export function textProjGraph(config: TextProjConfig, o: GuidedOptions & { readonly tokens: number }): Graph {
  const rows = networkRows(o);
  const { clip_embeddings_dim: size, clip_extra_context_tokens: extra, cross_attention_dim: contextDim } = config;
  const g = new GraphBuilder('text_proj', o);
  const conditional = batched(g, g.input('imageEmbeds', [o.batch, size], 'f32'), 1);
  const textEmbeds = g.input('textEmbeds', [rows, size]);
  const textHidden = g.input('textHidden', [rows, o.tokens, size]);
  const image = o.guided ? g.concat([unconditional(g, o.batch, size), conditional], 0, 'image_embeds') : conditional;

  const fromText = linearLayer(g, 'embedding_proj', textEmbeds, config.time_embed_dim);
  const fromImage = linearLayer(g, 'clip_image_embeddings_project_to_time_embeddings', image, config.time_embed_dim);
  g.output('timeEmbeds', g.add(fromText, fromImage, 'time_embeds'));

  // The token index is the fastest axis of the linear layer's output.
  const imageTokens = linearLayer(g, 'clip_extra_context_tokens_proj', image, contextDim * extra);
  const tokens = g.transpose(g.reshape(imageTokens, [rows, contextDim, extra]), 'clip_extra_context_tokens');
  const words = linearLayer(g, 'encoder_hidden_states_proj', textHidden, contextDim);
  const normed = layerNormLayer(g, 'text_encoder_hidden_states_norm', words, 1e-5);
  g.output('context', g.concat([tokens, normed], 1, 'context'));
  return g.build();
}

/** The learned embedding that stands for no picture, `batch` times: [batch, E]. */
function unconditional(g: GraphBuilder, batch: number, size: number): T {
  const learned = g.copyWeight([1, size], 'learned_classifier_free_guidance_embeddings', [size]);
  return g.repeatBatch(learned, batch, g.dtype, 'no_image');
}
