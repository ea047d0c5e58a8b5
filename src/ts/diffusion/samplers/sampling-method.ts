import type { UnClipSchedule } from '../schedule.js';
import type { Spacing } from '../spacing.js';
import type { StepCoefficients } from '../step-coefficients.js';

/** What a sampler may be told besides the number of its steps. */
export interface SamplingOptions {
  readonly spacing: Spacing;
  /** Noise of `ddim`: 0 none, 1 as much as the ancestral sampler's. */
  readonly eta: number;
}

/** A way from noise to a sample, as a list of linear steps. */
export interface SamplingMethod {
  /** Spacings that it can use, its default first. */
  readonly spacings: readonly [Spacing, ...Spacing[]];
  /** Whether `eta` means anything to it. */
  readonly hasEta: boolean;
  /**
   * The steps of a run, noisiest first.
   * @throws UnclipError INPUT_INVALID for a number of steps that the schedule does not have
   */
  steps(schedule: UnClipSchedule, steps: number, options: SamplingOptions): StepCoefficients[];
}

/** What the steps of a method that only weighs x₀ and x have in common. */
export const PLAIN_STEP = {
  x0PrevCoeff: 0,
  noisy: false,
  std: 0,
  learnedVariance: false,
  logVarMin: 0,
  logVarMax: 0,
} as const;
