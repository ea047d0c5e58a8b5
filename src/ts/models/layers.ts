import type { GraphBuilder, T } from '../graph/builder.js';
import type { ActivationDType } from '../graph/types.js';
import { lastDim } from '../ops/lowering.js';

/** What every network's graph depends on beside its config. */
export interface NetworkOptions {
  /** Pictures (prompts, for a text encoder) computed at once. */
  readonly batch: number;
  readonly dtype: ActivationDType;
  /** Makes every tensor with a name in the reference data an output `hook.NAME`; for tests. */
  readonly hooks?: boolean;
}

/** Of networks that classifier-free guidance runs twice. */
export interface GuidedOptions extends NetworkOptions {
  /** The network sees 2·batch rows, the unconditional half first. */
  readonly guided: boolean;
}

/** Rows that the network computes: the batch, doubled by guidance. */
export const networkRows = (o: GuidedOptions): number => (o.guided ? 2 * o.batch : o.batch);

/** PyTorch's nn.Linear under `prefix`. */
export function linearLayer(g: GraphBuilder, prefix: string, x: T, outFeatures: number, bias = true): T {
  const w = g.linearWeight(lastDim(x), [outFeatures], [`${prefix}.weight`]);
  const b = bias ? g.vectorWeight([outFeatures], [`${prefix}.bias`]) : null;
  return g.linear(x, w, b, outFeatures, prefix);
}

/** Two nn.Linear of the same input as one, their outputs one after the other: keys and values for `attention`. */
export function pairedLinear(g: GraphBuilder, prefix: string, names: readonly [string, string], x: T, each: number): T {
  const sources = names.map((name) => `${prefix}.${name}`);
  const sizes = [each, each];
  const w = g.linearWeight(
    lastDim(x),
    sizes,
    sources.map((s) => `${s}.weight`),
  );
  const b = g.vectorWeight(
    sizes,
    sources.map((s) => `${s}.bias`),
  );
  return g.linear(x, w, b, 2 * each, sources.join('+'));
}

/** PyTorch's nn.LayerNorm under `prefix`. */
export function layerNormLayer(g: GraphBuilder, prefix: string, x: T, eps: number): T {
  const size = [lastDim(x)];
  return g.layerNorm(
    x,
    g.vectorWeight(size, [`${prefix}.weight`]),
    g.vectorWeight(size, [`${prefix}.bias`]),
    eps,
    prefix,
  );
}

/** PyTorch's nn.GroupNorm under `prefix`. */
export function groupNormLayer(g: GraphBuilder, prefix: string, x: T, groups: number, eps: number): T {
  const size = [lastDim(x)];
  const gamma = g.vectorWeight(size, [`${prefix}.weight`]);
  return g.groupNorm(x, gamma, g.vectorWeight(size, [`${prefix}.bias`]), groups, eps, prefix);
}

/** PyTorch's nn.Conv2d under `prefix`, stride 1, the size kept. */
export function convLayer(g: GraphBuilder, prefix: string, x: T, outChannels: number, kernel: number): T {
  const w = g.convWeight(lastDim(x), outChannels, kernel, `${prefix}.weight`);
  const bias = g.vectorWeight([outChannels], [`${prefix}.bias`]);
  return g.conv2d(x, w, bias, { outChannels, kernel, pad: (kernel - 1) / 2 }, prefix);
}

/**
 * diffusers' Timesteps and TimestepEmbedding under `prefix`: sinusoids of word 0 of stepParams [B, 16], Linear, SiLU, Linear
 * → [B, outFeatures].
 */
export function timeEmbedding(
  g: GraphBuilder,
  prefix: string,
  stepParams: T,
  o: { sinusoids: number; hidden: number; outFeatures: number; flipSinToCos: boolean; freqShift: number },
): T {
  const { flipSinToCos, freqShift } = o;
  const projected = g.timestepEmbedding(stepParams, o.sinusoids, { flipSinToCos, freqShift });
  const hidden = g.activation(linearLayer(g, `${prefix}.linear_1`, projected, o.hidden), 'silu');
  return g.mark(prefix, linearLayer(g, `${prefix}.linear_2`, hidden, o.outFeatures));
}

/** `x` in the graph's dtype, its batch `times` times over; `x` itself where nothing is to do. */
export const batched = (g: GraphBuilder, x: T, times: number): T =>
  times === 1 && x.dtype === g.dtype ? x : g.repeatBatch(x, times);

/**
 * x[B, L, C] + positions[L·C]. Summed as [B, L·C] + [L·C], since a two-dimensional operand would mean one row per image where
 * B = L.
 */
export function addPositions(g: GraphBuilder, x: T, positions: T, label: string): T {
  const [b, l, c] = x.shape as readonly [number, number, number];
  return g.reshape(g.add(g.reshape(x, [b, l * c]), positions, label), [b, l, c]);
}
