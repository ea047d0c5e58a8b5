import type { AdapterDescription } from '../../gpu/device.js';
import type { WeightFormat } from '../../graph/quantize.js';
import type { ActivationDType } from '../../graph/types.js';
import type { Runtime } from '../../runtime/runtime.js';
import { UnclipError } from '../../util/errors.js';
import { type OpenedRuntime, openRuntime, type RuntimeLoadOptions } from '../open-runtime.js';
import { useTuning } from '../tuning.js';
import { type ClipDescription, ClipModel } from './clip-model.js';
import { ClipEmbedder, type EmbedRequest, type EmbedResult } from './embedder.js';
import { type RankRequest, type RankResult, rankCaptions } from './rank.js';

export interface ClipLoadOptions extends RuntimeLoadOptions {
  /** The same kernels whatever `unclip tune` measured on this adapter. */
  readonly deterministic?: boolean;
}

/**
 * A CLIP by itself: embeds texts and pictures into one space and ranks captions. Opens unCLIP folders, transformers' CLIPModel
 * folders, and OpenAI's state dicts as safetensors.
 *
 *     const clip = await Clip.load('models/bundled');
 *     const { pictures } = await clip.rank({ pictures: ['a.png'], captions: ['a red ball', 'a blue car'] });
 *     await clip.dispose();
 */
export class Clip {
  readonly #model: ClipModel;
  readonly dtype: ActivationDType;
  readonly weights: WeightFormat;
  readonly #runtime: Runtime;
  readonly #embedder: ClipEmbedder;
  /** Requests run one after the other: they share arena and state. */
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(model: ClipModel, { runtime, dtype, weights }: OpenedRuntime) {
    this.#model = model;
    this.#runtime = runtime;
    this.dtype = dtype;
    this.weights = weights;
    this.#embedder = new ClipEmbedder(runtime, model, dtype);
  }

  /**
   * Opens the CLIP of a model folder and a GPU device; the folder is checked whole before the device is opened.
   * @throws UnclipError MODEL_* for the folder, GPU_NO_ADAPTER, GPU_FEATURE_MISSING (f16 asked for and not there)
   */
  static async load(folder: string, { deterministic = false, ...options }: ClipLoadOptions = {}): Promise<Clip> {
    const model = ClipModel.open(folder);
    let opened: OpenedRuntime | undefined;
    try {
      opened = await openRuntime(options);
      if (!deterministic) useTuning(opened.runtime);
      return new Clip(model, opened);
    } catch (error) {
      await opened?.runtime.close();
      model.close();
      throw error;
    }
  }

  get model(): ClipDescription {
    return this.#model;
  }

  /** The adapter that computes. */
  get adapter(): AdapterDescription {
    return this.#runtime.device.adapter;
  }

  /**
   * Embeds texts and pictures.
   * @throws UnclipError INPUT_* , MODEL_CONFIG_INVALID (pictures, and the model has no image encoder), CANCELLED, GPU_*
   */
  embed(request: EmbedRequest): Promise<EmbedResult> {
    return this.#inTurn(() => this.#embedder.embed(request));
  }

  /** How well captions fit pictures, see {@link RankResult}. Throws as {@link embed} does, and INPUT_INVALID for none of either. */
  rank(request: RankRequest): Promise<RankResult> {
    return this.#inTurn(() => rankCaptions(this.#embedder, request));
  }

  /** Frees GPU memory and files, after requests that are under way. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#queue;
    this.#embedder.destroy();
    await this.#runtime.close();
    this.#model.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #inTurn<R>(run: () => Promise<R>): Promise<R> {
    if (this.#disposed) return Promise.reject(new UnclipError('INPUT_INVALID', 'this Clip was disposed'));
    const turn = this.#queue.then(run);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}
