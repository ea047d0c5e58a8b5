import { GraphBuilder, type T } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import {
  addPositions,
  batched,
  type GuidedOptions,
  layerNormLayer,
  type NetworkOptions,
  networkRows,
} from './layers.js';
import {
  emitPriorHead,
  emitPriorKeysValues,
  emitPriorLayers,
  emitPriorPrefix,
  emitPriorTail,
  PRIOR_TAIL_LENGTH,
  type PriorConfig,
  priorPositions,
  priorPrefixLength,
  priorTextDim,
  priorWidth,
} from './prior.js';

/** Name of the state that hands the keys and values of layer `index` from the prelude to the steps. */
export const priorContextName = (index: number): string => `context.transformer_blocks.${index}`;

/**
 * What no step changes: PriorTransformer is causal and the text comes first, so keys and values of its 78 tokens are the same
 * in every step. R is the number of rows (2·batch when guided, unconditional half first), E embedding_dim, D the width.
 *
 * Inputs: `textEmbeds` [R, E], `textHidden` [R, 77, E] in the dtype; `mask` f32 [R, 77], 0 for a word and −10000 for padding.
 * Outputs: `context.transformer_blocks.N` [R, 78, 2D] and `tailPositions` [3·D], both for {@link priorStepGraph}.
 */
export function priorPreludeGraph(config: PriorConfig, o: GuidedOptions): Graph {
  const g = new GraphBuilder('prior.prelude', o);
  const { textEmbeds, textHidden, mask } = textInputs(g, config, networkRows(o));
  const length = priorPrefixLength(config);
  const prefix = emitPriorPrefix(g, config, textEmbeds, textHidden);
  const tokens = addPositions(g, prefix, priorPositions(g, config, 0, length), 'prefix');
  emitPriorKeysValues(g, config, tokens, mask).forEach((kv, i) => {
    g.output(priorContextName(i), kv);
  });
  g.output('tailPositions', priorPositions(g, config, length, PRIOR_TAIL_LENGTH));
  return g.build();
}

/**
 * One reverse step of the prior.
 *
 * Inputs: `stepParams` f32 [B, 16]; `noise` f32 [B, E]; `mask` f32 [R, 77]; `context.transformer_blocks.N` [R, 78, 2D] and
 * `tailPositions` [3·D] from {@link priorPreludeGraph}.
 * State: `latents` f32 [B, E], the sample, in place; `x0` f32 [B, E], the clipped prediction.
 */
export function priorStepGraph(config: PriorConfig, o: GuidedOptions): Graph {
  const rows = networkRows(o);
  const width = priorWidth(config);
  const sample = [o.batch, config.embedding_dim];
  const g = new GraphBuilder('prior.step', o);
  const stepParams = g.input('stepParams', [o.batch, 16], 'f32');
  const noise = g.input('noise', sample, 'f32');
  const mask = g.input('mask', [rows, config.num_embeddings], 'f32');
  const positions = g.input('tailPositions', [PRIOR_TAIL_LENGTH * width]);
  const latents = g.state('latents', sample);
  const x0 = g.state('x0', sample);
  const tail = emitPriorTail(g, config, stepParams, batched(g, latents, 1));
  const tokens = batched(g, addPositions(g, tail, positions, 'tail'), rows / o.batch);
  const encoded = emitPriorLayers(g, config, tokens, mask, (i, kv) => ({
    kv,
    context: g.input(priorContextName(i), [rows, priorPrefixLength(config), 2 * width]),
  }));
  const last = g.reshape(g.slice(encoded, 1, PRIOR_TAIL_LENGTH - 1, 1, 'prd'), [rows, width]);
  const predicted = emitPriorHead(g, config, layerNormLayer(g, 'norm_out', last, 1e-5));
  g.diffusionStep(predicted, latents, noise, stepParams, x0);
  return g.build();
}

/**
 * The finished sample as a CLIP image embedding: latents · clip_std + clip_mean, in f32 whatever the network's dtype.
 *
 * Inputs: `latents` f32 [B, E]. Outputs: `imageEmbeds` f32 [B, E].
 */
export function priorFinishGraph(config: PriorConfig, o: { readonly batch: number }): Graph {
  const size = config.embedding_dim;
  const g = new GraphBuilder('prior.finish', { dtype: 'f32' });
  const latents = g.input('latents', [o.batch, size], 'f32');
  const [std, mean] = ['clip_std', 'clip_mean'].map((name) => g.vectorWeight([size], [name], [[1, size]])) as [T, T];
  g.output('imageEmbeds', g.affine(latents, std, mean, 'post_process_latents'));
  return g.build();
}

/**
 * The whole network over all 81 tokens in one pass, as published: the steady reference of the prelude and step graphs.
 *
 * Inputs: `stepParams` f32 [B, 16]; `sample` f32 [B, E]; `textEmbeds`, `textHidden`, `mask` as in {@link priorPreludeGraph}.
 * With `masked` false the mask is not read, and attention is not causal either. Outputs: `predicted` [B, E] in the dtype.
 */
export function priorForwardGraph(config: PriorConfig, o: NetworkOptions & { readonly masked?: boolean }): Graph {
  const width = priorWidth(config);
  const g = new GraphBuilder('prior.forward', o);
  const stepParams = g.input('stepParams', [o.batch, 16], 'f32');
  const sample = g.input('sample', [o.batch, config.embedding_dim], 'f32');
  const { textEmbeds, textHidden, mask } = textInputs(g, config, o.batch);
  const prefix = emitPriorPrefix(g, config, textEmbeds, textHidden);
  const tail = emitPriorTail(g, config, stepParams, batched(g, sample, 1));
  const length = priorPrefixLength(config) + PRIOR_TAIL_LENGTH;
  const tokens = addPositions(g, g.concat([prefix, tail], 1, 'tokens'), priorPositions(g, config, 0, length), 'tokens');
  const encoded = emitPriorLayers(g, config, tokens, o.masked === false ? null : mask);
  const normed = g.mark('norm_out', layerNormLayer(g, 'norm_out', encoded, 1e-5));
  const last = g.reshape(g.slice(normed, 1, length - 1, 1, 'prd'), [o.batch, width]);
  g.output('predicted', emitPriorHead(g, config, last));
  return g.build();
}

function textInputs(g: GraphBuilder, c: PriorConfig, rows: number): { textEmbeds: T; textHidden: T; mask: T } {
  return {
    textEmbeds: g.input('textEmbeds', [rows, priorTextDim(c)]),
    textHidden: g.input('textHidden', [rows, c.num_embeddings, c.embedding_dim]),
    mask: g.input('mask', [rows, c.num_embeddings], 'f32'),
  };
}
