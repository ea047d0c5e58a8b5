import type { Picture } from '../image/picture.js';
import type { Program } from '../runtime/program.js';
import type { ProgramSet } from './programs/program-set.js';
import type { Progress } from './run-stage.js';
import type { Sampler } from './sampler.js';
import type { SamplingSettings } from './settings.js';

/** What `onProgress` is told after each step. */
export interface GenerateProgress extends Omit<Progress, 'stage'> {
  readonly stage: 'load' | 'inversion' | Progress['stage'];
  /** Pictures finished before this batch, pictures in this batch, pictures of the request. */
  readonly done: number;
  readonly batch: number;
  readonly total: number;
  /** Since the request began. */
  readonly elapsedMs: number;
  /** Estimated from the operations that are left; undefined until the first step is done. */
  readonly remainingMs: number | undefined;
  /** The current prediction of x₀ as pictures, one an image of the batch; decoder and upsamplers only. */
  readonly preview?: () => Promise<Picture[]>;
}

/** Floating-point operations of one replay of a program. */
export const programFlops = (program: Program): number =>
  program.compiled.nodes.reduce((sum, { record, call }) => sum + record.flops(call), 0);

/** Estimates the time left of a request from the operations done so far and those to come. */
export class Pace {
  readonly #perStep: Readonly<Record<Progress['stage'], number>>;
  readonly #perBatch: number;
  #start = performance.now();
  #doneFlops = 0;

  /** @param withPrior whether the image embeddings are made, not given */
  constructor(programs: ProgramSet, settings: SamplingSettings, withPrior: boolean) {
    const { text, drawing } = programs;
    const prior = withPrior ? programs.priorOf(settings) : undefined;
    this.#perStep = {
      text: programFlops(text.encoder) + (prior === undefined ? 0 : programFlops(prior.prelude)),
      prior: prior === undefined ? 0 : programFlops(prior.step),
      decoder: programFlops(drawing.decoderStep),
      superRes: programFlops(drawing.superResStep),
    };
    this.#perBatch =
      this.#perStep.text +
      this.#perStep.prior * (prior?.steps(settings) ?? 0) +
      this.#perStep.decoder * settings.decoderSteps +
      this.#perStep.superRes * settings.superResSteps;
  }

  /** Starts the clock: loading is over. */
  restart(): void {
    this.#start = performance.now();
    this.#doneFlops = 0;
  }

  /** Milliseconds left, after one more step of `stage`, when `batchesLeft` batches like this one follow it. */
  step(stage: Progress['stage'], batchesLeft: number): number {
    this.#doneFlops += this.#perStep[stage];
    const left = this.#perBatch * (1 + batchesLeft) - this.#doneFlops;
    return Math.max(0, ((performance.now() - this.#start) / this.#doneFlops) * left);
  }
}

/** The sampler's x₀ of every image as RGB pictures. */
export async function previewPictures(sampler: Sampler): Promise<Picture[]> {
  const { shape } = sampler.x0;
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const values = await sampler.x0.read();
  const size = height * width * channels;
  return Array.from({ length: batch }, (_, b) => samplePicture(values.subarray(b * size, (b + 1) * size), width));
}

/** A sample of the decoder or an upsampler as an RGB picture. @param values f32 [height, width, 3] in [−1, 1], cut off beyond */
export function samplePicture(values: Float32Array, width: number): Picture {
  const data = Uint8Array.from(values, (v) => Math.round(255 * Math.min(1, Math.max(0, v * 0.5 + 0.5))));
  return { width, height: values.length / (3 * width), channels: 3, data };
}
