import type { AdapterDescription } from '../gpu/device.js';
import type { WeightFormat } from '../graph/quantize.js';
import type { ActivationDType } from '../graph/types.js';
import type { Runtime } from '../runtime/runtime.js';
import type { TunedClass, TuneOptions } from '../tune/tune-graphs.js';
import { UnclipError } from '../util/errors.js';
import { type BestOfRequest, type BestOfResult, bestOf } from './best-of.js';
import type { Checkpoint } from './checkpoint.js';
import { CaptionBank } from './clip/caption-bank.js';
import type { EmbedHooks, EmbedRequest, EmbedResult } from './clip/embedder.js';
import type { Embedding } from './clip/embedding.js';
import { knownCaptions } from './clip/known-captions.js';
import { type RankRequest, type RankResult, rankCaptions } from './clip/rank.js';
import { type EditRequest, type EditResult, editPicture } from './edit/edit.js';
import { Engine, type LoadOptions } from './engine.js';
import { packageVersion } from './package-version.js';
import type { SchedulerOptions } from './scheduler/options.js';
import { Scheduler } from './scheduler/scheduler.js';
import { type GenerateRequest, type GenerateResult, textToImage } from './text-to-image.js';
import { type BlendRequest, blend } from './variation/blend.js';
import type { FramesResult } from './variation/frames.js';
import { type SteerRequest, steer } from './variation/steer.js';
import { type VaryRequest, type VaryResult, vary } from './variation/vary.js';

/** Captions that are embedded before others have their turn. */
const CAPTIONS_A_TURN = 16;

/**
 * A loaded model: draws pictures from text.
 *
 *     const unclip = await Unclip.load('models/bundled');
 *     const { images } = await unclip.generate({ prompt: 'a red ball on the grass', n: 4, seed: 1 });
 *     await unclip.dispose();
 *
 * Requests made at the same time wait for one another.
 */
export class Unclip {
  readonly #engine: Engine;
  readonly #schedulers = new Set<Scheduler>();

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Opens a model folder in diffusers' layout and a GPU device. The folder is checked whole before the device is opened.
   * @throws UnclipError MODEL_* for the folder, GPU_NO_ADAPTER, GPU_FEATURE_MISSING (f16 asked for and not there)
   */
  static async load(folder: string, options: LoadOptions = {}): Promise<Unclip> {
    return new Unclip(await Engine.open(folder, options));
  }

  get model(): Checkpoint {
    return this.#engine.model;
  }

  /** Of this package. */
  get version(): string {
    return packageVersion();
  }

  get dtype(): ActivationDType {
    return this.#engine.dtype;
  }

  get weights(): WeightFormat {
    return this.#engine.weights;
  }

  /** Most pictures drawn at once. */
  get batchSize(): number {
    return this.#engine.batchSize;
  }

  /** The adapter that draws. */
  get adapter(): AdapterDescription {
    return this.#engine.runtime.device.adapter;
  }

  /** The engine below, for benchmarks. */
  get runtime(): Runtime {
    return this.#engine.runtime;
  }

  /**
   * Measures which kernels and tile sizes are fastest for this model on this adapter, at its own steps, with guidance, at
   * {@link batchSize} and {@link dtype}; programs made from then on use them, and so does every later process of this user.
   * @returns what was measured now: classes of shapes that no table knew, the costliest first
   * @throws UnclipError CANCELLED (what was measured is kept), INPUT_INVALID (loaded with `tuning: 'off'`), GPU_*, IO_*
   */
  tune(options: TuneOptions): Promise<TunedClass[]> {
    return this.#engine.tune(options);
  }

  /**
   * Draws pictures from text.
   * @throws UnclipError INPUT_* before anything is allocated, MODEL_CONFIG_INVALID (a model without a prior), CANCELLED, GPU_*
   */
  generate(request: GenerateRequest): Promise<GenerateResult> {
    return textToImage(this.#engine, request);
  }

  /** Draws variations of a picture, see {@link VaryRequest}. Throws as `vary` says: INPUT_*, MODEL_CONFIG_INVALID, CANCELLED, GPU_*. */
  vary(request: VaryRequest): Promise<VaryResult> {
    return vary(this.#engine, request);
  }

  /** Draws the way between pictures or prompts, see {@link BlendRequest}. Throws as {@link vary} does. */
  blend(request: BlendRequest): Promise<FramesResult> {
    return blend(this.#engine, request);
  }

  /** Draws a picture changed from one text to another, see {@link SteerRequest}. Throws as {@link vary} does. */
  steer(request: SteerRequest): Promise<FramesResult> {
    return steer(this.#engine, request);
  }

  /**
   * Draws candidates from text and keeps those that the model's CLIP finds fit it best.
   * @throws UnclipError as {@link generate}, MODEL_CONFIG_INVALID (a model without an image encoder)
   */
  generateBest(request: BestOfRequest): Promise<BestOfResult> {
    return bestOf(this.#engine, request);
  }

  /**
   * CLIP embeddings of texts and pictures, not normalised: what prior and decoder take.
   * @throws UnclipError INPUT_*, MODEL_CONFIG_INVALID (pictures, and the model has no image encoder), CANCELLED, GPU_*
   */
  embed(request: EmbedRequest): Promise<EmbedResult> {
    return this.#engine.repeatable(
      () => {},
      () => this.#engine.clip.embed(request),
    );
  }

  /** How well captions fit pictures, by the model's CLIP. Throws as {@link embed} does, and INPUT_INVALID for none of either. */
  rank(request: RankRequest): Promise<RankResult> {
    return this.#engine.repeatable(
      () => {},
      () => rankCaptions(this.#engine.clip, request),
    );
  }

  /**
   * Embeds captions, so that image embeddings can be said in words. Other pictures are drawn between its batches.
   * @param captions default: those that stand for what the model can draw, if it says so
   * @throws UnclipError INPUT_* (also for no captions), MODEL_CONFIG_INVALID, CANCELLED, GPU_*
   */
  async captionBank(
    captions: readonly string[] = knownCaptions(this.model.info),
    hooks: EmbedHooks = {},
  ): Promise<CaptionBank> {
    if (captions.length === 0) throw new UnclipError('INPUT_INVALID', 'captions is empty; give at least one');
    const embeddings: Embedding[] = [];
    while (embeddings.length < captions.length) {
      const part = captions.slice(embeddings.length, embeddings.length + CAPTIONS_A_TURN);
      const { texts } = await this.embed({ texts: part, signal: hooks.signal });
      embeddings.push(...texts);
      hooks.onBatch?.(embeddings.length, captions.length);
    }
    const scale = await this.#engine.exclusive(
      () => {},
      async () => this.#engine.clip.model.logitScale.value,
    );
    return new CaptionBank(captions, embeddings, scale);
  }

  /**
   * Draws pictures of many requests at once, in shared batches.
   * @throws UnclipError INPUT_INVALID
   */
  scheduler(options: SchedulerOptions = {}): Scheduler {
    const scheduler = new Scheduler(this.#engine, options);
    for (const other of this.#schedulers) if (other.closed) this.#schedulers.delete(other);
    this.#schedulers.add(scheduler);
    return scheduler;
  }

  /**
   * Draws a part of a picture anew, or what lies beyond its edges; outside the mask the result equals the picture to the bit.
   * @throws UnclipError INPUT_* (also for a mask of another size, or one that selects nothing), MODEL_CONFIG_INVALID (a model
   *   without a prior), CANCELLED, GPU_*
   */
  edit(request: EditRequest): Promise<EditResult> {
    return editPicture(this.#engine, request);
  }

  /**
   * Frees GPU memory and files, after requests that are under way, those of schedulers included; the process can then end by
   * itself. A worker thread has to do this before it ends: Dawn aborts the process when it is cut off at work.
   */
  async dispose(): Promise<void> {
    await Promise.all([...this.#schedulers].map((scheduler) => scheduler.close()));
    this.#schedulers.clear();
    await this.#engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
