import { type Resampling, repaintWalk, straightWalk, type Visit } from '../diffusion/repaint.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Checkpoint } from './checkpoint.js';
import { KnownPart, type KnownSample } from './known-part.js';
import type { NoiseSource } from './noise.js';
import type { ProgramSet } from './programs/program-set.js';
import { type RunHooks, runStage, submitPrograms } from './run-stage.js';
import { Sampler } from './sampler.js';
import type { SamplingSettings } from './settings.js';
import { decoderPlan, superResPlan } from './stage-plan.js';

/** Where one picture's stages begin, in place of noise alone, and how it is guided. */
export interface PictureStart {
  /** Starting sample x_T of the decoder, f32 [S, S, 3], channels last. */
  readonly start?: Float32Array;
  /** What the upsampler's start has beyond the decoder's picture enlarged, f32 [L, L, 3]; see `superResStart`. Default: nothing. */
  readonly detail?: Float32Array;
  /** Default: the settings' own. */
  readonly decoderGuidanceScale?: number;
}

/** What is known of one picture before it is drawn, at the sizes of both stages. */
export interface KnownPicture {
  readonly decoder: KnownSample;
  readonly superRes: KnownSample;
}

/** Masked sampling: what is known of every picture of a batch, and how often the decoder goes back to bring the rest into harmony. */
export interface Inpainting {
  readonly known: readonly KnownPicture[];
  readonly resampling: Resampling;
}

/** Decoder and upsamplers of DALL·E 2 (arXiv 2204.06125, section 2.1), from image embeddings and encoded text to pixels. */
export class DrawingRun {
  readonly decoder: Sampler;
  readonly superRes: Sampler;
  readonly #runtime: Runtime;
  readonly #programs: ProgramSet;
  readonly #pictures: readonly PictureStart[];

  /** @param pictures one for each of the batch, or none: noise alone */
  constructor(
    runtime: Runtime,
    model: Checkpoint,
    programs: ProgramSet,
    settings: SamplingSettings,
    pictures: readonly PictureStart[] = [],
  ) {
    this.#runtime = runtime;
    this.#programs = programs;
    this.#pictures = pictures;
    const { decoderStep, superResStep, superResLast } = programs.drawing;
    const { batch } = programs.text.options;
    this.decoder = new Sampler(runtime, {
      plan: decoderPlan(model, settings),
      batch,
      guidanceScales: pictures.map(({ decoderGuidanceScale }) => decoderGuidanceScale),
      program: decoderStep,
    });
    this.superRes = new Sampler(runtime, {
      plan: superResPlan(model, settings),
      batch,
      program: superResStep,
      lastProgram: superResLast,
    });
  }

  /**
   * Draws a batch whose text has been encoded and whose image embeddings lie in `programs.drawing.imageEmbeds`; the pictures end
   * up in `programs.drawing.pixels`. Starting noise is drawn also for pictures that bring their own, so that what the upsampler
   * draws afterwards does not depend on it.
   * @throws UnclipError CANCELLED within one step of the signal's abort; GPU_* when the device fails
   */
  async run(noise: NoiseSource, hooks: RunHooks = {}, inpainting?: Inpainting): Promise<void> {
    const { textProj, decoderPrelude, superResPrepare, pixels } = this.#programs.drawing;
    const constraints = inpainting && this.#constraints(inpainting);
    await submitPrograms(this.#runtime, textProj, decoderPrelude);
    this.decoder.start(noise);
    for (const [image, { start }] of this.#pictures.entries())
      if (start !== undefined) this.decoder.latents.write(start, image * start.length);
    await runStage(this.#runtime, this.decoder, noise, hooks, constraints?.decoder);
    await submitPrograms(this.#runtime, superResPrepare);
    const drawn = this.superRes.start(noise);
    if (this.#pictures.some(({ detail }) => detail !== undefined)) await this.#startPartway(drawn);
    await runStage(this.#runtime, this.superRes, noise, hooks, constraints?.superRes);
    await submitPrograms(this.#runtime, pixels);
    await this.#runtime.device.idle();
  }

  /** The upsampler repeats nothing: what it adds is local, and the picture that it starts from is in harmony. */
  #constraints({ known, resampling }: Inpainting): Record<'decoder' | 'superRes', KnownPart> {
    const part = (stage: 'decoder' | 'superRes', walk: (steps: number) => Visit[]): KnownPart => {
      const sampler = this[stage];
      const constraint = new KnownPart(
        this.#runtime,
        sampler,
        this.#programs.inpainting[stage],
        walk(sampler.steps.length),
      );
      constraint.write(known.map((picture) => picture[stage]));
      return constraint;
    };
    return {
      decoder: part('decoder', (steps) => repaintWalk(steps, resampling)),
      superRes: part('superRes', straightWalk),
    };
  }

  /** The upsampler's start between the enlarged picture with its detail and noise: √ᾱ·(picture + detail) + √(1 − ᾱ)·noise. */
  async #startPartway(noise: Float32Array): Promise<void> {
    const { alphaBar } = this.superRes.steps[0]!;
    const [kept, noisy] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
    const upscaled = await this.#programs.drawing.superResPrepare.state('upscaled').read();
    const each = upscaled.length / this.superRes.options.batch;
    const sample = upscaled.map((value, i) => {
      const detail = this.#pictures[Math.floor(i / each)]?.detail?.[i % each] ?? 0;
      return kept * (value + detail) + noisy * noise[i]!;
    });
    this.superRes.latents.write(sample);
  }
}
