import type { StepCoefficients } from '../diffusion/step-coefficients.js';
import { STEP_PARAMS_FLOATS } from '../diffusion/step-params.js';
import type { Program } from '../runtime/program.js';
import type { Runtime } from '../runtime/runtime.js';
import type { StateTensor } from '../runtime/state.js';
import type { NoiseSource } from './noise.js';
import type { StagePlan } from './stage-plan.js';

export interface SamplerOptions {
  /** The same for every image of the batch. */
  readonly plan: StagePlan;
  readonly batch: number;
  /** Guidance of each image where it is not the plan's. */
  readonly guidanceScales?: readonly (number | undefined)[];
  /** Program of every step but the last, and of the last where that is another network. They share latents, x0 and noise. */
  readonly program: Program;
  readonly lastProgram?: Program;
}

/** A step whose commands are recorded. */
export interface PreparedStep {
  /** Uploads its parameters and noise, and submits it. Once. */
  submit(): void;
}

/** Runs the reverse steps of one stage. The sample stays on the GPU; per step only parameters and noise go up. */
export class Sampler {
  readonly options: SamplerOptions;
  readonly #runtime: Runtime;

  constructor(runtime: Runtime, options: SamplerOptions) {
    this.#runtime = runtime;
    this.options = options;
  }

  /** Noisiest first. */
  get steps(): readonly StepCoefficients[] {
    return this.options.plan.steps;
  }

  /** The sample x_t of all images, f32, channels last. */
  get latents(): StateTensor {
    return this.options.program.state('latents');
  }

  /** The clipped prediction of x₀ of the latest step: what a preview shows. */
  get x0(): StateTensor {
    return this.options.program.state('x0');
  }

  /** Starts from noise, and returns it: f32, channels last. */
  start(noise: NoiseSource): Float32Array {
    const { stage, sampleShape } = this.options.plan;
    const drawn = noise.draw(stage, -1, sampleShape);
    this.latents.write(drawn);
    return drawn;
  }

  /** Whether steps `a` and `b` run the same program. */
  sameProgram(a: number, b: number): boolean {
    return this.#programOf(a) === this.#programOf(b);
  }

  /**
   * Does everything of reverse step `index` (0 = noisiest) that need not wait for the step before: draws its noise, records its
   * commands. The first step of a program compiles and loads what it needs. Steps are prepared in the order of their draws, and
   * nothing on the GPU changes until the result is submitted.
   * @param ahead whether the step before is still running
   */
  async prepare(index: number, noise: NoiseSource, ahead = false): Promise<PreparedStep> {
    const { plan, batch, guidanceScales = [] } = this.options;
    const packed = new Float32Array(batch * STEP_PARAMS_FLOATS);
    for (let image = 0; image < batch; image++)
      packed.set(plan.record(index, guidanceScales[image]), image * STEP_PARAMS_FLOATS);
    const drawn = this.steps[index]!.noisy ? noise.draw(plan.stage, index, plan.sampleShape) : undefined;
    const program = this.#programOf(index);
    await program.prepare();
    const recording = this.#runtime.record([program], ahead);
    return {
      submit(): void {
        program.state('stepParams').write(packed);
        if (drawn !== undefined) program.state('noise').write(drawn);
        recording.submit();
      },
    };
  }

  /** {@link prepare}s reverse step `index` and submits it. */
  async submit(index: number, noise: NoiseSource): Promise<void> {
    (await this.prepare(index, noise)).submit();
  }

  #programOf(index: number): Program {
    const { program, lastProgram } = this.options;
    return index === this.steps.length - 1 ? (lastProgram ?? program) : program;
  }
}
