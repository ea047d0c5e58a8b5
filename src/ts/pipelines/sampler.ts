import type { StepCoefficients, UnClipSchedule } from '../diffusion/schedule.js';
import { packStepParams, STEP_PARAMS_FLOATS } from '../diffusion/step-params.js';
import type { Program } from '../runtime/program.js';
import type { Runtime } from '../runtime/runtime.js';
import type { StateTensor } from '../runtime/state.js';
import type { NoiseSource, StageName } from './noise.js';

export interface SamplerOptions {
  readonly stage: StageName;
  readonly schedule: UnClipSchedule;
  readonly steps: number;
  readonly batch: number;
  /** One image's sample in PyTorch's order: [E] or [C, H, W]. */
  readonly sampleShape: readonly number[];
  /** 1 = no guidance. */
  readonly guidanceScale: number;
  /** Program of every step but the last, and of the last where that is another network. They share latents, x0 and noise. */
  readonly program: Program;
  readonly lastProgram?: Program;
}

/** Runs the reverse steps of one stage. The sample stays on the GPU; per step only parameters and noise go up. */
export class Sampler {
  readonly options: SamplerOptions;
  readonly steps: readonly StepCoefficients[];
  readonly #runtime: Runtime;
  readonly #params: Float32Array;

  constructor(runtime: Runtime, options: SamplerOptions) {
    this.#runtime = runtime;
    this.options = options;
    this.steps = options.schedule.steps(options.steps);
    this.#params = new Float32Array(options.batch * STEP_PARAMS_FLOATS);
  }

  /** The sample x_t of all images, f32, channels last. */
  get latents(): StateTensor {
    return this.options.program.state('latents');
  }

  /** The clipped prediction of x₀ of the latest step: what a preview shows. */
  get x0(): StateTensor {
    return this.options.program.state('x0');
  }

  /** Starting noise. */
  start(noise: NoiseSource): void {
    const { stage, sampleShape } = this.options;
    this.latents.write(noise.draw(stage, -1, sampleShape));
  }

  /** Submits reverse step `index` (0 = noisiest) for the whole batch; the first one compiles and loads what it needs. */
  async submit(index: number, noise: NoiseSource): Promise<void> {
    const { stage, schedule, guidanceScale, sampleShape, batch } = this.options;
    const coefficients = this.steps[index]!;
    const last = index === this.steps.length - 1;
    // diffusers clamps the decoder's sample to [−1, 1] after its last step.
    const params = schedule.params(coefficients, { guidanceScale, outputClip: last && stage === 'decoder' ? 1 : 0 });
    for (let image = 0; image < batch; image++) packStepParams(params, this.#params, image);
    const program = last ? (this.options.lastProgram ?? this.options.program) : this.options.program;
    await program.prepare();
    program.state('stepParams').write(this.#params);
    if (coefficients.timestep > 0) program.state('noise').write(noise.draw(stage, index, sampleShape));
    this.#runtime.submit([program]);
  }
}
