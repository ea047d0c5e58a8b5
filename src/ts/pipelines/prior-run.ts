import type { Runtime } from '../runtime/runtime.js';
import type { Checkpoint } from './checkpoint.js';
import type { NoiseSource } from './noise.js';
import type { ProgramSet } from './programs/program-set.js';
import { type RunHooks, runStage, submitPrograms } from './run-stage.js';
import { Sampler } from './sampler.js';
import type { SamplingSettings } from './settings.js';
import { priorPlan } from './stage-plan.js';

/** The diffusion prior of DALL·E 2 (arXiv 2204.06125, section 2.2): leaves image embeddings in the drawing programs' input. */
export class PriorRun {
  readonly sampler: Sampler;
  readonly #runtime: Runtime;
  readonly #programs: ProgramSet;

  constructor(runtime: Runtime, model: Checkpoint, programs: ProgramSet, settings: SamplingSettings) {
    this.#runtime = runtime;
    this.#programs = programs;
    const { batch } = programs.text.options;
    this.sampler = new Sampler(runtime, { plan: priorPlan(model, settings), batch, program: programs.prior.step });
  }

  /** Submits what no step changes. Needs the text programs' results of this batch. */
  async begin(): Promise<void> {
    await submitPrograms(this.#runtime, this.#programs.prior.prelude);
  }

  /** All steps, after {@link begin}. @throws UnclipError CANCELLED, GPU_* */
  async run(noise: NoiseSource, hooks: RunHooks = {}): Promise<void> {
    this.sampler.start(noise);
    await runStage(this.#runtime, this.sampler, noise, hooks);
    await submitPrograms(this.#runtime, this.#programs.prior.finish);
  }
}
