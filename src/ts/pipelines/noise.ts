import { imageSeed } from '../diffusion/image-seed.js';
import { TorchGenerator } from '../native/torch-generator.js';

export type StageName = 'prior' | 'decoder' | 'superRes';

/** Where a run's normal draws come from. A run asks in its own order: stage after stage, starting noise, then step by step. */
export interface NoiseSource {
  /**
   * Draws for all images of the batch, stored channels last.
   * @param shape one image's sample in PyTorch's order: [E] or [C, H, W]
   * @param step −1 for the starting noise of the stage, else the reverse step whose noise it is
   */
  draw(stage: StageName, step: number, shape: readonly number[]): Float32Array;
}

/** Where a run's uniform draws come from: those of the autoregressive prior. */
export interface UniformSource {
  /** In [0, 1), multiples of 2⁻²⁴, for all images of the batch; `shape` is one image's. */
  drawUniform(shape: readonly number[]): Float32Array;
}

/** Image k has its own generator, seeded `seeds[k]`: a picture does not depend on the batch that it is drawn in. */
export class PerImageNoise implements NoiseSource, UniformSource {
  readonly #generators: readonly TorchGenerator[];

  constructor(seeds: readonly number[]) {
    this.#generators = seeds.map((seed) => new TorchGenerator(imageSeed(seed, 0)));
  }

  draw(_stage: StageName, _step: number, shape: readonly number[]): Float32Array {
    return this.#each(shape, (generator) => generator.randn(shape, 'channelsLast'));
  }

  drawUniform(shape: readonly number[]): Float32Array {
    return this.#each(shape, (generator) => generator.rand(shape));
  }

  #each(shape: readonly number[], draw: (generator: TorchGenerator) => Float32Array): Float32Array {
    const size = shape.reduce((a, b) => a * b, 1);
    const out = new Float32Array(size * this.#generators.length);
    this.#generators.forEach((generator, k) => {
      out.set(draw(generator), k * size);
    });
    return out;
  }
}

/** One generator for the whole batch, one flat draw at a time: diffusers with a single `generator`. */
export class SharedNoise implements NoiseSource {
  readonly #generator: TorchGenerator;
  readonly #batch: number;

  constructor(seed: number, batch: number) {
    this.#generator = new TorchGenerator(imageSeed(seed, 0));
    this.#batch = batch;
  }

  draw(_stage: StageName, _step: number, shape: readonly number[]): Float32Array {
    return this.#generator.randn([this.#batch, ...shape], 'channelsLast');
  }
}
