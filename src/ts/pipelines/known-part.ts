import { keepKnownRecord, type Visit } from '../diffusion/repaint.js';
import { KEEP_KNOWN_RECORD } from '../ops/diffusion/keep-known.js';
import type { Program } from '../runtime/program.js';
import type { Runtime } from '../runtime/runtime.js';
import type { NoiseSource } from './noise.js';
import type { Constraint } from './run-stage.js';
import type { PreparedStep, Sampler } from './sampler.js';

/** What is known of one picture at the size of a stage. */
export interface KnownSample {
  /** f32 [S, S, C] in [−1, 1], channels last. */
  readonly pixels: Float32Array;
  /** f32 [S, S]: 1 keeps the pixel, 0 draws it anew. */
  readonly weights: Float32Array;
}

/** Keeps the known part of every picture of a batch through a stage (RePaint, arXiv 2201.09865). */
export class KnownPart implements Constraint {
  readonly visits: readonly Visit[];
  readonly #runtime: Runtime;
  readonly #sampler: Sampler;
  readonly #program: Program;

  /**
   * @param program of `keepKnownGraph`, on the sampler's latents
   * @param visits the order of the sampler's steps
   */
  constructor(runtime: Runtime, sampler: Sampler, program: Program, visits: readonly Visit[]) {
    this.#runtime = runtime;
    this.#sampler = sampler;
    this.#program = program;
    this.visits = visits;
  }

  /** Uploads what is known, one sample a picture of the batch. */
  write(known: readonly KnownSample[]): void {
    for (const [image, { pixels, weights }] of known.entries()) {
      this.#program.state('known').write(pixels, image * pixels.length);
      this.#program.state('weights').write(weights, image * weights.length);
    }
  }

  async prepare({ step, level }: Visit, noise: NoiseSource, ahead = false): Promise<PreparedStep> {
    const { plan, batch } = this.#sampler.options;
    const { stage, sampleShape, steps } = plan;
    const alphaBar = (at: number): number => steps[at]?.alphaBar ?? 1;
    const record = keepKnownRecord(alphaBar(step + 1), alphaBar(level));
    const records = new Float32Array(batch * KEEP_KNOWN_RECORD);
    for (let image = 0; image < batch; image++) records.set(record, image * KEEP_KNOWN_RECORD);
    // At the last level the picture itself is put in, and nothing is drawn.
    const drawn = level < steps.length ? noise.draw(stage, step, sampleShape) : undefined;
    const program = this.#program;
    await program.prepare();
    const recording = this.#runtime.record([program], ahead);
    return {
      submit(): void {
        program.state('records').write(records);
        if (drawn !== undefined) program.state('noise').write(drawn);
        recording.submit();
      },
    };
  }
}
