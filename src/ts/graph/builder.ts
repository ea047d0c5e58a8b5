import type { Activation } from '../ops/activations.js';
import { findOp } from '../ops/registry.js';
import { UnclipError } from '../util/errors.js';
import type { ActivationDType, Attrs, DType, Graph, Node, Tensor } from './types.js';
import { elementCount } from './types.js';
import { pad4, type WeightRequest } from './weights-spec.js';

/** Handle of a tensor while a graph is being built. */
export type T = Tensor;

export interface GraphOptions {
  readonly dtype: ActivationDType;
  /** Every tensor passed to {@link GraphBuilder.mark} becomes an output `hook.NAME`, and nothing fuses across it. */
  readonly hooks?: boolean;
}

/**
 * Emits one primitive operation a call, in execution order; `fuse` merges them afterwards. All shapes are channels last.
 * Throws UnclipError GRAPH_INVALID when operands do not fit.
 */
export class GraphBuilder {
  readonly dtype: ActivationDType;
  readonly #name: string;
  readonly #hooks: boolean;
  readonly #tensors: Tensor[] = [];
  readonly #nodes: Node[] = [];
  readonly #inputs: Record<string, number> = {};
  readonly #outputs: Record<string, number> = {};
  readonly #weights = new Map<string, Tensor>();
  readonly #scope: string[] = [];

  constructor(name: string, options: GraphOptions) {
    this.#name = name;
    this.dtype = options.dtype;
    this.#hooks = options.hooks ?? false;
  }

  /** Runs `body` with `name` added to the labels of its nodes. */
  scope<R>(name: string, body: () => R): R {
    this.#scope.push(name);
    try {
      return body();
    } finally {
      this.#scope.pop();
    }
  }

  // --- tensors -----------------------------------------------------------------------------------------------------

  /** A state tensor that the caller fills before the graph runs. */
  input(name: string, shape: readonly number[], dtype: DType = this.dtype): T {
    const t = this.#tensor({ name, shape, dtype, kind: 'state' });
    this.#inputs[name] = t.id;
    return t;
  }

  /** A state tensor that nodes of this graph write (in place, or as a further result). */
  state(name: string, shape: readonly number[], dtype: DType = 'f32'): T {
    const t = this.#tensor({ name, shape, dtype, kind: 'state' });
    this.#outputs[name] = t.id;
    return t;
  }

  /** PyTorch linear weights [N_i, K], several fused along N → [K, pad4(ΣN_i)]. */
  linearWeight(k: number, n: readonly number[], sources: readonly string[]): T {
    return this.#weight([k, pad4(sum(n))], this.dtype, {
      sources,
      packing: 'transpose',
      sourceShapes: n.map((rows) => [rows, k]),
    });
  }

  /** PyTorch conv weight [O, I, k, k] → [k, k, I, pad4(O)]. */
  convWeight(inChannels: number, outChannels: number, kernel: number, source: string): T {
    return this.#weight([kernel, kernel, inChannels, pad4(outChannels)], this.dtype, {
      sources: [source],
      packing: 'conv',
      sourceShapes: [[outChannels, inChannels, kernel, kernel]],
    });
  }

  /** Bias, gamma, beta…: [ΣN_i] in f32, zero-padded to a multiple of 4. `shapes` when stored other than flat (e.g. [1, N]). */
  vectorWeight(n: readonly number[], sources: readonly string[], shapes?: readonly (readonly number[])[]): T {
    return this.#weight([pad4(sum(n))], 'f32', {
      sources,
      packing: 'vector',
      sourceShapes: shapes ?? n.map((x) => [x]),
    });
  }

  /** A tensor as stored, under `shape`, in the activation dtype: embedding tables, learned tokens. */
  copyWeight(shape: readonly number[], source: string, storedShape: readonly number[] = shape): T {
    return this.#weight(shape, this.dtype, { sources: [source], packing: 'copy', sourceShapes: [storedShape] });
  }

  /** The same memory under another shape of as many elements. */
  reshape(x: T, shape: readonly number[]): T {
    if (elementCount(shape) !== elementCount(x.shape))
      throw new UnclipError(
        'GRAPH_INVALID',
        `reshape of ${x.name} from [${x.shape}] to [${shape}] changes the element count`,
      );
    return this.#tensor({ name: x.name, shape, dtype: x.dtype, kind: x.kind, aliasOf: x.aliasOf ?? x.id });
  }

  // --- operations --------------------------------------------------------------------------------------------------

  /** x[…, K] · w[K, N] + bias → […, N]. */
  linear(x: T, w: T, bias: T | null, outFeatures: number, label = 'linear'): T {
    return this.#op('linear', [x, w, bias, null], { act: 'none', outFeatures }, label);
  }

  /** Convolution of x[B, H, W, I] with square kernel → [B, H', W', O], H' = (H + 2·pad − kernel)/stride + 1 floored. */
  conv2d(
    x: T,
    w: T,
    bias: T | null,
    o: { outChannels: number; kernel: number; stride?: number; pad?: number },
    label = 'conv',
  ): T {
    const attrs = {
      outChannels: o.outChannels,
      kernel: o.kernel,
      stride: o.stride ?? 1,
      pad: o.pad ?? 0,
      upsample: 1,
      residualUpsample: false,
      act: 'none',
    };
    return this.#op('conv2d', [x, w, bias, null, null], attrs, label);
  }

  /** Group norm over [positions, C/groups] of each image. */
  groupNorm(x: T, gamma: T, beta: T, groups: number, eps: number, label = 'norm'): T {
    return this.#op('groupNorm', [x, gamma, beta, null], { groups, eps, act: 'none' }, label);
  }

  /** Layer norm over the last dimension. */
  layerNorm(x: T, gamma: T, beta: T | null, eps: number, label = 'norm'): T {
    return this.#op('layerNorm', [x, gamma, beta], { eps }, label);
  }

  /** exp(scale · x) over its sum along the last dimension; −∞ masks an element. */
  softmax(x: T, scale = 1, label = 'softmax'): T {
    return this.#op('softmax', [x], { scale }, label);
  }

  /**
   * scale · a[B…, M, K] · b[B…, K, N] → [B…, M, N]; transposeA: a is [B…, K, M], transposeB: b is [B…, N, K]. A b that is a
   * single matrix serves every matrix of a.
   */
  matmul(a: T, b: T, o: { transposeA?: boolean; transposeB?: boolean; scale?: number } = {}, label = 'matmul'): T {
    const attrs = { transposeA: o.transposeA ?? false, transposeB: o.transposeB ?? false, scale: o.scale ?? 1 };
    return this.#op('matmul', [a, b], attrs, label);
  }

  /**
   * softmax(scale · q kᵀ + mask) v, head by head. q[B, …, H·D]; kv[B, …, 2·H·D], keys first; `context` [B, Lc, 2·H·D] adds keys
   * and values before them; `mask` f32 [B, Lm], added to the scores of the first Lm keys (context first); `causal` lets
   * position i see own keys ≤ i only. With `position` u32 [B], own keys are a cache in which image b's first query stands at key
   * position[b], and those behind it are not read.
   */
  attention(
    q: T,
    kv: T,
    o: { heads: number; scale: number; causal?: boolean; context?: T | null; mask?: T | null; position?: T | null },
    label = 'attention',
  ): T {
    const attrs = { heads: o.heads, scale: o.scale, causal: o.causal ?? false };
    return this.#op('attention', [q, kv, o.context ?? null, o.mask ?? null, o.position ?? null], attrs, label);
  }

  /** table[ids] (+ positions from `first`[b] on, u32 [B], else from 0) for ids u32 [B, L] → [B, L, C]. */
  embedding(ids: T, table: T, positions: T | null, label = 'embedding', first: T | null = null): T {
    return this.#op('embedding', [ids, table, positions, first], {}, label);
  }

  /** Sinusoidal embedding of word 0 of stepParams f32 [B, 16] → [B, dim]; cosines first when `flipSinToCos`. */
  timestepEmbedding(
    stepParams: T,
    dim: number,
    o: { flipSinToCos: boolean; freqShift: number },
    label = 'time_proj',
  ): T {
    return this.#op('timestepEmbedding', [stepParams], { dim, ...o }, label);
  }

  /** Element-wise activation. */
  activation(x: T, act: Exclude<Activation, 'none'>, label: string = act): T {
    return this.#op('activation', [x], { act }, label);
  }

  /** Clamps every element to [min, max]. */
  clamp(x: T, min: number, max: number, label = 'clamp'): T {
    return this.#op('clamp', [x], { min, max }, label);
  }

  /**
   * a + b. b has a's shape, or a trailing part of it (the same for every leading index), or is [B, C] against a [B, …, C]
   * (the same for every position of an image).
   */
  add(a: T, b: T, label = 'add'): T {
    return this.#op('add', [a, b], {}, label);
  }

  /** a + scale · b, shapes as {@link add}'s. */
  addScaled(a: T, b: T, scale: number, label = 'add'): T {
    return this.#op('add', [a, b], { scale }, label);
  }

  /** x · (1 + scale) + shift with emb[B, 2C] = (scale, shift), the same for every position of an image. */
  scaleShift(x: T, emb: T, label = 'scale_shift'): T {
    return this.#op('scaleShift', [x, emb], {}, label);
  }

  /** x · scale + shift with vectors over the last dimension. */
  affine(x: T, scale: T, shift: T, label = 'affine'): T {
    return this.#op('affine', [x, scale, shift], {}, label);
  }

  /** Nearest-neighbour enlargement [B, H, W, C] → [B, 2H, 2W, C]. */
  upsampleNearest2x(x: T, label = 'upsample'): T {
    return this.#op('upsampleNearest2x', [x], {}, label);
  }

  /** Mean over 2×2 blocks [B, H, W, C] → [B, ⌊H/2⌋, ⌊W/2⌋, C]. */
  avgPool2x(x: T, label = 'downsample'): T {
    return this.#op('avgPool2x', [x], {}, label);
  }

  /** Largest value of 2×2 blocks [B, H, W, C] → [B, ⌊H/2⌋, ⌊W/2⌋, C]. */
  maxPool2x(x: T, label = 'pool'): T {
    return this.#op('maxPool2x', [x], {}, label);
  }

  /** Place of the largest element of the last dimension, the first of equals: [B, …, C] → u32 [B, …]. */
  argmax(x: T, label = 'argmax'): T {
    return this.#op('argmax', [x], {}, label, 'u32');
  }

  /** Joins tensors along `axis`. A part whose leading dimension is 1 where the others have B is repeated (axis ≠ 0). */
  concat(parts: readonly T[], axis: number, label = 'concat'): T {
    return this.#op('concat', parts, { axis: axis < 0 ? parts[0]!.shape.length + axis : axis }, label);
  }

  /** x[…, start : start + length, …] along `axis`. */
  slice(x: T, axis: number, start: number, length: number, label = 'slice'): T {
    return this.#op('slice', [x], { axis: axis < 0 ? x.shape.length + axis : axis, start, length }, label);
  }

  /** [B, M, N] → [B, N, M]. */
  transpose(x: T, label = 'transpose'): T {
    return this.#op('transpose', [x], {}, label);
  }

  /** x[b, index[b], :] for index u32 [B] → [B, C]. */
  gatherRows(x: T, index: T, label = 'gather'): T {
    return this.#op('gatherRows', [x, index], {}, label);
  }

  /** Writes x[B, L, C] into the state cache[B, Lmax, C] from row position[b] on, position u32 [B]; gives the cache. */
  appendRows(cache: T, x: T, position: T, label = 'append'): T {
    const inputs = [cache, x, position];
    findOp('appendRows').infer(inputs, {});
    this.#emit('appendRows', inputs, [cache], {}, label);
    return cache;
  }

  /** [B, …] → [times·B, …], the whole batch `times` times over, in `dtype`. */
  repeatBatch(x: T, times: number, dtype: ActivationDType = this.dtype, label = 'repeat'): T {
    return this.#op('repeatBatch', [x], { times, dtype }, label, dtype);
  }

  /** PyTorch's F.interpolate(mode bicubic, antialias, align_corners False) → [B, height, width, C]. */
  bicubicResize(x: T, height: number, width: number, dtype: DType = this.dtype, label = 'resize'): T {
    return this.#op('bicubicResize', [x], { height, width }, label, dtype);
  }

  /**
   * One reverse step: guidance, prediction of x₀, clip, variance, noise (src/ts/diffusion/step-params.ts has the formulas).
   * modelOut [B or 2B (unconditional half first), …, C or 2C], latents f32 [B, …, C] written in place, noise f32 like latents,
   * stepParams f32 [B, 16]; x0 f32 like latents receives the clipped prediction.
   */
  diffusionStep(modelOut: T, latents: T, noise: T, stepParams: T, x0: T, label = 'step'): void {
    const attrs = {
      guided: modelOut.shape[0] === 2 * latents.shape[0]!,
      learnedVariance: modelOut.shape[modelOut.shape.length - 1] === 2 * latents.shape[latents.shape.length - 1]!,
    };
    const inputs = [modelOut, latents, noise, stepParams];
    findOp('diffusionStep').infer(inputs, attrs);
    this.#emit('diffusionStep', inputs, [latents, x0], attrs, label);
  }

  /**
   * Draws code position − `first` of each image: guidance, top-k and temperature by settings f32 [B, 4], Gumbel noise f32
   * [B, K, V]; logits [B or 2B (unconditional half first) = R, V]. Written in place: codes u32 [B, K], tokens u32 [R, 1] (the
   * code), position u32 [R], one further.
   */
  sampleCategorical(
    logits: T,
    o: { noise: T; settings: T; position: T; codes: T; tokens: T; first: number },
    label = 'sample',
  ): void {
    const inputs = [logits, o.noise, o.settings, o.position];
    const attrs = { first: o.first };
    findOp('sampleCategorical').infer(inputs, attrs);
    this.#emit('sampleCategorical', inputs, [o.codes, o.tokens, o.position], attrs, label);
  }

  /**
   * Masked sampling (RePaint): latents f32 [B, …, C] become w · (a·known + b·noise) + (1 − w) · (c·latents + d·noise), in place.
   * known and noise f32 like latents, weights w f32 [B, …], records f32 [B, 4] = (a, b, c, d).
   */
  keepKnown(latents: T, known: T, weights: T, noise: T, records: T, label = 'keep_known'): void {
    const inputs = [latents, known, weights, noise, records];
    findOp('keepKnown').infer(inputs, {});
    this.#emit('keepKnown', inputs, [latents], {}, label);
  }

  /**
   * Colours from logits, of x[B, H, W, ≥ 3] the first three channels: 2 · clamp((sigmoid(x) − eps) / (1 − 2 eps), 0, 1) − 1 →
   * f32 [B, H, W, 3]; sigmoid and unmap_pixels of OpenAI's dall_e.
   */
  logitPixels(x: T, eps: number, label = 'pixels'): T {
    return this.#op('logitPixels', [x], { eps }, label, 'f32');
  }

  /** f32 [B, H, W, 3] in [−1, 1] → u32 [B, H, W], R in the low byte, A = 255; halves round to even. */
  toRgba8(x: T, label = 'rgba8'): T {
    return this.#op('toRgba8', [x], {}, label, 'u32');
  }

  // --- results -----------------------------------------------------------------------------------------------------

  /** Names an inner tensor for tests: with `hooks` it becomes an output `hook.NAME`, otherwise nothing happens. */
  mark(name: string, x: T): T {
    if (this.#hooks) this.#makeState(x, `hook.${name}`);
    return x;
  }

  /** Makes `x` a result that stays readable after the run. */
  output(name: string, x: T): T {
    this.#makeState(x, name);
    return x;
  }

  build(): Graph {
    return {
      name: this.#name,
      dtype: this.dtype,
      tensors: this.#tensors,
      nodes: this.#nodes,
      inputs: this.#inputs,
      outputs: this.#outputs,
    };
  }

  #makeState(x: T, name: string): void {
    const base = this.#tensors[x.aliasOf ?? x.id]!;
    if (base.kind === 'weight') throw new UnclipError('GRAPH_INVALID', `${name} names a weight, not a result`);
    this.#tensors[base.id] = { ...base, kind: 'state' };
    this.#outputs[name] = x.id;
  }

  #tensor(t: Omit<Tensor, 'id'>): T {
    const tensor = { ...t, id: this.#tensors.length };
    this.#tensors.push(tensor);
    return tensor;
  }

  #weight(shape: readonly number[], dtype: DType, weight: WeightRequest): T {
    const key = `${weight.packing}|${weight.sources.join('+')}`;
    const known = this.#weights.get(key);
    if (known !== undefined) return known;
    const t = this.#tensor({ name: weight.sources.join('+'), shape, dtype, kind: 'weight', weight });
    this.#weights.set(key, t);
    return t;
  }

  #op(op: string, inputs: readonly (T | null)[], attrs: Attrs, label: string, dtype: DType = this.dtype): T {
    const [shape] = findOp(op).infer(inputs, attrs);
    const out = this.#tensor({ name: this.#label(label), shape: shape!, dtype, kind: 'temporary' });
    this.#emit(op, inputs, [out], attrs, label);
    return out;
  }

  #emit(op: string, inputs: readonly (T | null)[], outputs: readonly T[], attrs: Attrs, label: string): void {
    this.#nodes.push({
      op,
      inputs: inputs.map((t) => (t === null ? null : t.id)),
      outputs: outputs.map((t) => t.id),
      attrs,
      label: this.#label(label),
    });
  }

  #label(label: string): string {
    return [...this.#scope, label].join('.');
  }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
