import { GraphBuilder, type T } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import { SAMPLE_SETTINGS } from '../ops/sampling/sample-categorical.js';
import {
  addPositions,
  type GuidedOptions,
  layerNormLayer,
  linearLayer,
  type NetworkOptions,
  networkRows,
} from './layers.js';
import { emitPriorKeysValues, emitPriorLayers, emitPriorPrefix, priorWidth } from './prior.js';
import { type PriorArConfig, priorArCapacity, priorArPrefixLength } from './prior-ar.js';

/** Name of the state that holds the keys and values of layer `index`. */
export const priorArCacheName = (index: number): string => `cache.transformer_blocks.${index}`;

/**
 * The first 78 tokens, the caption and its embedding: their keys and values go into the caches of {@link priorArStepGraph}. R is the
 * number of rows (2·batch when guided, unconditional half first), E embedding_dim, D the width, C the capacity of a cache.
 *
 * Inputs: `textEmbeds` [R, E], `textHidden` [R, 77, E] in the dtype; `mask` f32 [R, 77], 0 for a word and −10000 for padding;
 * `position` u32 [R], zeros. States: `cache.transformer_blocks.N` [R, C, 2D], of which rows 0 … 77 are written.
 */
export function priorArPreludeGraph(config: PriorArConfig, o: GuidedOptions): Graph {
  const g = new GraphBuilder('prior_ar.prelude', o);
  const rows = networkRows(o);
  const { textEmbeds, textHidden, mask } = textInputs(g, config, rows);
  const position = g.input('position', [rows], 'u32');
  const tokens = addPositions(
    g,
    emitPriorPrefix(g, config, textEmbeds, textHidden),
    prefixPositions(g, config),
    'prefix',
  );
  emitPriorKeysValues(g, config, tokens, mask).forEach((kv, i) => {
    g.appendRows(cacheState(g, config, rows, i), kv, position, `${priorArCacheName(i)}.append`);
  });
  return g.build();
}

/**
 * One code of every picture: reads the latest token, draws the next. Run `num_codes` times, with nothing to upload between.
 *
 * Inputs: `mask` f32 [R, 77]; `noise` f32 [B, K, V], Gumbel, for K codes of V buckets; `settings` f32 [B, 4]: guidance scale,
 * temperature, top-k (0: all). States: `cache.transformer_blocks.N` [R, C, 2D]; `tokens` u32 [R, 1], at first the scores', then the
 * latest code; `position` u32 [R], at first 78, moved on; `codes` u32 [B, K], filled from the left; `logits` [R, V] of the step.
 */
export function priorArStepGraph(config: PriorArConfig, o: GuidedOptions): Graph {
  const { num_codes: codes, num_buckets: buckets } = config;
  const rows = networkRows(o);
  const g = new GraphBuilder('prior_ar.step', o);
  const mask = g.input('mask', [rows, config.num_embeddings], 'f32');
  const noise = g.input('noise', [o.batch, codes, buckets], 'f32');
  const settings = g.input('settings', [o.batch, SAMPLE_SETTINGS], 'f32');
  const position = g.input('position', [rows], 'u32');
  const tokens = g.input('tokens', [rows, 1], 'u32');
  const length = priorArCapacity(config);
  const table = tokenTable(g, config);
  const positions = g.copyWeight([length, priorWidth(config)], ...positionalEmbedding(config));
  const x = g.embedding(tokens, table, positions, 'token_embedding', position);
  const encoded = emitPriorLayers(g, config, x, mask, (i, kv) => ({
    kv: g.appendRows(cacheState(g, config, rows, i), kv, position, `${priorArCacheName(i)}.append`),
    position,
  }));
  const logits = g.output('logits', g.reshape(emitLogits(g, config, encoded), [rows, buckets]));
  const drawn = g.state('codes', [o.batch, codes], 'u32');
  const first = priorArPrefixLength(config);
  g.sampleCategorical(logits, { noise, settings, position, codes: drawn, tokens, first });
  return g.build();
}

/**
 * The codes as a CLIP image embedding, in f32 whatever the network's dtype: PCA coordinates in standard deviations, then the
 * principal axes.
 *
 * Inputs: `codes` u32 [B, K]. Outputs: `imageEmbeds` f32 [B, E].
 */
export function priorArFinishGraph(config: PriorArConfig, o: { readonly batch: number }): Graph {
  const g = new GraphBuilder('prior_ar.finish', { dtype: 'f32' });
  const codes = g.input('codes', [o.batch, config.num_codes], 'u32');
  const centres = g.copyWeight([config.num_buckets, 1], 'bucket_centres');
  const coordinates = g.reshape(g.embedding(codes, centres, null, 'bucket_centres'), [o.batch, config.num_codes]);
  g.output('imageEmbeds', linearLayer(g, 'pca', coordinates, config.embedding_dim));
  return g.build();
}

/**
 * The whole network over given tokens in one pass, as it is trained: the steady reference of the prelude and step graphs.
 *
 * Inputs: `textEmbeds`, `textHidden`, `mask` as in {@link priorArPreludeGraph}; `tokens` u32 [R, K], the score and all codes but the
 * last. Outputs: `logits` [R, K, V] after each of them.
 */
export function priorArForwardGraph(config: PriorArConfig, o: NetworkOptions): Graph {
  const { num_codes: codes } = config;
  const g = new GraphBuilder('prior_ar.forward', o);
  const { textEmbeds, textHidden, mask } = textInputs(g, config, o.batch);
  const tokens = g.input('tokens', [o.batch, codes], 'u32');
  const prefix = emitPriorPrefix(g, config, textEmbeds, textHidden);
  const x = g.concat([prefix, g.embedding(tokens, tokenTable(g, config), null, 'token_embedding')], 1, 'tokens');
  const positions = g.copyWeight([priorArCapacity(config) * priorWidth(config)], ...positionalEmbedding(config));
  const encoded = emitPriorLayers(g, config, addPositions(g, x, positions, 'tokens'), mask);
  g.output('logits', emitLogits(g, config, g.slice(encoded, 1, priorArPrefixLength(config), codes, 'codes')));
  return g.build();
}

const cacheState = (g: GraphBuilder, c: PriorArConfig, rows: number, index: number): T =>
  g.state(priorArCacheName(index), [rows, priorArCapacity(c), 2 * priorWidth(c)], g.dtype);

const tokenTable = (g: GraphBuilder, c: PriorArConfig): T =>
  g.copyWeight([c.num_buckets + c.num_scores + 1, priorWidth(c)], 'token_embedding.weight');

const positionalEmbedding = (c: PriorArConfig): [string, readonly number[]] => [
  'positional_embedding',
  [1, priorArCapacity(c), priorWidth(c)],
];

function prefixPositions(g: GraphBuilder, c: PriorArConfig): T {
  const width = priorWidth(c);
  const all = g.copyWeight([priorArCapacity(c) * width], ...positionalEmbedding(c));
  return g.slice(all, 0, 0, priorArPrefixLength(c) * width, 'positional_embedding');
}

const emitLogits = (g: GraphBuilder, c: PriorArConfig, x: T): T =>
  linearLayer(g, 'to_logits', layerNormLayer(g, 'norm_out', x, 1e-5), c.num_buckets);

function textInputs(g: GraphBuilder, c: PriorArConfig, rows: number): { textEmbeds: T; textHidden: T; mask: T } {
  return {
    textEmbeds: g.input('textEmbeds', [rows, c.embedding_dim]),
    textHidden: g.input('textHidden', [rows, c.num_embeddings, c.embedding_dim]),
    mask: g.input('mask', [rows, c.num_embeddings], 'f32'),
  };
}
