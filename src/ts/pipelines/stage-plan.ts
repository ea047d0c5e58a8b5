import { type SamplingChoice, samplerSteps } from '../diffusion/samplers/registry.js';
import type { UnClipSchedule } from '../diffusion/schedule.js';
import type { StepCoefficients } from '../diffusion/step-coefficients.js';
import { packStepParams, STEP_PARAMS_FLOATS } from '../diffusion/step-params.js';
import type { Checkpoint } from './checkpoint.js';
import type { StageName } from './noise.js';
import type { SamplingSettings } from './settings.js';

export interface StagePlanOptions {
  readonly stage: StageName;
  readonly schedule: UnClipSchedule;
  /** ≥ 2. */
  readonly steps: number;
  /** Default: the ancestral sampler. */
  readonly sampling?: SamplingChoice;
  /** Whole timesteps of one's own, falling, in place of `steps` spread over the schedule; for the ancestral sampler. */
  readonly timesteps?: readonly number[];
  /** 1 = no guidance. */
  readonly guidanceScale: number;
  /** One image's sample in PyTorch's order: [E] or [C, H, W]. */
  readonly sampleShape: readonly number[];
}

/** The reverse steps of one stage of one picture: pure numbers. */
export class StagePlan {
  readonly stage: StageName;
  readonly schedule: UnClipSchedule;
  readonly sampleShape: readonly number[];
  /** Noisiest first. */
  readonly steps: readonly StepCoefficients[];
  readonly #guidanceScale: number;

  constructor(options: StagePlanOptions) {
    this.#guidanceScale = options.guidanceScale;
    this.stage = options.stage;
    this.schedule = options.schedule;
    this.sampleShape = options.sampleShape;
    const { schedule, steps, sampling, timesteps } = options;
    this.steps = timesteps === undefined ? samplerSteps(schedule, steps, sampling) : schedule.stepsAt(timesteps);
  }

  /**
   * The record of step `index` for the step kernel, see diffusion/step-params.ts.
   * @param guidanceScale of this picture where it is not the plan's
   */
  record(index: number, guidanceScale = this.#guidanceScale): Float32Array {
    const last = index === this.steps.length - 1;
    // diffusers clamps the decoder's sample to [−1, 1] after its last step.
    const outputClip = last && this.stage === 'decoder' ? 1 : 0;
    const record = new Float32Array(STEP_PARAMS_FLOATS);
    packStepParams(this.schedule.params(this.steps[index]!, { guidanceScale, outputClip }), record, 0);
    return record;
  }
}

/** The prior's steps. @throws UnclipError MODEL_CONFIG_INVALID when the model has no prior */
export function priorPlan(model: Checkpoint, settings: SamplingSettings): StagePlan {
  const { config, schedule } = model.requirePrior();
  return new StagePlan({
    stage: 'prior',
    schedule,
    steps: settings.priorSteps,
    sampling: settings,
    guidanceScale: settings.priorGuidanceScale,
    sampleShape: [config.embedding_dim],
  });
}

export function decoderPlan(model: Checkpoint, settings: SamplingSettings): StagePlan {
  const { decoder, decoderSize } = model.configs;
  return new StagePlan({
    stage: 'decoder',
    schedule: model.schedules.decoder,
    steps: settings.decoderSteps,
    sampling: settings,
    guidanceScale: settings.decoderGuidanceScale,
    sampleShape: [decoder.in_channels, decoderSize, decoderSize],
  });
}

/** The upsamplers' steps: one schedule, the last step of which has a network of its own. */
export function superResPlan(model: Checkpoint, settings: SamplingSettings): StagePlan {
  const { superResFirst, superResSize } = model.configs;
  return new StagePlan({
    stage: 'superRes',
    schedule: model.schedules.superRes,
    steps: settings.superResSteps,
    timesteps: partialTimesteps(model.schedules.superRes, settings),
    guidanceScale: 1,
    sampleShape: [superResFirst.out_channels, superResSize, superResSize],
  });
}

/** The upsampler's timesteps from `superResStart` of the schedule down to 0; undefined for the whole of it, the usual run. */
function partialTimesteps(schedule: UnClipSchedule, settings: SamplingSettings): number[] | undefined {
  const { superResSteps: steps, superResStart: start = 1 } = settings;
  if (start === 1) return undefined;
  const first = start * (schedule.config.num_train_timesteps - 1);
  const all = Array.from({ length: steps }, (_, i) => Math.round((first * (steps - 1 - i)) / (steps - 1)));
  return all.filter((t, i) => t !== all[i + 1]);
}
