import { z } from 'zod';
import { parseConfig } from './config.js';

const schema = z.strictObject({
  num_attention_heads: z.int().min(1),
  attention_head_dim: z.int().min(1),
  num_layers: z.int().min(1),
  embedding_dim: z.int().min(1),
  num_embeddings: z.int().min(1),
  num_codes: z.int().min(1),
  num_buckets: z.int().min(2).max(2048),
  num_scores: z.int().min(2),
});

/**
 * A checked config.json of the autoregressive prior of DALL·E 2 (arXiv 2204.06125, section 2.2), this project's own format:
 * `num_embeddings` caption states and a text embedding of `embedding_dim`, then a token for the score of picture and caption, one
 * of `num_scores`, then `num_codes` PCA codes of the image embedding, each one of `num_buckets`.
 */
export type PriorArConfig = z.infer<typeof schema>;

/** Edges between the scores' buckets: training sorts by them, drawing does not. */
export const PRIOR_AR_IGNORED_TENSORS = ['score_edges'] as const;

/**
 * Checks the parsed JSON of a prior_ar/config.json.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key
 */
export const parsePriorArConfig = (json: unknown, source = 'prior_ar/config.json'): PriorArConfig =>
  parseConfig(schema, json, { className: 'AutoregressivePrior', ignored: [] }, source);

/** Tokens before the score's: the caption and its embedding. */
export const priorArPrefixLength = (c: PriorArConfig): number => c.num_embeddings + 1;

/** Keys that a cache holds: of the prefix, the score and every code but the last, which nothing follows. */
export const priorArCapacity = (c: PriorArConfig): number => priorArPrefixLength(c) + c.num_codes;

/** The token of an unknown score, which the unconditional half has; it comes behind those of codes and scores. */
export const unknownScoreToken = (c: PriorArConfig): number => c.num_buckets + c.num_scores;

/**
 * The token of a score from the upper half of the training distribution, as the paper draws it.
 * @param choice uniform in [0, 1)
 */
export function topHalfScoreToken(c: PriorArConfig, choice: number): number {
  const half = Math.floor(c.num_scores / 2);
  return c.num_buckets + half + Math.floor(choice * (c.num_scores - half));
}

/** Gumbel noise of uniform numbers that are multiples of 2⁻²⁴ below 1, taken in the middle of their interval; rounded to f32. */
export const gumbel = (uniform: Float32Array): Float32Array => uniform.map((u) => -Math.log(-Math.log(u + 2 ** -25)));
