import { ddimInversion, type InversionRung } from '../diffusion/samplers/ddim-inversion.js';
import type { UnClipSchedule } from '../diffusion/schedule.js';
import type { Spacing } from '../diffusion/spacing.js';
import type { StepCoefficients } from '../diffusion/step-coefficients.js';
import { packStepParams, STEP_PARAMS_FLOATS } from '../diffusion/step-params.js';
import type { Program } from '../runtime/program.js';
import type { Runtime } from '../runtime/runtime.js';
import type { StateTensor } from '../runtime/state.js';
import { throwIfAborted } from './run-stage.js';

export interface InverterOptions {
  /** The decoder's schedule and step program, its embeddings and text already in place as for drawing. */
  readonly schedule: UnClipSchedule;
  readonly program: Program;
  readonly batch: number;
  /** Those of the DDIM run that is to give the picture back. */
  readonly steps: number;
  /** Default `trailing`: see ddimInversion on why the others do not serve. */
  readonly spacing?: Spacing;
  /** 1 = no guidance; as in that run. */
  readonly guidanceScale: number;
  /** Rounds of refinement at each level, 0 or more; each is a network evaluation. Default {@link REFINEMENTS}. */
  readonly refinements?: number;
}

export interface InverterHooks {
  readonly signal?: AbortSignal;
  /** Called after each network evaluation and awaited. @param step 1 … `steps` */
  readonly onStep?: (step: number, steps: number) => void | Promise<void>;
}

/** On the bundled model two rounds gain some decibels, and more of them diverge on some pictures (bench/notes/samplers.md). */
export const REFINEMENTS = 2;

/**
 * DDIM inversion (arXiv 2204.06125, section 3): the x_T from which a DDIM run (η = 0) with the same steps, spacing, guidance and
 * conditions draws a picture again. It runs on the decoder's own step program, so conditions are what drawing left there:
 *
 *     const inverter = new Inverter(runtime, { schedule: model.schedules.decoder, program: drawing.decoderStep, … });
 *     await inverter.run(picture);
 *     const start = await inverter.latents.read();   // DrawItem.start, with sampler 'ddim'
 *
 * The sample stays on the GPU; the noise tensor of the program is overwritten. For networks that predict x₀, as the bundled
 * model's: one that predicts ε says nothing of x₀ at the noisiest timestep, so that its run begins somewhere else than x_T says.
 */
export class Inverter {
  readonly options: InverterOptions;
  readonly rungs: readonly InversionRung[];
  /** Network evaluations of a run. */
  readonly evaluations: number;
  readonly #runtime: Runtime;
  readonly #refinements: number;

  /** @throws UnclipError INPUT_INVALID for a number of steps that the schedule does not have */
  constructor(runtime: Runtime, options: InverterOptions) {
    this.#runtime = runtime;
    this.options = options;
    this.rungs = ddimInversion(options.schedule, options.steps, options.spacing ?? 'trailing');
    this.#refinements = options.refinements ?? REFINEMENTS;
    this.evaluations = (this.rungs.length - 1) * (1 + this.#refinements);
  }

  /** After {@link run}: x_T, f32 [B, S, S, C]. */
  get latents(): StateTensor {
    return this.options.program.state('latents');
  }

  /**
   * Climbs from pictures to their x_T.
   * @param pictures x₀ in [−1, 1], f32 [B, S, S, C], channels last
   * @throws UnclipError CANCELLED within one evaluation of the signal's abort; GPU_* when the device fails
   */
  async run(pictures: Float32Array, hooks: InverterHooks = {}): Promise<void> {
    const { program } = this.options;
    await program.prepare();
    const below = program.state('noise');
    let done = 0;
    const evaluate = async (step: StepCoefficients): Promise<void> => {
      throwIfAborted(hooks.signal);
      program.state('stepParams').write(this.#records(step));
      this.#runtime.submit([program]);
      await this.#runtime.device.idle();
      await hooks.onStep?.(++done, this.evaluations);
    };
    for (const { to, climb } of this.rungs) {
      if (climb === undefined) {
        const scale = Math.sqrt(to.alphaBar);
        this.latents.write(pictures.map((v) => v * scale));
        continue;
      }
      below.copyFrom(this.latents);
      await evaluate(climb.predict);
      for (let round = 0; round < this.#refinements; round++) await evaluate(climb.refine);
    }
    throwIfAborted(hooks.signal);
  }

  #records(step: StepCoefficients): Float32Array {
    const { schedule, guidanceScale, batch } = this.options;
    const params = schedule.params(step, { guidanceScale });
    const packed = new Float32Array(batch * STEP_PARAMS_FLOATS);
    for (let image = 0; image < batch; image++) packStepParams(params, packed, image);
    return packed;
  }
}
