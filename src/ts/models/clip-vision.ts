import { z } from 'zod';
import { GraphBuilder } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import { CLIP_IGNORED_KEYS, clipEncoder, clipTowerFields, HEADS_FIT, headsFit } from './clip-encoder.js';
import { parseConfig } from './config.js';
import { addPositions, batched, layerNormLayer, linearLayer, type NetworkOptions } from './layers.js';

const schema = z
  .strictObject({
    ...clipTowerFields({ hidden: 768, intermediate: 3072, heads: 12 }),
    model_type: z.literal('clip_vision_model').default('clip_vision_model'),
    num_channels: z.literal(3).default(3),
    image_size: z.int().min(1).default(224),
    patch_size: z.int().min(1).default(32),
  })
  .refine(headsFit, HEADS_FIT)
  .refine((c) => c.image_size % c.patch_size === 0, { path: ['patch_size'], message: 'must divide image_size' });

/** A checked config.json of transformers' CLIPVisionModelWithProjection. */
export type ClipVisionConfig = z.infer<typeof schema>;

/** Checkpoint tensors that are no weights. */
export const CLIP_VISION_IGNORED_TENSORS = ['vision_model.embeddings.position_ids'] as const;

/**
 * Checks the parsed JSON of an image_encoder/config.json.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key
 */
export const parseClipVisionConfig = (json: unknown, source = 'image_encoder/config.json'): ClipVisionConfig =>
  parseConfig(schema, json, { className: 'CLIPVisionModelWithProjection', ignored: CLIP_IGNORED_KEYS }, source);

/**
 * CLIP's vision transformer (arXiv 2103.00020; transformers' CLIPVisionModelWithProjection). S is image_size, L the number of
 * patches + 1, H hidden_size, P projection_dim.
 *
 * Inputs: `pixels` f32 [B, S, S, 3], resized, cropped and normalised with CLIP's mean and deviation.
 * Outputs: `imageEmbeds` f32 [B, P], not normalised; `lastHiddenState` [B, L, H] in the dtype, before the final layer norm.
 */
export function clipVisionGraph(config: ClipVisionConfig, o: NetworkOptions): Graph {
  const { hidden_size: width, image_size: size, patch_size: kernel, layer_norm_eps: eps } = config;
  const patches = (size / kernel) ** 2;
  const length = patches + 1;
  const g = new GraphBuilder('image_encoder', o);
  const pixels = batched(g, g.input('pixels', [o.batch, size, size, 3], 'f32'), 1);
  const embeddings = 'vision_model.embeddings';
  const patchWeight = g.convWeight(3, width, kernel, `${embeddings}.patch_embedding.weight`);
  const conv = { outChannels: width, kernel, stride: kernel };
  const patch = g.conv2d(pixels, patchWeight, null, conv, `${embeddings}.patch_embedding`);
  const classToken = g.copyWeight([1, 1, width], `${embeddings}.class_embedding`, [width]);
  const tokens = g.concat([classToken, g.reshape(patch, [o.batch, patches, width])], 1, embeddings);
  const positions = g.copyWeight([length * width], `${embeddings}.position_embedding.weight`, [length, width]);
  const embedded = addPositions(g, tokens, positions, embeddings);
  const normed = layerNormLayer(g, 'vision_model.pre_layrnorm', embedded, eps);
  const last = clipEncoder(g, 'vision_model.encoder', normed, config, false);
  const pooled = layerNormLayer(g, 'vision_model.post_layernorm', g.slice(last, 1, 0, 1, 'vision_model.pool'), eps);
  const projected = linearLayer(
    g,
    'visual_projection',
    g.reshape(pooled, [o.batch, width]),
    config.projection_dim,
    false,
  );
  g.output('imageEmbeds', g.dtype === 'f32' ? projected : g.repeatBatch(projected, 1, 'f32', 'imageEmbeds'));
  g.output('lastHiddenState', last);
  return g.build();
}
